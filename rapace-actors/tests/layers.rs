//! The folders of this crate import downwards only, and no files or folders import each other in a circle.

use rapace_layering::{assert_acyclic, assert_layers, imports, upward};

/// From the lowest folder to the highest.
const LAYERS: &[&str] = &[
    "clock",
    "process",
    "supervision",
    "error",
    "service",
    "route",
    "proxy",
    "plugin",
    "supervisor",
];

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

#[test]
fn every_import_points_downwards_and_closes_no_circle() {
    let imports = imports(SOURCES).expect("the crate's sources");
    assert_acyclic(&imports);
    assert_layers(&imports, LAYERS);
}

/// If the supervisor were below the plugin, its imports would point upwards.
#[test]
fn an_upward_import_is_found() {
    let mut layers = LAYERS.to_vec();
    layers.swap(7, 8);
    let upward = upward(&layers, &imports(SOURCES).expect("the crate's sources"));
    let files = upward.iter().map(|import| (&*import.from, &*import.to));
    assert!(
        files
            .clone()
            .any(|(from, to)| from.starts_with("supervisor/") && to == "plugin/handle.rs"),
        "{:?}",
        files.collect::<Vec<_>>()
    );
}

#[test]
fn each_rule_code_is_defined_once_and_each_that_is_cited_is_defined() {
    rapace_layering::assert_rule_codes(env!("CARGO_MANIFEST_DIR"));
}
