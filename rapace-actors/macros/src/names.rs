//! The names that the attribute makes, and those it must not.
//!
//! - N1: a method's message is named like the method, in Pascal case, unless it says otherwise.
//! - N2: messages stand beside the trait, so a message may not hide a type that the service uses, one of the
//!   items made for it, or a name of the prelude.
//! - N3: a method of the proxy may not hide one that every proxy has.
//! - N4: names that begin with `__rapace`, in whatever case, are the expansion's own.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Ident, ItemTrait, TypePath};

use crate::method::Method;
use crate::refusals::Refusals;

/// The items made for a trait, other than messages.
pub(crate) struct Names {
    pub(crate) service: Ident,
    pub(crate) request: Ident,
    pub(crate) response: Ident,
    pub(crate) server: Ident,
    pub(crate) proxy: Ident,
    /// The type parameter of the server. It is in scope where no type of the user's is named.
    pub(crate) implementation: Ident,
}

impl Names {
    pub(crate) fn of(ident: &Ident) -> Self {
        Self {
            service: format_ident!("{ident}Service"),
            // Not what somebody would call a type of their own: nobody writes these.
            request: format_ident!("__{ident}Request"),
            response: format_ident!("__{ident}Response"),
            server: format_ident!("{ident}Server"),
            proxy: format_ident!("{ident}Proxy"),
            implementation: format_ident!("{ident}Impl"),
        }
    }

    fn all(&self) -> [&Ident; 5] {
        [
            &self.service,
            &self.request,
            &self.response,
            &self.server,
            &self.proxy,
        ]
    }
}

/// The message's name for a method's (N1); `None` if nothing is left of it.
pub(crate) fn message(method: &Ident) -> Option<Ident> {
    let mut name = String::new();
    for word in method.unraw().to_string().split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        name.push_str(letters.as_str());
    }
    syn::parse_str::<Ident>(&name)
        .ok()
        .map(|_| Ident::new(&name, method.span()))
}

/// Refuses names that collide (N2, N3, N4).
pub(crate) fn check(item: &ItemTrait, names: &Names, methods: &[Method], refusals: &mut Refusals) {
    refuse_reserved(item.to_token_stream(), refusals);
    let used = used_types(item);
    for made in names.all() {
        if let Some(ty) = used.get(&made.to_string()) {
            refusals.refuse(
                ty,
                format!(
                    "the attribute makes a `{made}` beside the trait, which this would be: rename your type, or name it \
                     by a path"
                ),
            );
        }
    }
    let mut methods_by_name: HashMap<String, &Method> = HashMap::new();
    let mut methods_by_message: HashMap<String, &Method> = HashMap::new();
    for method in methods {
        let (ident, message) = (&method.ident, &method.message);
        let name = ident.unraw().to_string();
        if PROXY.contains(&name.as_str()) {
            refusals.refuse(
                ident,
                format!("every proxy has a `{name}` of its own: give the method another name"),
            );
        }
        if methods_by_name.insert(name, method).is_some() {
            refusals.refuse(
                ident,
                format!("`{ident}` is declared twice: each method has a name of its own"),
            );
            continue;
        }
        if let Some(other) = methods_by_message.insert(message.to_string(), method) {
            let other = &other.ident;
            refusals.refuse(
                message,
                format!(
                    "`{other}` and `{ident}` would both have the message `{message}`: {RENAME}"
                ),
            );
        }
        if *message == item.ident || names.all().contains(&message) {
            refusals.refuse(
                message,
                format!("the message `{message}` has the name of an item of the service: {RENAME}"),
            );
        } else if used.contains_key(&message.to_string()) {
            refusals.refuse(
                message,
                format!("the message `{message}` would hide the type `{message}`: {RENAME}"),
            );
        } else if PRELUDE.contains(&message.to_string().as_str()) {
            refusals.refuse(
                message,
                format!("the message `{message}` would hide the prelude's `{message}`: {RENAME}"),
            );
        }
    }
}

/// Types that the service names without a path, so that a message of the same name would hide them.
fn used_types(item: &ItemTrait) -> HashMap<String, Ident> {
    struct Used(HashMap<String, Ident>);
    impl<'ast> Visit<'ast> for Used {
        fn visit_type_path(&mut self, ty: &'ast TypePath) {
            if ty.path.leading_colon.is_none()
                && let Some(first) = ty.path.segments.first()
            {
                let name = first.ident.to_string();
                self.0.entry(name).or_insert_with(|| first.ident.clone());
            }
            visit::visit_type_path(self, ty);
        }
    }
    let mut used = Used(HashMap::new());
    used.visit_item_trait(item);
    used.0
}

/// N4
fn refuse_reserved(tokens: TokenStream, refusals: &mut Refusals) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let name = ident.unraw().to_string().to_lowercase();
                if name.starts_with("__rapace") {
                    refusals.refuse(
                        &ident,
                        "names that begin with `__rapace` are the attribute's own: give it another",
                    );
                }
            }
            TokenTree::Group(group) => refuse_reserved(group.stream(), refusals),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

const RENAME: &str = "rename the message with #[rapace(message = Name)]";

/// The methods that every proxy has, through `Deref` or beside the service's own, and what is written
/// `SearchProxy::from(..)`.
pub(crate) const PROXY: [&str; 13] = [
    "actor_ref",
    "allocate",
    "ask",
    "clone",
    "from",
    "from_proxy",
    "into",
    "local",
    "recipient",
    "reply_recipient",
    "tell",
    "try_into",
    "try_tell",
];

/// Types, traits and variants that are in scope everywhere.
#[rustfmt::skip]
const PRELUDE: [&str; 42] = [
    "AsMut", "AsRef", "AsyncFn", "AsyncFnMut", "AsyncFnOnce", "Box", "Clone", "Copy", "Default",
    "DoubleEndedIterator", "Drop", "Eq", "Err", "ExactSizeIterator", "Extend", "Fn", "FnMut", "FnOnce", "From",
    "FromIterator", "Future", "Into", "IntoFuture", "IntoIterator", "Iterator", "None", "Ok", "Option", "Ord",
    "PartialEq", "PartialOrd", "Result", "Send", "Sized", "Some", "String", "Sync", "ToOwned", "ToString",
    "TryFrom", "TryInto", "Vec",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn named(method: &str) -> Option<String> {
        let method = syn::parse_str::<Ident>(method).unwrap();
        message(&method).map(|name| name.to_string())
    }

    #[test]
    fn messages_are_named_in_pascal_case() {
        for (method, name) in [
            ("highlight", "Highlight"),
            ("tear_out", "TearOut"),
            ("_get__2d_", "Get2d"),
            ("getPage", "GetPage"),
            ("r#match", "Match"),
            ("öffne", "Öffne"),
        ] {
            assert_eq!(named(method).as_deref(), Some(name), "{method}");
        }
    }

    /// N3
    #[test]
    fn every_method_of_a_proxy_is_known() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/proxy");
        for file in [".rs", "/actor.rs"] {
            let source = std::fs::read_to_string(format!("{manifest}{file}")).unwrap();
            let items = syn::parse_file(&source).unwrap().items;
            let public = |item: &syn::ImplItemFn| {
                matches!(item.vis, syn::Visibility::Public(_)) && item.sig.receiver().is_some()
            };
            let mut found = 0;
            for item in items {
                let syn::Item::Impl(item) = item else {
                    continue;
                };
                let of_proxy = item.trait_.is_none()
                    && item.self_ty.to_token_stream().to_string() == "Proxy < S >";
                for item in item.items.iter().filter(|_| of_proxy) {
                    if let syn::ImplItem::Fn(method) = item
                        && public(method)
                    {
                        let name = method.sig.ident.to_string();
                        assert!(PROXY.contains(&name.as_str()), "{name} is not refused");
                        found += 1;
                    }
                }
            }
            assert!(found >= 3, "{file} has no methods of proxies any more");
        }
    }

    #[test]
    fn what_leaves_no_name_has_none() {
        for method in ["__", "_2d", "self_"] {
            assert_eq!(named(method), None, "{method}");
        }
    }
}
