//! Makes anchors: the targets of links on a page.
//!
//! - A1: a heading's anchor is made from its text as in GitHub and mdBook, so that links written for them work
//!   here.
//! - A2: no two headings of a page get the same anchor: a number is added.
//! - A3: an anchor that the author wrote is kept as it is.

use std::collections::HashSet;

/// The anchors of one page.
#[derive(Default)]
pub(crate) struct Anchors {
    taken: HashSet<String>,
    in_order: Vec<String>,
}

impl Anchors {
    /// Returns an anchor for a heading with this text.
    pub(crate) fn for_heading(&mut self, text: &str) -> String {
        let mut base = slug(text);
        if base.is_empty() {
            base.push_str("section");
        }
        let mut anchor = base.clone();
        let mut number = 0u32;
        while self.taken.contains(&anchor) {
            number += 1;
            anchor = format!("{base}-{number}");
        }
        self.add(&anchor);
        anchor
    }

    /// Records an anchor that the author wrote.
    pub(crate) fn add(&mut self, anchor: &str) {
        if !anchor.is_empty() && self.taken.insert(anchor.to_owned()) {
            self.in_order.push(anchor.to_owned());
        }
    }

    pub(crate) fn into_vec(self) -> Vec<String> {
        self.in_order
    }
}

/// Makes a slug: letters and digits in lower case, `-` and `_` kept, whitespace as `-`, the rest dropped.
pub(crate) fn slug(text: &str) -> String {
    text.trim()
        .chars()
        .flat_map(char::to_lowercase)
        .filter_map(|c| match c {
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c),
            c if c.is_whitespace() => Some('-'),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_those_that_mdbook_makes() {
        assert_eq!(slug("Hello, World!"), "hello-world");
        assert_eq!(slug("The `match` Control Flow"), "the-match-control-flow");
        assert_eq!(slug("`Option<T>` & `?`"), "optiont--");
        assert_eq!(slug("snake_case-and Über"), "snake_case-and-über");
    }

    #[test]
    fn a_repeated_heading_gets_a_number() {
        let mut anchors = Anchors::default();
        let three: Vec<_> = (0..3).map(|_| anchors.for_heading("Notes")).collect();
        assert_eq!(three, ["notes", "notes-1", "notes-2"]);
    }

    #[test]
    fn a_number_that_a_heading_has_by_itself_is_not_given_twice() {
        let mut anchors = Anchors::default();
        anchors.add("notes-1");
        assert_eq!(anchors.for_heading("Notes"), "notes");
        assert_eq!(anchors.for_heading("Notes"), "notes-2");
    }

    #[test]
    fn a_heading_without_letters_still_has_an_anchor() {
        assert_eq!(Anchors::default().for_heading("???"), "section");
    }
}
