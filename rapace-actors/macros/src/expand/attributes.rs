//! The attributes that made items carry.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, Meta};

/// Attributes for made items: an unused one is no oversight, style is not the user's business there, and docs that
/// were written for a method may link to what only the trait has.
pub(super) fn quiet() -> TokenStream {
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

/// The attributes that are copied to the items generated from an item: docs and `deprecated`.
fn carried(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| {
        attribute.path().is_ident("doc") || attribute.path().is_ident("deprecated")
    })
}

/// The lines of the docs, as expressions: some are `include_str!`.
pub(super) fn doc_lines(attributes: &[Attribute]) -> Vec<&Expr> {
    attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(doc) if doc.path.is_ident("doc") => Some(&doc.value),
            _ => None,
        })
        .collect()
}

/// The docs that are carried over, or `instead` if there are none.
pub(super) fn docs_or(attributes: &[Attribute], instead: &str) -> TokenStream {
    let carried = carried(attributes);
    let instead = doc_lines(attributes)
        .is_empty()
        .then(|| quote!(#[doc = #instead]));
    quote!(#instead #(#carried)*)
}
