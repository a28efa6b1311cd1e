//! The layers of the crate: each imports from those below it only, and no files import each other
//! in a circle.

use rapace_layering::{Import, assert_acyclic, assert_layers, imports, upward};

/// From the lowest to the highest.
///
/// Streams lie below calls, since a call may open a stream and a stream knows nothing of calls.
const LAYERS: &[&str] = &[
    "sync",
    "wire",
    "transport",
    "link",
    "streams",
    "calls",
    "serving",
    "session",
];

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

#[test]
fn every_import_points_downwards_and_none_goes_round() {
    let imports = imports(SOURCES).unwrap();
    assert_acyclic(&imports);
    assert_layers(&imports, LAYERS);
}

#[test]
fn an_import_that_points_upwards_is_found() {
    let mut imports = imports(SOURCES).unwrap();
    assert!(upward(LAYERS, &imports).is_empty());
    let planted = Import {
        from: "calls/request.rs".into(),
        to: "session/handle.rs".into(),
        ..imports.list[0].clone()
    };
    imports.list.push(planted.clone());
    assert_eq!(upward(LAYERS, &imports), [planted]);
}

#[test]
fn each_rule_code_is_defined_once_and_each_that_is_cited_is_defined() {
    rapace_layering::assert_rule_codes(env!("CARGO_MANIFEST_DIR"));
}
