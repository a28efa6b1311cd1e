//! Decides which code only test builds have.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token};

/// The configurations that only test builds set.
const TESTS: [&str; 5] = ["fuzzing", "kani", "loom", "miri", "test"];

/// Returns whether an item with these attributes exists in test builds only.
pub(crate) fn only_in_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        if path.is_ident("cfg") {
            let predicate = attribute.parse_args::<Meta>();
            return predicate.is_ok_and(|predicate| implies_test(&predicate));
        }
        // `#[test]`, `#[tokio::test]`.
        let last = path.segments.last();
        last.is_some_and(|last| last.ident == "test")
    })
}

fn implies_test(predicate: &Meta) -> bool {
    match predicate {
        Meta::Path(name) => TESTS.iter().any(|test| name.is_ident(test)),
        Meta::NameValue(_) => false,
        Meta::List(list) => {
            let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            let Ok(inner) = inner else { return false };
            if list.path.is_ident("all") {
                inner.iter().any(implies_test)
            } else {
                list.path.is_ident("any") && !inner.is_empty() && inner.iter().all(implies_test)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_for_tests_only_if_no_other_build_can_have_it() {
        let only = |attribute: &str| {
            let item = format!("{attribute} fn f() {{}}");
            only_in_tests(&syn::parse_str::<syn::ItemFn>(&item).unwrap().attrs)
        };
        assert!(only("#[cfg(test)]"));
        assert!(only("#[cfg(all(test, not(loom)))]"));
        assert!(only("#[cfg(any(test, fuzzing))]"));
        assert!(only("#[tokio::test(start_paused = true)]"));
        assert!(!only("#[cfg(any(test, feature = \"crash-points\"))]"));
        assert!(!only("#[cfg(not(test))]"));
        assert!(!only("#[cfg(all(unix, feature = \"test\"))]"));
        assert!(!only("#[inline]"));
    }
}
