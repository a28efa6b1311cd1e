//! Rule codes (`CT1`, `SV4`): each is defined once in this crate, and each that a comment cites is
//! defined.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The sources of the crate and of its tests, by path.
fn sources() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = ["src", "tests"]
        .map(|folder| Path::new(CRATE).join(folder))
        .to_vec();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.insert(
                    path.display().to_string(),
                    fs::read_to_string(path).unwrap(),
                );
            }
        }
    }
    found
}

/// The code that a line of a module's documentation defines: `//! - CT1: …`.
fn defined(line: &str) -> Option<&str> {
    let (code, _) = line.strip_prefix("//! - ")?.split_once(':')?;
    is_code(code).then_some(code)
}

/// One or two capitals and a digit.
fn is_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let capitals = word.len() - digits.len();
    (1..=2).contains(&capitals) && digits.len() == 1 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The words of a comment that look like codes. Text in backticks is code of another kind.
fn cited(line: &str) -> impl Iterator<Item = &str> {
    let comment = line.find("//").map_or("", |start| &line[start..]);
    let outside_ticks = comment.split('`').step_by(2);
    let words = outside_ticks.flat_map(|text| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
    });
    words.filter(|word| is_code(word))
}

#[test]
fn each_code_is_defined_once_and_each_that_is_cited_is_defined() {
    let sources = sources();
    let lines = || {
        sources.iter().flat_map(|(path, text)| {
            let lines = text.lines().enumerate();
            lines.map(move |(nth, line)| (format!("{path}:{}", nth + 1), line))
        })
    };
    let mut places = BTreeMap::<&str, Vec<String>>::new();
    for (place, line) in lines() {
        if let Some(code) = defined(line) {
            places.entry(code).or_default().push(place);
        }
    }
    assert!(places.len() > 80, "only {} codes were found", places.len());
    let twice: Vec<_> = places.iter().filter(|(_, at)| at.len() > 1).collect();
    assert!(twice.is_empty(), "defined more than once: {twice:?}");
    for (place, line) in lines() {
        for code in cited(line) {
            assert!(places.contains_key(code), "{place}: no rule {code}");
        }
    }
}
