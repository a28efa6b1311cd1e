//! The executable that `site --in-process` runs.

use std::process::Command;

#[test]
fn it_builds_a_site_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = folder.path().join("content");
    let site = folder.path().join("site");
    std::fs::create_dir(&content).expect("a folder");
    std::fs::write(
        content.join("a.md"),
        "# Hello\n\n```rust\nfn main() {}\n```\n",
    )
    .expect("a page");
    let output = Command::new(env!("CARGO_BIN_EXE_site-in-process"))
        .arg("build")
        .arg(&content)
        .arg("--out")
        .arg(&site)
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let page = std::fs::read_to_string(site.join("a.html")).expect("a page");
    assert!(page.contains("<span class=\"k\">fn</span>"), "{page}");
    assert!(page.contains("<title>Hello</title>"), "{page}");
}
