//! No page is missing, and no link or image is broken.

mod links;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use handbook_tests::PAGES;
use links::{Link, anchors, links};

/// The table of contents.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Pages outside of the handbook, whose links are checked too.
const OTHERS: [&str; 3] = ["ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the package lies two folders below the root")
}

fn read(page: &str) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Returns the Markdown files in `docs`, relative to the root, without the table of contents.
fn pages_in_docs() -> BTreeSet<String> {
    let mut pages = BTreeSet::new();
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root().join(&folder)).expect("docs can be read") {
            let entry = entry.expect("docs can be read");
            let path = format!("{folder}/{}", entry.file_name().display());
            if entry.path().is_dir() {
                folders.push(path);
            } else if path.ends_with(".md") && path != SUMMARY {
                pages.insert(path);
            }
        }
    }
    assert!(pages.len() >= 15, "only {pages:?}");
    pages
}

/// Resolves a link on a page to a file, relative to the root, and an anchor.
fn resolve(page: &str, target: &str) -> (PathBuf, Option<String>) {
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor.to_owned())),
        None => (target, None),
    };
    let page = Path::new(page);
    let file = match path {
        "" => page.to_owned(),
        path => page.parent().unwrap_or(Path::new("")).join(path),
    };
    (file, anchor)
}

#[test]
fn every_page_is_compiled() {
    let compiled: BTreeSet<String> = PAGES
        .iter()
        .filter(|page| page.starts_with("docs/"))
        .map(|page| (*page).to_owned())
        .collect();
    assert_eq!(compiled, pages_in_docs());
    assert!(PAGES.contains(&"README.md"));
}

#[test]
fn every_page_is_in_the_table_of_contents() {
    let listed: Vec<String> = links(&read(SUMMARY))
        .into_iter()
        .map(|link| format!("docs/{}", link.target))
        .collect();
    let unique: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(unique.len(), listed.len(), "a page is listed twice");
    assert_eq!(unique, pages_in_docs());
}

#[test]
fn every_link_and_image_leads_somewhere() {
    let mut broken = Vec::new();
    let mut checked = 0;
    for page in PAGES.iter().copied().chain([SUMMARY]).chain(OTHERS) {
        for Link { target, line, .. } in links(&read(page)) {
            if target.contains("://") {
                continue;
            }
            checked += 1;
            let (file, anchor) = resolve(page, &target);
            let there = root().join(&file);
            if !there.exists() {
                broken.push(format!("{page}:{line}: no file {}", file.display()));
            } else if let Some(anchor) = anchor {
                let text = fs::read_to_string(&there).unwrap_or_default();
                if !anchors(&text).contains(&anchor) {
                    broken.push(format!(
                        "{page}:{line}: no heading #{anchor} in {}",
                        file.display()
                    ));
                }
            }
        }
    }
    assert!(checked > 50, "only {checked} links were found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_image_is_used_and_says_what_it_shows() {
    let mut used = BTreeSet::new();
    for page in pages_in_docs() {
        for link in links(&read(&page)).into_iter().filter(|link| link.is_image) {
            assert!(link.text.len() > 20, "{page}:{}: what is shown?", link.line);
            used.insert(resolve(&page, &link.target).0);
        }
    }
    let there: BTreeSet<PathBuf> = fs::read_dir(root().join("docs/img"))
        .expect("there are images")
        .map(|entry| Path::new("docs/img").join(entry.expect("it can be read").file_name()))
        .collect();
    assert_eq!(used, there);
}

#[test]
fn no_block_of_rust_is_ignored() {
    for page in PAGES {
        for (line, text) in (1..).zip(read(page).lines()) {
            if let Some(info) = text.trim_start().strip_prefix("```") {
                let words: Vec<&str> = info.split([',', ' ']).collect();
                let is_rust = words[0] == "rust";
                assert!(
                    !is_rust || !words.contains(&"ignore"),
                    "{page}:{line}: a block that nobody compiles"
                );
            }
        }
    }
}
