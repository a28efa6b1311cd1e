//! The descriptor of a service.

use facet::{Facet, Shape};
use rapace::__macro::{MethodCall, MethodDescriptor, Service};

use crate::library::*;

fn method(name: &str) -> &'static MethodDescriptor {
    let methods = LibraryService::descriptor().methods;
    methods.iter().find(|method| method.name == name).unwrap()
}

fn is<T: Facet<'static>>(shape: Option<&'static Shape>) -> bool {
    shape == Some(T::SHAPE)
}

#[test]
fn names_are_those_of_the_trait_unless_it_says_otherwise() {
    assert_eq!(LibraryService::descriptor().name, "tests.Library");
    assert_eq!(CounterService::descriptor().name, "Counter");
}

#[test]
fn a_methods_position_is_its_number() {
    let names: Vec<_> = LibraryService::descriptor()
        .methods
        .iter()
        .map(|method| method.name)
        .collect();
    assert_eq!(
        names,
        [
            "find",
            "texts",
            "add",
            "tear_out",
            "add_all",
            "pages",
            "pages_from",
            "cut"
        ]
    );
    assert_eq!((Find::METHOD, AllTexts::METHOD, Cut::METHOD), (0, 1, 7));
}

#[test]
fn docs_are_kept_line_by_line() {
    assert_eq!(
        LibraryService::descriptor().doc,
        [" Keeps pages.", "", " In the order in which they came."]
    );
    assert_eq!(
        method("find").doc,
        [" Finds a page.", "", " Numbers start at 1."]
    );
    assert!(method("add").doc.is_empty());
}

#[test]
fn idempotent_is_what_was_marked() {
    assert_eq!((method("find").idempotent, Find::IDEMPOTENT), (true, true));
    assert_eq!(
        (method("texts").idempotent, AllTexts::IDEMPOTENT),
        (true, true)
    );
    assert_eq!((method("add").idempotent, Add::IDEMPOTENT), (false, false));
}

#[test]
fn arguments_have_names_and_shapes() {
    let arguments = method("texts").arguments;
    assert_eq!(arguments.len(), 2);
    assert_eq!((arguments[0].name, arguments[1].name), ("before", "after"));
    assert!(is::<String>(Some(arguments[0].shape)));
    assert!(is::<Option<char>>(Some(arguments[1].shape)));
}

#[test]
fn a_result_is_described_as_value_and_error() {
    assert!(is::<Page>(Some(method("find").ok)));
    assert!(is::<LibraryError>(method("find").error));
    assert!(is::<Vec<String>>(Some(method("texts").ok)));
    assert!(method("texts").error.is_none());
    assert!(is::<()>(Some(method("add").ok)));
}

#[test]
fn streams_are_described_by_their_items() {
    let cut = method("cut");
    assert_eq!(cut.arguments.len(), 1, "a stream is no argument");
    assert_eq!(cut.arguments[0].name, "length");
    assert!(is::<Page>(cut.items_in) && is::<String>(cut.items_out) && is::<()>(Some(cut.ok)));
    assert_eq!((Cut::ITEMS_IN, Cut::ITEMS_OUT), (true, true));
    assert!(is::<Page>(method("add_all").items_in) && method("add_all").items_out.is_none());
    assert!(method("pages").items_in.is_none() && is::<Page>(method("pages").items_out));
    assert_eq!((Find::ITEMS_IN, Find::ITEMS_OUT), (false, false));
}

#[test]
fn every_type_can_cross() {
    LibraryService::descriptor().check().unwrap();
}
