//! One `{{#include …}}` directive: its parts, and the text that it includes.
//!
//! - D1: `file`, `file:10`, `file:2:10`, `file::10`, `file:2:` include lines; `file:name` includes the lines
//!   between `ANCHOR: name` and `ANCHOR_END: name`. Lines that only mark anchors are never shown.
//! - D2: `rustdoc_include` includes the whole file, with the lines outside the range hidden.

use std::path::Path;

use crate::content::read_text;

/// One include.
pub(super) struct Directive<'a> {
    /// Whether lines outside the range are hidden instead of left out.
    hide: bool,
    pub(super) file: &'a str,
    part: Part<'a>,
}

/// A range of a file's lines.
#[derive(Debug, PartialEq)]
enum Part<'a> {
    All,
    /// The first and the last line, counted from 1.
    Lines(usize, usize),
    Anchor(&'a str),
}

/// Finds the first include in a line; returns it with the text before and after.
pub(super) fn find(line: &str) -> Option<(&str, Directive<'_>, &str)> {
    let start = line.find("{{#")?;
    if line[..start].ends_with('\\') {
        return None;
    }
    let end = start + line[start..].find("}}")?;
    let mut words = line[start + 3..end].split_whitespace();
    let hide = match words.next()? {
        "include" | "playground" => false,
        "rustdoc_include" => true,
        _ => return None,
    };
    let (file, part) = parse_part(words.next()?);
    Some((
        &line[..start],
        Directive { hide, file, part },
        &line[end + 2..],
    ))
}

fn parse_part(target: &str) -> (&str, Part<'_>) {
    let mut pieces = target.splitn(3, ':');
    let file = pieces.next().unwrap_or_default();
    let part = match (pieces.next(), pieces.next()) {
        (None, _) => Part::All,
        (Some(from), None) => match from.parse() {
            Ok(line) => Part::Lines(line, line),
            Err(_) => Part::Anchor(from),
        },
        (Some(from), Some(to)) => {
            Part::Lines(from.parse().unwrap_or(1), to.parse().unwrap_or(usize::MAX))
        }
    };
    (file, part)
}

impl Directive<'_> {
    /// Reads the included text of a file relative to `page`, or returns why there is none.
    pub(super) fn read(&self, page: &Path) -> Result<String, String> {
        let path = page.with_file_name(self.file);
        let text = match path.try_exists() {
            Ok(false) => {
                return Err("is not there: add the file, or correct the include".to_owned());
            }
            Ok(true) | Err(_) => read_text(&path)?,
        };
        let mut chosen = String::new();
        let mut any = false;
        let mut in_anchor = false;
        for (number, line) in (1..).zip(text.lines()) {
            if let Some((name, starts)) = anchor(line) {
                if self.part == Part::Anchor(name) {
                    in_anchor = starts;
                    any |= starts;
                }
                continue;
            }
            let shown = match self.part {
                Part::All => true,
                Part::Lines(from, to) => (from..=to).contains(&number),
                Part::Anchor(_) => in_anchor,
            };
            any |= shown;
            if shown || self.hide {
                chosen.push_str(if shown { "" } else { "# " });
                chosen.push_str(line);
                chosen.push('\n');
            }
        }
        match self.part {
            Part::Anchor(name) if !any => Err(format!(
                "has no `ANCHOR: {name}`: add it, or correct the include"
            )),
            Part::Lines(from, _) if !any => Err(format!("has no line {from}: correct the include")),
            _ => Ok(chosen),
        }
    }
}

/// Returns the anchor that a line marks, and whether it starts there.
fn anchor(line: &str) -> Option<(&str, bool)> {
    for (mark, starts) in [("ANCHOR:", true), ("ANCHOR_END:", false)] {
        if let Some(at) = line.find(mark) {
            let name = line[at + mark.len()..].split_whitespace().next()?;
            return Some((name, starts));
        }
    }
    None
}
