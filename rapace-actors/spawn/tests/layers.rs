//! Imports point downwards, and no files form a circle.

use rapace_layering::{assert_acyclic, assert_layers, imports};

#[test]
fn imports_point_downwards_and_no_files_form_a_circle() {
    let imports = imports(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    assert_acyclic(&imports);
    // From the lowest to the highest.
    assert_layers(&imports, &["error", "attempt", "raw", "leash", "launch"]);
}

#[test]
fn each_rule_code_is_defined_once_and_each_that_is_cited_is_defined() {
    rapace_layering::assert_rule_codes(env!("CARGO_MANIFEST_DIR"));
}
