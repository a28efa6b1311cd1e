//! Bad input: one clear error that names the cause and the fix.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::support::{Content, PROGRAMS, build, png, site};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that the build fails with exit code 1 and one error that contains all `parts`.
fn assert_fails(output: &Output, parts: &[&str]) {
    let said = said(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(
        said.lines()
            .filter(|line| line.starts_with("error:"))
            .count(),
        1,
        "{said}"
    );
    for part in parts {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

#[test]
fn a_content_directory_that_is_missing_empty_or_a_file_is_named() {
    let content = Content::empty();
    let out = content.path().join("out");
    let missing = content.path().join("missing");
    assert_fails(
        &build(&missing, &out, &[]),
        &["missing", "give the directory"],
    );
    assert_fails(&build(content.path(), &out, &[]), &["holds no page", ".md"]);
    content.write("a.md", b"# A\n");
    assert_fails(
        &build(&content.path().join("a.md"), &out, &[]),
        &["a.md", "is a file"],
    );
}

#[test]
fn a_site_among_its_own_pages_is_refused() {
    let content = Content::full();
    assert_fails(&build(content.path(), content.path(), &[]), &["--out"]);
    assert!(!content.path().join("index.html").exists());
}

#[test]
fn an_output_directory_that_cannot_be_written_is_named_before_any_work() {
    let content = Content::full();
    content.write("file", b"x");
    let out = content.path().join("file/out");
    assert_fails(&build(content.path(), &out, &[]), &["file/out", "--out"]);
}

#[test]
fn a_page_that_is_not_utf8_is_named_and_the_others_are_built() {
    let content = Content::full();
    content.write("guide/bad.md", b"# Bad\n\n\xff\xfe\n");
    let out = tempfile::tempdir().expect("a folder");
    let output = build(content.path(), out.path(), &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert!(
        said.contains("guide/bad.md: is not UTF-8 (line 3"),
        "{said}"
    );
    assert!(said.contains("incomplete"), "{said}");
    assert!(out.path().join("guide/page-29.html").exists());
    assert!(!out.path().join("guide/bad.html").exists());
    assert!(
        !output.stdout.is_empty(),
        "the report is printed all the same"
    );
}

#[test]
fn a_damaged_image_is_told_and_copied() {
    let content = Content::full();
    let half = &png(600, 400)[..5000];
    content.write("half.png", half);
    content.write("text.jpg", b"no image");
    let out = tempfile::tempdir().expect("a folder");
    let output = build(content.path(), out.path(), &[]);
    assert!(output.status.success());
    let said = said(&output);
    assert!(said.contains("half.png: damaged: "), "{said}");
    assert!(
        said.contains("text.jpg: not a GIF, JPEG, PNG or WebP image"),
        "{said}"
    );
    assert_eq!(
        fs::read(out.path().join("half.png")).expect("the copy"),
        half
    );
}

#[test]
fn broken_links_are_told_with_page_line_and_what_was_meant() {
    let content = Content::full();
    content.write(
        "bad.md",
        b"# Bad\n\n[a](guide/pag-3.md)\n\n[b](guide/page-3.md#mor-on-3) ![c](no.png)\n",
    );
    let out = tempfile::tempdir().expect("a folder");
    let output = build(content.path(), out.path(), &[]);
    assert!(output.status.success());
    let said = said(&output);
    for part in [
        "bad.md:3: `guide/pag-3.md`: no such file in the site; is `guide/page-3.md` meant?",
        "bad.md:5: `guide/page-3.md#mor-on-3`: no such place on that page; is `guide/page-3.md#more-on-3` meant?",
        "bad.md:5: `no.png`: no such file in the site",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

/// Makes a directory of plugins without a working `search`.
fn plugins(folder: &Path) {
    for name in ["highlight", "images", "links", "markdown"] {
        let name = format!("site-{name}");
        fs::copy(PROGRAMS.join(&name), folder.join(&name)).expect("a copy");
    }
}

fn build_with(plugins: &Path) -> Output {
    let content = Content::full();
    let out = content.path().join("out");
    build(
        content.path(),
        &out,
        &["--plugins", plugins.to_str().expect("UTF-8")],
    )
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn a_plugin_that_is_missing_or_may_not_run_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    plugins(folder.path());
    assert_fails(
        &build_with(folder.path()),
        &["site-search", "does not exist", "--plugins"],
    );
    fs::write(folder.path().join("site-search"), "x").expect("a file");
    assert_fails(&build_with(folder.path()), &["site-search", "chmod +x"]);
}

#[test]
fn a_program_that_is_no_plugin_is_named_with_what_it_said() {
    let folder = tempfile::tempdir().expect("a folder");
    plugins(folder.path());
    let search = folder.path().join("site-search");
    executable(
        &search,
        "#!/bin/sh\necho 'I am something else' >&2\nexit 3\n",
    );
    assert_fails(
        &build_with(folder.path()),
        &["site-search", "code 3", "I am something else"],
    );
}

#[test]
fn a_plugin_of_another_service_is_refused_by_what_it_offers() {
    let folder = tempfile::tempdir().expect("a folder");
    plugins(folder.path());
    fs::copy(
        PROGRAMS.join("site-links"),
        folder.path().join("site-search"),
    )
    .expect("a copy");
    assert_fails(
        &build_with(folder.path()),
        &["site-search", "Search", "Links"],
    );
}

#[test]
fn without_its_other_half_in_process_says_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let alone = folder.path().join("site");
    fs::copy(site().get_program(), &alone).expect("a copy");
    let output = std::process::Command::new(&alone)
        .args(["build", "x", "--out", "y", "--in-process"])
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_fails(&output, &["site-in-process", "build the package"]);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let output = site()
        .args(["build", "x", "--out", "y", "--in-process", "--chaos", "3"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(2));
}
