//! Links, images and headings in Markdown, as far as the handbook uses it: inline links, `#` headings, fenced code.
//!
//! L1: text in a fenced block or in backticks is code, and has no links.

use std::collections::{BTreeSet, HashMap};

/// A link or an image.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The text in the brackets.
    pub(crate) text: String,
    /// The text in the parentheses.
    pub(crate) target: String,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// Whether it is an image.
    pub(crate) is_image: bool,
}

/// Returns all links and images.
pub(crate) fn links(markdown: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (line, text) in prose(markdown) {
        let code = in_code(text);
        for (at, _) in text.match_indices("](").filter(|(at, _)| !code[*at]) {
            let Some(end) = text[at..].find(')') else {
                continue;
            };
            let Some(start) = opening(&text[..at]) else {
                continue;
            };
            found.push(Link {
                text: text[start + 1..at].to_owned(),
                target: text[at + 2..at + end].to_owned(),
                line,
                is_image: text[..start].ends_with('!'),
            });
        }
    }
    found
}

/// Returns the anchors of all headings.
pub(crate) fn anchors(markdown: &str) -> BTreeSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut anchors = BTreeSet::new();
    for (_, text) in prose(markdown) {
        let title = text.trim_start_matches('#');
        if title.len() == text.len() || !title.starts_with(' ') {
            continue;
        }
        let slug = slug(title.trim());
        let times = seen.entry(slug.clone()).or_default();
        anchors.insert(match *times {
            0 => slug,
            n => format!("{slug}-{n}"),
        });
        *times += 1;
    }
    anchors
}

/// Returns a heading's anchor: lower case, words joined by dashes.
fn slug(title: &str) -> String {
    title
        .to_lowercase()
        .chars()
        .filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            letter => letter.is_alphanumeric().then_some(letter),
        })
        .collect()
}

/// Returns the lines outside of fenced blocks, with their numbers.
fn prose(markdown: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(markdown.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((number, line));
        }
    }
    lines
}

/// Returns, for each byte of a line, whether it is in backticks (L1).
fn in_code(line: &str) -> Vec<bool> {
    let mut inside = false;
    let flip = |byte: u8| {
        inside ^= byte == b'`';
        inside
    };
    line.bytes().map(flip).collect()
}

/// Returns the bracket that matches the one after this text.
fn opening(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, letter) in text.char_indices().rev() {
        match letter {
            ']' => depth += 1,
            '[' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

#[test]
fn links_are_found_and_code_is_not() {
    let text =
        "See [a `Blob`](b.md#c) and ![shown](d.svg).\n```text\n[no](e)\n```\n`[no](f)` [yes](g)";
    let found = links(text);
    let targets: Vec<&str> = found.iter().map(|link| link.target.as_str()).collect();
    assert_eq!(targets, ["b.md#c", "d.svg", "g"]);
    assert_eq!(found[0].text, "a `Blob`");
    assert!(found[1].is_image && !found[0].is_image);
    assert_eq!(found[2].line, 5);
}

#[test]
fn headings_have_anchors_and_repeated_ones_a_number() {
    let found = anchors("# A `Blob`'s end\n## Costs\n## Costs\n```sh\n# a comment\n```\n#hash");
    let expected = ["a-blobs-end", "costs", "costs-1"].map(str::to_owned);
    assert_eq!(found, BTreeSet::from(expected));
}
