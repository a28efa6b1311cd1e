//! Rule codes (`R1`, `AF2`): each is defined once in this crate, and each that a comment cites is defined.

use std::collections::BTreeMap;

use crate::testing::sources;

/// The code that a line of a module's documentation defines: `//! - R1: …`, or a row of the table of edges.
fn defined(line: &str) -> Option<&str> {
    let rule = line.strip_prefix("//! - ").and_then(|rest| {
        let (code, _) = rest.split_once(':')?;
        is_code(code).then_some(code)
    });
    rule.or_else(|| {
        let cell = line.strip_prefix("//! | ")?.split('|').next()?.trim();
        is_code(cell).then_some(cell)
    })
}

/// One or two capitals and a digit.
fn is_code(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let capitals = word.len() - digits.len();
    (1..=2).contains(&capitals) && digits.len() == 1 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The words of a comment that look like codes. `R1`-like names in backticks are code of another kind.
fn cited(line: &str) -> impl Iterator<Item = &str> {
    let comment = line.find("//").map_or("", |start| &line[start..]);
    let outside_ticks = comment.split('`').step_by(2);
    let words = outside_ticks.flat_map(|text| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
    });
    words.filter(|word| is_code(word))
}

#[test]
#[cfg_attr(miri, ignore = "reads files")]
fn each_code_is_defined_once_and_each_that_is_cited_is_defined() {
    let sources = sources::all();
    let mut places = BTreeMap::<&str, Vec<String>>::new();
    for source in &sources {
        for (nth, line) in source.text.lines().enumerate() {
            if let Some(code) = defined(line) {
                let place = format!("{}:{}", source.path, nth + 1);
                places.entry(code).or_default().push(place);
            }
        }
    }
    assert!(places.len() > 90, "only {} codes were found", places.len());
    let twice: Vec<_> = places.iter().filter(|(_, at)| at.len() > 1).collect();
    assert!(twice.is_empty(), "defined more than once: {twice:?}");
    for source in &sources {
        for (nth, line) in source.text.lines().enumerate() {
            for code in cited(line) {
                let path = &source.path;
                assert!(
                    places.contains_key(code),
                    "{path}:{}: no rule {code}",
                    nth + 1
                );
            }
        }
    }
}
