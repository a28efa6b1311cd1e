//! A parsed service, the input of the expansion.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Ident, Item, ItemTrait, LitStr, Token, TraitItem, TypeParamBound, Visibility,
};

use crate::collisions;
use crate::method::Method;
use crate::names::Names;
use crate::options::{ServiceOptions, is_ours};
use crate::refusals::Refusals;

/// A trait that can be served by another process.
pub(crate) struct Service {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) ident: Ident,
    pub(crate) supertraits: Punctuated<TypeParamBound, Token![+]>,
    /// The name on the wire.
    pub(crate) wire_name: LitStr,
    pub(crate) names: Names,
    /// In the order of the trait: the index is the method's number.
    pub(crate) methods: Vec<Method>,
}

impl Service {
    /// Parses a trait.
    ///
    /// # Errors
    /// Everything in the trait that a service cannot have.
    pub(crate) fn parse(options: TokenStream, item: Item) -> syn::Result<Self> {
        let Item::Trait(item) = item else {
            return Err(syn::Error::new_spanned(
                item,
                "#[rapace::service] goes on a trait, whose methods are the calls",
            ));
        };
        let mut refusals = Refusals::default();
        let options = refusals
            .take(ServiceOptions::parse(options))
            .unwrap_or_default();
        refuse_kind(&item, &mut refusals);
        let mut methods = Vec::new();
        for item in &item.items {
            match item {
                TraitItem::Fn(function) => {
                    methods.extend(Method::parse(function.clone(), &mut refusals))
                }
                other => refusals.refuse(other, refused_item(other)),
            }
        }
        let names = Names::of(&item.ident.unraw());
        collisions::check(&item, &names, &methods, &mut refusals);
        refusals.finish(Self {
            wire_name: options
                .name
                .unwrap_or_else(|| LitStr::new(&item.ident.unraw().to_string(), item.ident.span())),
            attributes: item.attrs,
            visibility: item.vis,
            ident: item.ident,
            supertraits: item.supertraits,
            names,
            methods,
        })
    }
}

fn refuse_kind(item: &ItemTrait, refusals: &mut Refusals) {
    if let Some(token) = &item.unsafety {
        refusals.refuse(
            token,
            "a call crosses processes: a service cannot be `unsafe`",
        );
    }
    if let Some(token) = &item.modifiers.auto_token {
        refusals.refuse(token, "a service has methods: it cannot be `auto`");
    }
    if !item.generics.params.is_empty() {
        refusals.refuse(
            &item.generics.params,
            "a service is one thing on the wire: no type parameters, no lifetimes",
        );
    }
    if let Some(clause) = &item.generics.where_clause {
        refusals.refuse(clause, "a service is one thing on the wire: no `where`");
    }
    for attribute in item.attrs.iter().filter(|attribute| is_ours(attribute)) {
        refusals.refuse(
            attribute,
            "options of a service stand in `#[rapace::service(..)]`",
        );
    }
    if item.items.is_empty() {
        refusals.refuse(
            &item.ident,
            "a service without methods cannot be called: add an `async fn`",
        );
    }
}

fn refused_item(item: &TraitItem) -> &'static str {
    match item {
        TraitItem::Const(_) => "both sides must know it: make it a constant beside the service",
        TraitItem::Type(_) => "both sides must know each type: name it in the methods",
        TraitItem::Macro(_) => "a macro hides the methods from the service: write them out",
        _ => "a service has async methods and nothing else",
    }
}
