//! The codes of the numbered rules in a crate's module documentation.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Asserts that each rule code of a crate is defined once, and that each code that a comment cites is defined.
///
/// A code is one or two capitals and a digit, such as `R1` or `CT4`. A line of a module's documentation defines it:
/// `//! - CT4: …`, or a row of a table, `//! | E1 | …`. `folder` is the crate's; its `src`, `tests`, `benches` and `examples` are
/// read. Names in backticks are not citations.
///
/// # Panics
/// If a code is defined twice or cited without being defined, if there is no code at all, or a file cannot be read.
pub fn assert_rule_codes(folder: &str) {
    let sources = sources(Path::new(folder));
    let lines = || {
        sources.iter().flat_map(|(path, text)| {
            let numbered = text.lines().enumerate();
            numbered.map(move |(nth, line)| (format!("{}:{}", path.display(), nth + 1), line))
        })
    };
    let mut places = BTreeMap::<&str, Vec<String>>::new();
    for (place, line) in lines() {
        if let Some(code) = defined(line) {
            places.entry(code).or_default().push(place);
        }
    }
    assert!(!places.is_empty(), "no rule codes in {folder}");
    for (code, at) in &places {
        assert!(
            at.len() == 1,
            "{code} is defined more than once: {}",
            at.join(", ")
        );
    }
    for (place, line) in lines() {
        for code in cited(line) {
            assert!(places.contains_key(code), "{place}: no rule {code}");
        }
    }
}

/// Returns the sources of a crate and of its tests.
fn sources(crate_folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let folders = ["src", "tests", "benches", "examples"].map(|name| crate_folder.join(name));
    let mut folders = folders.to_vec();
    folders.retain(|folder| folder.is_dir());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.insert(path, text);
            }
        }
    }
    found
}

/// Returns the code that a line defines.
fn defined(line: &str) -> Option<&str> {
    let rule = line
        .strip_prefix("//! - ")
        .and_then(|rest| rest.split_once(':'))
        .map(|(code, _)| code);
    let row = line
        .strip_prefix("//! | ")
        .and_then(|rest| rest.split_once('|'))
        .map(|(cell, _)| cell.trim());
    rule.or(row).filter(|code| is_code(code))
}

fn is_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let capitals = word.len() - digits.len();
    (1..=2).contains(&capitals) && digits.len() == 1 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Returns the codes in a line's comment.
fn cited(line: &str) -> impl Iterator<Item = &str> {
    let comment = line.find("//").map_or("", |start| &line[start..]);
    let outside_ticks = comment.split('`').step_by(2);
    let words = outside_ticks.flat_map(|text| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
    });
    words.filter(|word| is_code(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_a_rule_or_a_row_and_a_citation_is_outside_of_backticks() {
        assert_eq!(defined("//! - CT4: entries are reused."), Some("CT4"));
        assert_eq!(defined("//! | E1 | store | load |"), Some("E1"));
        for line in [
            "//! - Note: none.",
            "/// - R1: not of a module.",
            "//! - ABC1: long",
        ] {
            assert_eq!(defined(line), None, "{line}");
        }
        let line = "    x += 1; // CT4, see `R2` and (W3) of H264-X9";
        assert_eq!(cited(line).collect::<Vec<_>>(), ["CT4", "W3"]);
        assert_eq!(cited("let R1 = 0;").count(), 0);
    }

    #[test]
    fn a_code_that_is_defined_twice_or_not_at_all_is_found() {
        let folder = std::env::temp_dir().join(format!("rule-codes-{}", std::process::id()));
        let says = |text: &str| {
            fs::create_dir_all(folder.join("src")).expect("a folder");
            fs::write(folder.join("src/lib.rs"), text).expect("a file");
            let folder = folder.to_str().expect("a path").to_owned();
            std::panic::catch_unwind(move || assert_rule_codes(&folder)).is_ok()
        };
        let sound = says("//! - R1: one.\n// R1\n");
        let twice = says("//! - R1: one.\n//! - R1: two.\n");
        let undefined = says("//! - R1: one.\n// R2\n");
        let none = says("fn main() {}\n");
        fs::remove_dir_all(&folder).expect("the folder is removed");
        assert_eq!((sound, twice, undefined, none), (true, false, false, false));
    }
}
