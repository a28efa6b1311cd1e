//! Imports point downwards, and no files form a circle.

use rapace_layering::{assert_acyclic, assert_layers, imports};

/// From the lowest to the highest.
const LAYERS: [&str; 11] = [
    "refusals",
    "options",
    "owned",
    "names",
    "output",
    "method",
    "collisions",
    "service",
    "expand/attributes",
    "expand/descriptor",
    "expand",
];

#[test]
fn imports_point_downwards_and_no_files_form_a_circle() {
    let imports = imports(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    assert_acyclic(&imports);
    assert_layers(&imports, &LAYERS);
}
