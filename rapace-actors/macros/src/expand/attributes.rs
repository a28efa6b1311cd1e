//! The attributes of generated items.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Expr, Meta};

/// Returns attributes that silence lints for generated items: unused items and style are not the user's concern
/// there, and docs that were copied from a method may have links that resolve only in the trait.
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

/// Returns the attributes that are copied to generated items: docs and `deprecated`.
fn carried(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| {
        attribute.path().is_ident("doc") || attribute.path().is_ident("deprecated")
    })
}

/// Returns the lines of the docs as expressions: some are `include_str!`.
pub(super) fn doc_lines(attributes: &[Attribute]) -> Vec<&Expr> {
    attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(doc) if doc.path.is_ident("doc") => Some(&doc.value),
            _ => None,
        })
        .collect()
}

/// Returns the copied docs, or `instead` if there are none.
pub(super) fn docs_or(attributes: &[Attribute], instead: &str) -> TokenStream {
    let carried = carried(attributes);
    let instead = doc_lines(attributes)
        .is_empty()
        .then(|| quote!(#[doc = #instead]));
    quote!(#instead #(#carried)*)
}
