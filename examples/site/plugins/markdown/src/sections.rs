//! Collects the text between headings, for the search index.
//!
//! - S1: a section starts at each heading; text before the first one is a section without a name.
//! - S2: whitespace is collapsed, and blocks are separated by one space.
//! - S3: prose and inline code are text; code blocks and raw HTML are not.

use site_api::search::Section;

/// The sections of a page so far.
#[derive(Default)]
pub(crate) struct Sections {
    done: Vec<Section>,
    open: Section,
}

impl Sections {
    /// Starts the section of a heading.
    pub(crate) fn heading(&mut self, anchor: &str, text: &str) {
        self.close();
        self.open.anchor = anchor.to_owned();
        self.open.heading = text.to_owned();
    }

    pub(crate) fn text(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.space();
            } else {
                self.open.text.push(c);
            }
        }
    }

    /// Adds a space between blocks.
    pub(crate) fn space(&mut self) {
        if !self.open.text.is_empty() && !self.open.text.ends_with(' ') {
            self.open.text.push(' ');
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Section> {
        self.close();
        self.done
    }

    fn close(&mut self) {
        let mut section = std::mem::take(&mut self.open);
        section.text.truncate(section.text.trim_end().len());
        if !section.text.is_empty() || !section.heading.is_empty() {
            self.done.push(section);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_folded_across_blocks() {
        let mut sections = Sections::default();
        sections.text(" one\n  two ");
        sections.space();
        sections.text("three ");
        assert_eq!(sections.finish()[0].text, "one two three");
    }

    #[test]
    fn an_empty_page_has_no_sections_and_an_empty_heading_has_one() {
        assert!(Sections::default().finish().is_empty());
        let mut sections = Sections::default();
        sections.heading("a", "A");
        sections.heading("b", "B");
        sections.text("x");
        let names: Vec<_> = sections.finish().into_iter().map(|s| s.heading).collect();
        assert_eq!(names, ["A", "B"]);
    }
}
