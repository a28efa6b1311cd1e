//! What `#[rapace::service]` rejects, and its error texts.
//!
//! Each file holds errors of one kind; the expected output lies beside it. Files under `compiler/` contain the
//! compiler's own texts around ours, which change with its version: they were written by rustc 1.95.0 and are
//! checked with that version only. After an upgrade: `TRYBUILD=overwrite cargo test --test compile_fail`.

use std::process::Command;

#[test]
fn invalid_services_are_refused_in_our_words() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}

#[test]
fn types_that_cannot_be_serialized_are_refused_where_they_are_written() {
    if compiler() == "1.95.0" {
        trybuild::TestCases::new().compile_fail("tests/compile_fail/compiler/*.rs");
    }
}

/// Returns the version of the compiler that builds the cases.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .expect("rustc runs");
    let version = String::from_utf8(version.stdout).expect("a version is text");
    version
        .split(' ')
        .nth(1)
        .expect("`rustc <version> (..)`")
        .to_owned()
}
