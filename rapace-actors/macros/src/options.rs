//! The options in `#[rapace::service(..)]` and in a method's `#[rapace(..)]`.

use proc_macro2::TokenStream;
use syn::meta::ParseNestedMeta;
use syn::parse::Parser;
use syn::{Attribute, Ident, LitStr};

/// The options in `#[rapace::service(..)]`.
#[derive(Default)]
pub(crate) struct ServiceOptions {
    /// The name on the wire, if it is not the trait's own.
    pub(crate) name: Option<LitStr>,
}

/// The options in a method's `#[rapace(..)]`.
#[derive(Default)]
pub(crate) struct MethodOptions {
    pub(crate) idempotent: bool,
    pub(crate) message: Option<Ident>,
}

impl ServiceOptions {
    pub(crate) fn parse(tokens: TokenStream) -> syn::Result<Self> {
        let mut options = Self::default();
        syn::meta::parser(|meta| {
            if !meta.path.is_ident("name") {
                return Err(unknown(&meta, "a service takes `name = \"..\"`"));
            }
            let name = meta.value()?.parse::<LitStr>()?;
            if name.value().trim().is_empty() {
                return Err(syn::Error::new_spanned(
                    name,
                    "a service needs a name to be found by",
                ));
            }
            set(&meta, &mut options.name, name)
        })
        .parse2(tokens)?;
        Ok(options)
    }
}

impl MethodOptions {
    /// Reads the options and leaves the other attributes in `attributes`.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> syn::Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.extract_if(.., |attribute| is_ours(attribute)) {
            attribute.parse_nested_meta(|meta| options.read(&meta))?;
        }
        Ok(options)
    }

    fn read(&mut self, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        if meta.path.is_ident("idempotent") {
            let mut given = self.idempotent.then_some(());
            set(meta, &mut given, ())?;
            self.idempotent = true;
            return Ok(());
        }
        if meta.path.is_ident("message") {
            let name = meta.value()?.parse()?;
            return set(meta, &mut self.message, name);
        }
        Err(unknown(
            meta,
            "a method takes `idempotent` and `message = Name`",
        ))
    }
}

/// Returns `true` for `#[rapace(..)]`.
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    attribute.path().is_ident("rapace")
}

fn set<T>(meta: &ParseNestedMeta<'_>, option: &mut Option<T>, value: T) -> syn::Result<()> {
    match option.replace(value) {
        None => Ok(()),
        Some(_) => Err(syn::Error::new_spanned(
            &meta.path,
            "this option was given already",
        )),
    }
}

fn unknown(meta: &ParseNestedMeta<'_>, known: &str) -> syn::Error {
    syn::Error::new_spanned(&meta.path, format!("unknown option: {known}"))
}
