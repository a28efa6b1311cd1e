//! The pages as a reader sees them.

use std::path::Path;

use crate::support::{Content, build, report, tree};

fn built(content: &Content) -> tempfile::TempDir {
    let out = tempfile::tempdir().expect("a folder");
    report(&build(
        content.path(),
        out.path(),
        &["--in-process", "--json"],
    ));
    out
}

fn page(out: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(out.path().join(name)).expect("a page")
}

/// Returns the values of all attributes with this name.
fn values<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(&start)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn every_address_on_every_page_leads_to_a_file_of_the_site() {
    let content = Content::full();
    let out = built(&content);
    let files = tree(out.path());
    let mut checked = 0;
    for (path, bytes) in files.iter().filter(|(path, _)| path.ends_with(".html")) {
        let html = String::from_utf8_lossy(bytes);
        let folder = Path::new(path).parent().expect("a folder");
        let sizes = values(&html, "srcset")
            .into_iter()
            .flat_map(|set| set.split(", "));
        let sizes = sizes.filter_map(|size| size.split(' ').next());
        for address in values(&html, "href")
            .into_iter()
            .chain(values(&html, "src"))
            .chain(sizes)
        {
            let file = address.split('#').next().unwrap_or_default();
            if file.is_empty() {
                continue;
            }
            checked += 1;
            let target = out.path().join(folder).join(file);
            assert!(target.is_file(), "{path}: {address}");
        }
    }
    assert!(checked > 1000, "{checked} addresses");
}

#[test]
fn pages_are_numbered_linked_and_ordered_by_the_summary() {
    let content = Content::empty();
    content.write(
        "SUMMARY.md",
        b"# The Book\n\n- [One](one.md)\n  - [`two`](two.md)\n- [Three](three.md)\n",
    );
    for name in ["one", "two", "three"] {
        content.write(&format!("{name}.md"), format!("# {name}\n").as_bytes());
    }
    let out = built(&content);
    let two = page(&out, "two.html");
    assert!(two.contains("<title>two \u{b7} The Book</title>"), "{two}");
    assert!(two.contains("rel=\"prev\" href=\"one.html\""), "{two}");
    assert!(two.contains("rel=\"next\" href=\"three.html\""), "{two}");
    assert!(
        two.contains(
            "aria-current=\"page\"><span class=\"number\">1.1.</span><span><code>two</code></span>"
        ),
        "{two}"
    );
    assert_eq!(
        page(&out, "index.html"),
        page(&out, "one.html"),
        "the site opens with its first page"
    );
}

#[test]
fn a_page_in_a_folder_that_comes_first_is_led_to() {
    let content = Content::empty();
    content.write("a/b.md", b"# B\n\n[c](c.md)\n");
    content.write("a/c.md", b"# C\n");
    let out = built(&content);
    assert!(page(&out, "index.html").contains("url=a/b.html"));
}

#[test]
fn images_come_in_sizes_and_code_in_colours() {
    let content = Content::full();
    let out = built(&content);
    let html = page(&out, "guide/page-0.html");
    assert!(html.contains("srcset=\"../site-assets/images/guide/img/0.png-480.webp 480w, ../guide/img/0.png 700w\""), "{html}");
    assert!(html.contains("width=\"700\" height=\"300\""), "{html}");
    assert!(
        html.contains("<span class=\"k\">fn</span> <span class=\"f\">f0</span>"),
        "{html}"
    );
    assert!(html.contains("<span class=\"p\">$ </span>"), "{html}");
    let small = std::fs::read(
        out.path()
            .join("site-assets/images/guide/img/0.png-480.webp"),
    )
    .expect("a file");
    assert!(small.starts_with(b"RIFF"), "not WebP");
}

#[test]
fn a_missing_include_is_seen_and_told_and_the_page_is_there() {
    let content = Content::empty();
    content.write(
        "a.md",
        b"# A\n\n```rust\n{{#rustdoc_include ../no/main.rs:here}}\n```\n",
    );
    let out = tempfile::tempdir().expect("a folder");
    let output = build(content.path(), out.path(), &["--in-process"]);
    assert!(output.status.success());
    assert!(page(&out, "a.html").contains("Not found: ../no/main.rs"));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("a.md:4: `../no/main.rs` is not there")
    );
}

#[test]
fn the_index_names_its_chunks_and_they_hold_the_words() {
    let content = Content::full();
    let out = built(&content);
    let list = page(&out, "site-assets/search/chunks.js");
    let files = tree(out.path());
    let chunks: Vec<_> = files
        .keys()
        .filter(|name| name.contains("search/chunk-"))
        .collect();
    assert!(chunks.len() > 1, "{chunks:?}");
    for chunk in &chunks {
        let name = chunk.rsplit('/').next().expect("a name");
        assert!(list.contains(name), "{name} is not in {list}");
    }
    let all: String = chunks.iter().map(|chunk| page(&out, chunk)).collect();
    for number in 0..30 {
        assert!(
            all.contains(&format!("\"guide/page-{number}.html\"")),
            "page {number}"
        );
    }
}
