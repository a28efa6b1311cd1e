//! Assertions that each type can be sent, with the spans of the types in the trait.
//!
//! The other items have the same bounds; these come first and have the user's spans, so that the first error is
//! about a type in the trait and not about generated code.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::attributes::quiet;
use crate::method::Method;
use crate::service::Service;

pub(super) fn expand(service: &Service) -> TokenStream {
    let assertions = service
        .methods
        .iter()
        .flat_map(types)
        .map(|ty| quote_spanned!(ty.span()=> __rapace_crosses::<#ty>();));
    let quiet = quiet();
    quote! {
        #quiet
        const _: fn() = || {
            fn __rapace_crosses<__RapaceValue: ::rapace::__macro::Wire>() {}
            #(#assertions)*
        };
    }
}

/// Returns every type that a method sends or receives.
fn types(method: &Method) -> impl Iterator<Item = &Type> {
    let arguments = method
        .arguments
        .iter()
        .map(|argument| argument.items.as_ref().unwrap_or(&argument.ty));
    let output = &method.output;
    let ok = output.items.as_ref().unwrap_or(&output.ok);
    arguments.chain([ok]).chain(&output.error)
}
