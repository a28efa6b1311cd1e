//! The descriptor: a `static` with names, docs and shapes.
//!
//! Docs have facet's form: one entry per line, with the space after the slashes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;
use syn::ext::IdentExt;

use super::attributes::doc_lines;
use crate::method::{Argument, Method};
use crate::service::Service;

/// Returns a block that evaluates to a reference to the descriptor.
pub(super) fn expand(service: &Service) -> TokenStream {
    let name = &service.wire_name;
    let doc = doc_lines(&service.attributes);
    let methods = service.methods.iter().map(method);
    quote! {
        static __RAPACE_DESCRIPTOR: ::rapace::__macro::ServiceDescriptor = ::rapace::__macro::ServiceDescriptor {
            name: #name,
            doc: &[#(#doc),*],
            methods: &[#(#methods),*],
        };
        &__RAPACE_DESCRIPTOR
    }
}

fn method(method: &Method) -> TokenStream {
    let Method {
        attributes,
        ident,
        idempotent,
        output,
        ..
    } = method;
    let name = ident.unraw().to_string();
    let doc = doc_lines(attributes);
    let arguments = method.values().map(argument);
    let ok = match &output.items {
        Some(_) => quote!(<() as ::rapace::__macro::Facet<'static>>::SHAPE),
        None => shape(&output.ok),
    };
    let error = optional(output.error.as_ref());
    let items_in = optional(method.stream().map(|(_, items)| items));
    let items_out = optional(output.items.as_ref());
    quote! {
        ::rapace::__macro::MethodDescriptor {
            name: #name,
            doc: &[#(#doc),*],
            idempotent: #idempotent,
            arguments: &[#(#arguments),*],
            ok: #ok,
            error: #error,
            items_in: #items_in,
            items_out: #items_out,
        }
    }
}

fn argument(Argument { ident, ty, .. }: &Argument) -> TokenStream {
    let name = ident.unraw().to_string();
    let shape = shape(ty);
    quote!(::rapace::__macro::ArgumentDescriptor { name: #name, shape: #shape })
}

fn shape(ty: &Type) -> TokenStream {
    quote!(<#ty as ::rapace::__macro::Facet<'static>>::SHAPE)
}

fn optional(ty: Option<&Type>) -> TokenStream {
    match ty.map(shape) {
        Some(shape) => quote!(::core::option::Option::Some(#shape)),
        None => quote!(::core::option::Option::None),
    }
}
