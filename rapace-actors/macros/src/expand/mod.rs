//! What is made of a service, one file per kind of item.
//!
//! - H1: what the user declares cannot change the expansion: its own names begin with `__rapace`, which the user's may
//!   not, and everything else is named by an absolute path, the primitive types included. A pattern that is a name would
//!   mean a constant of that name, wherever it came from.
//! - H2: types are spelled as the user spelled them, and stand where no name of ours is in scope that they could mean.

mod assertions;
mod calls;
mod declaration;
mod descriptor;
mod marker;
mod messages;
mod proxy;
mod server;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, Meta};

use crate::service::Service;

/// All items of a service.
pub(crate) fn service(service: &Service) -> TokenStream {
    let declaration = declaration::expand(service);
    let assertions = assertions::expand(service);
    let messages = messages::expand(service);
    let marker = marker::expand(service);
    let calls = calls::expand(service);
    let server = server::expand(service);
    let proxy = proxy::expand(service);
    let items = quote! {
        #declaration
        #assertions
        #messages
        #marker
        #calls
        #server
        #proxy
    };
    let conditions = service
        .attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"));
    let conditions: Vec<_> = conditions.collect();
    if conditions.is_empty() {
        return items;
    }
    // The declaration has them already; what is made of a trait is there when that is.
    let Ok(file) = syn::parse2::<syn::File>(items.clone()) else {
        return items;
    };
    let items = file.items.iter().map(|item| quote!(#(#conditions)* #item));
    items.collect()
}

/// Attributes for made items: an unused one is no oversight, style is not the user's business there, and docs that
/// were written for a method may link to what only the trait has.
fn quiet() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            unreachable_patterns,
            rustdoc::broken_intra_doc_links,
            clippy::all,
            clippy::pedantic,
            clippy::nursery
        )]
    }
}

/// Those of the attributes that also go on what is made of an item: docs, and that it is deprecated.
fn carried(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| {
        attribute.path().is_ident("doc") || attribute.path().is_ident("deprecated")
    })
}

/// The lines of the docs, as expressions: some are `include_str!`.
fn doc_lines(attributes: &[Attribute]) -> Vec<&Expr> {
    attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(doc) if doc.path.is_ident("doc") => Some(&doc.value),
            _ => None,
        })
        .collect()
}

/// The docs that are carried over, or `instead` if there are none.
fn docs_or(attributes: &[Attribute], instead: &str) -> TokenStream {
    let carried = carried(attributes);
    let instead = doc_lines(attributes)
        .is_empty()
        .then(|| quote!(#[doc = #instead]));
    quote!(#instead #(#carried)*)
}
