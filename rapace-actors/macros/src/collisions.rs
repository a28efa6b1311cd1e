//! Decides which names in a trait collide with generated items.
//!
//! - N2: messages are generated beside the trait, so a message must not shadow a type that the service uses,
//!   another generated item, or a name of the prelude.
//! - N3: a method of the proxy must not shadow one that every proxy has.
//! - N4: names that begin with `__rapace`, in any case, are reserved for the expansion.

use std::collections::HashMap;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Ident, ItemTrait, TypePath};

use crate::method::Method;
use crate::names::Names;
use crate::refusals::Refusals;

/// Rejects names that collide (N2, N3, N4).
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

/// Returns types that the service names without a path, which a message of the same name would shadow.
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

/// Rejects reserved names (N4).
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

/// The methods that every proxy has, through `Deref`, generated beside the service's own, or as associated
/// functions such as `SearchProxy::from(..)`.
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

    /// N3
    #[test]
    fn every_method_of_a_proxy_is_known() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/proxy");
        let mut found = 0;
        for source in sources(folder.as_ref()) {
            let items = syn::parse_file(&source).unwrap().items;
            let public = |item: &syn::ImplItemFn| {
                matches!(item.vis, syn::Visibility::Public(_)) && item.sig.receiver().is_some()
            };
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
        }
        assert!(
            found >= 6,
            "only {found} methods of proxies were found in {folder}"
        );
    }

    /// Returns all files of a folder and its subfolders.
    fn sources(folder: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let read = |path: std::path::PathBuf| match path.is_dir() {
            true => sources(&path),
            false => vec![std::fs::read_to_string(path).unwrap()],
        };
        paths.flat_map(read).collect()
    }
}
