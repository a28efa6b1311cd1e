//! The names that the attribute makes, and those it must not.
//!
//! - N1: a method's message is named like the method, in Pascal case, unless it says otherwise.
//! - N2: messages stand beside the trait, so a message may not hide a type that the service uses, one of the
//!   items made for it, or a name of the prelude.
//! - N3: a method of the proxy may not hide one that every proxy has.

use std::collections::{HashMap, HashSet};

use quote::format_ident;
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
}

impl Names {
    pub(crate) fn of(ident: &Ident) -> Self {
        Self {
            service: format_ident!("{ident}Service"),
            request: format_ident!("{ident}Request"),
            response: format_ident!("{ident}Response"),
            server: format_ident!("{ident}Server"),
            proxy: format_ident!("{ident}Proxy"),
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

/// Refuses names that collide (N2, N3).
pub(crate) fn check(item: &ItemTrait, names: &Names, methods: &[Method], refusals: &mut Refusals) {
    let used = used_types(item);
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
        } else if used.contains(&message.to_string()) {
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
fn used_types(item: &ItemTrait) -> HashSet<String> {
    struct Used(HashSet<String>);
    impl<'ast> Visit<'ast> for Used {
        fn visit_type_path(&mut self, ty: &'ast TypePath) {
            if ty.path.leading_colon.is_none()
                && let Some(first) = ty.path.segments.first()
            {
                self.0.insert(first.ident.to_string());
            }
            visit::visit_type_path(self, ty);
        }
    }
    let mut used = Used(HashSet::new());
    used.visit_item_trait(item);
    used.0
}

const RENAME: &str = "rename the message with #[rapace(message = Name)]";

/// The methods that every proxy has, through `Deref` or beside the service's own.
const PROXY: [&str; 9] = [
    "actor_ref",
    "allocate",
    "ask",
    "clone",
    "local",
    "recipient",
    "reply_recipient",
    "tell",
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

    #[test]
    fn what_leaves_no_name_has_none() {
        for method in ["__", "_2d", "self_"] {
            assert_eq!(named(method), None, "{method}");
        }
    }
}
