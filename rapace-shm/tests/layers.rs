//! No folder of this crate imports from a folder above it, and no files import each other in a circle.

use rapace_layering::{assert_acyclic, assert_layers, imports};

/// The folders, from the lowest to the highest. Each may use those before it, and none after it. `testing` is above
/// all, and in test builds only.
const LAYERS: &[&str] = &[
    "sync",
    "config",
    "fault",
    "layout",
    "kernel",
    "establish_error",
    "crash_points",
    "ring",
    "slab",
    "doorbell",
    "memory",
    "link",
    "handshake",
];

#[test]
fn no_room_imports_from_a_room_above_it() {
    let imports = imports(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    assert_acyclic(&imports);
    assert_layers(&imports, LAYERS);
}

#[test]
fn each_rule_code_is_defined_once_and_each_that_is_cited_is_defined() {
    rapace_layering::assert_rule_codes(env!("CARGO_MANIFEST_DIR"));
}
