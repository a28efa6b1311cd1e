//! Builds a page's body: HTML with placeholders for code and images.

use site_api::markdown::{CodeBlock, Image, Part};

/// The parts so far, and the HTML of the next one.
#[derive(Default)]
pub(crate) struct Parts {
    done: Vec<Part>,
    html: String,
}

impl Parts {
    /// Returns the HTML of the next part.
    pub(crate) fn html(&mut self) -> &mut String {
        &mut self.html
    }

    /// Appends finished HTML.
    pub(crate) fn push(&mut self, html: &str) {
        self.html.push_str(html);
    }

    /// Starts a new line, unless at the start of one.
    pub(crate) fn fresh_line(&mut self) {
        let at_start = self.html.is_empty() && !matches!(self.done.last(), Some(Part::Image(_)));
        if !at_start && !self.html.ends_with('\n') {
            self.html.push('\n');
        }
    }

    pub(crate) fn code(&mut self, block: CodeBlock) {
        self.fresh_line();
        self.place(Part::Code(block));
    }

    pub(crate) fn image(&mut self, image: Image) {
        self.place(Part::Image(image));
    }

    /// Appends the parts of `other`.
    pub(crate) fn append(&mut self, other: Self) {
        for part in other.finish() {
            match part {
                Part::Html(html) => self.push(&html),
                place => self.place(place),
            }
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Part> {
        self.close();
        self.done
    }

    fn place(&mut self, place: Part) {
        self.close();
        self.done.push(place);
    }

    fn close(&mut self) {
        if !self.html.is_empty() {
            self.done.push(Part::Html(std::mem::take(&mut self.html)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_on_both_sides_of_a_placeholder_is_two_parts_and_never_an_empty_one() {
        let mut parts = Parts::default();
        parts.image(Image::default());
        parts.push("a");
        parts.push("b");
        parts.image(Image::default());
        let parts = parts.finish();
        assert!(
            matches!(&parts[..], [Part::Image(_), Part::Html(html), Part::Image(_)] if html == "ab")
        );
    }
}
