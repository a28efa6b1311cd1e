//! Imports point downwards, and no files form a circle.

use rapace_layering::{assert_acyclic, assert_layers, imports};

/// From the lowest to the highest.
const LAYERS: [&str; 42] = [
    "doorbells",
    "local",
    "mirror",
    "session_pair",
    "turns",
    "work/parts",
    "work/stage",
    "work/without_slots",
    "work/ask",
    "work/ping_pong",
    "work/blob",
    "work/channel",
    "work/codec",
    "work/codec_bars",
    "work/count",
    "work/fanout",
    "work/fragments",
    "work/idle",
    "work/kept",
    "work/local",
    "work/memcpy",
    "work/recipient",
    "work/restart",
    "work/spawn",
    "work/stream",
    "work/blob_stream",
    "work/tell",
    "work",
    "cli/point",
    "cli/case",
    "cli/options",
    "cli/plan",
    "cli/subject",
    "cli/run",
    "cli/figures",
    "cli/row",
    "cli/json",
    "cli/table",
    "cli/plot",
    "cli/kept",
    "cli/single",
    "cli",
];

#[test]
fn imports_point_downwards_and_no_files_form_a_circle() {
    let imports = imports(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
    assert_acyclic(&imports);
    assert_layers(&imports, &LAYERS);
}

#[test]
fn each_rule_code_is_defined_once_and_each_that_is_cited_is_defined() {
    rapace_layering::assert_rule_codes(env!("CARGO_MANIFEST_DIR"));
}
