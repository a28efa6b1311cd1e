//! This crate keeps its own rules.

use rapace_layering::{assert_acyclic, assert_layers, imports};

#[test]
fn its_own_files_are_in_layers_and_form_no_circle() {
    let imports = imports(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    assert_acyclic(&imports);
    let layers = [
        "cfg", "scan", "source", "names", "imports", "layers", "cycles", "pages", "rules", "texts",
    ];
    assert_layers(&imports, &layers);
}
