//! `SUMMARY.md`, the table of contents of an mdBook.
//!
//! - SU1: links at the start of a line are chapters without a number, before and after the numbered ones; links in
//!   a list are numbered and nest by indentation.
//! - SU2: the first heading is the book's title, unless it says *Summary*; later ones are the titles of parts.
//! - SU3: a link without a target is a chapter that is yet to be written: it is shown without a link.

/// A table of contents.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) title: Option<String>,
    /// The entries, in order.
    pub(crate) entries: Vec<Entry>,
}

/// An entry of a table of contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Chapter {
        /// Its title, as Markdown.
        title: String,
        /// The page, as written; empty if it is still to be written.
        page: String,
        /// Such as `[4, 1]`; empty if it has none.
        number: Vec<u32>,
        /// Its line.
        line: u32,
    },
    Part(String),
    Rule,
}

impl Summary {
    pub(crate) fn parse(text: &str) -> Self {
        let mut parser = Parser::default();
        for (line, text) in (1..).zip(text.lines()) {
            parser.line(line, text);
        }
        let title = parser
            .title
            .filter(|title| !title.eq_ignore_ascii_case("summary"));
        Self {
            title,
            entries: parser.entries,
        }
    }
}

#[derive(Default)]
struct Parser {
    title: Option<String>,
    any_heading: bool,
    entries: Vec<Entry>,
    /// The indentation of each open list, and the number of its last item.
    lists: Vec<(usize, u32)>,
    /// The last number of the outermost list, which continues after parts and rules.
    chapters: u32,
}

impl Parser {
    fn line(&mut self, line: u32, text: &str) {
        let trimmed = text.trim();
        if let Some(heading) = trimmed.strip_prefix('#') {
            self.heading(heading.trim_matches(['#', ' ']));
        } else if trimmed.len() >= 3 && trimmed.bytes().all(|byte| byte == b'-' || byte == b'*') {
            self.lists.clear();
            self.entries.push(Entry::Rule);
        } else if let Some(item) = trimmed.strip_prefix(['-', '*', '+']).map(str::trim_start)
            && let Some((title, page)) = link(item)
        {
            let indent = text.len() - text.trim_start().len();
            let number = self.number(indent);
            self.entries.push(Entry::Chapter {
                title,
                page,
                number,
                line,
            });
        } else if let Some((title, page)) = link(trimmed) {
            self.lists.clear();
            self.entries.push(Entry::Chapter {
                title,
                page,
                number: Vec::new(),
                line,
            });
        }
    }

    fn heading(&mut self, heading: &str) {
        if self.any_heading || !self.entries.is_empty() {
            self.lists.clear();
            self.entries.push(Entry::Part(heading.to_owned()));
        } else {
            self.title = Some(heading.to_owned());
        }
        self.any_heading = true;
    }

    fn number(&mut self, indent: usize) -> Vec<u32> {
        while self.lists.last().is_some_and(|&(open, _)| open > indent) {
            self.lists.pop();
        }
        match self.lists.last_mut() {
            Some((open, last)) if *open == indent => *last += 1,
            Some(_) => self.lists.push((indent, 1)),
            None => self.lists.push((indent, self.chapters + 1)),
        }
        self.chapters = self.lists[0].1;
        self.lists.iter().map(|&(_, last)| last).collect()
    }
}

/// Returns the text and target of a link at the start of the line.
fn link(text: &str) -> Option<(String, String)> {
    let rest = text.strip_prefix('[')?;
    let at = rest.find("](")?;
    let target = rest[at + 2..].split(')').next()?.trim();
    let target = target.trim_matches(['<', '>']).trim_start_matches("./");
    Some((rest[..at].to_owned(), target.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter(title: &str, page: &str, number: &[u32], line: u32) -> Entry {
        Entry::Chapter {
            title: title.into(),
            page: page.into(),
            number: number.to_vec(),
            line,
        }
    }

    #[test]
    fn chapters_are_numbered_by_their_nesting() {
        let text = "# Book\n\n[Intro](intro.md)\n\n- [One](1.md)\n  - [`a`](1/a.md)\n    - [x](x.md)\n  - [b](1/b.md)\n\n\
                    # Part\n\n* [Two](./2.md)\n\n---\n\n[End](end.md)\n";
        let summary = Summary::parse(text);
        assert_eq!(summary.title.as_deref(), Some("Book"));
        assert_eq!(
            summary.entries,
            [
                chapter("Intro", "intro.md", &[], 3),
                chapter("One", "1.md", &[1], 5),
                chapter("`a`", "1/a.md", &[1, 1], 6),
                chapter("x", "x.md", &[1, 1, 1], 7),
                chapter("b", "1/b.md", &[1, 2], 8),
                Entry::Part("Part".into()),
                chapter("Two", "2.md", &[2], 12),
                Entry::Rule,
                chapter("End", "end.md", &[], 16),
            ]
        );
    }

    #[test]
    fn the_customary_heading_is_no_title() {
        assert_eq!(Summary::parse("# Summary\n\n- [A](a.md)\n").title, None);
    }

    #[test]
    fn a_chapter_to_be_written_has_no_page() {
        assert_eq!(
            Summary::parse("- [Later]()\n").entries,
            [chapter("Later", "", &[1], 1)]
        );
    }

    #[test]
    fn text_between_entries_is_ignored() {
        assert!(
            Summary::parse("Some text.\n\n- no link\n")
                .entries
                .is_empty()
        );
    }
}
