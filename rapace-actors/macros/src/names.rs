//! Decides the names of generated items.
//!
//! - N1: a method's message has the method's name in Pascal case, unless an option sets another.
//!
//! Which names collide is decided by [`collisions`](crate::collisions), N2 to N4.

use quote::format_ident;
use syn::Ident;
use syn::ext::IdentExt;

/// The items generated for a trait, other than messages.
pub(crate) struct Names {
    pub(crate) service: Ident,
    pub(crate) request: Ident,
    pub(crate) response: Ident,
    pub(crate) server: Ident,
    pub(crate) proxy: Ident,
    /// The type parameter of the server. It is in scope only where no user type is named.
    pub(crate) implementation: Ident,
}

impl Names {
    pub(crate) fn of(ident: &Ident) -> Self {
        Self {
            service: format_ident!("{ident}Service"),
            // Names that no user type has: nobody writes these.
            request: format_ident!("__{ident}Request"),
            response: format_ident!("__{ident}Response"),
            server: format_ident!("{ident}Server"),
            proxy: format_ident!("{ident}Proxy"),
            implementation: format_ident!("{ident}Impl"),
        }
    }

    pub(crate) fn all(&self) -> [&Ident; 5] {
        [
            &self.service,
            &self.request,
            &self.response,
            &self.server,
            &self.proxy,
        ]
    }
}

/// Returns the message's name for a method's name (N1); `None` if nothing is left of it.
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
