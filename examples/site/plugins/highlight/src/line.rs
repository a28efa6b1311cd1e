//! Builds one line of HTML.
//!
//! - L1: adjacent tokens of one class share a span.
//! - L2: no span is open when the line is finished.

use std::fmt::Write as _;

#[derive(Default)]
pub(crate) struct Line {
    html: String,
    class: Option<&'static str>,
}

impl Line {
    /// Appends text with a class.
    pub(crate) fn push(&mut self, text: &str, class: Option<&'static str>) {
        if text.is_empty() {
            return;
        }
        if class != self.class {
            self.close();
            if let Some(class) = class {
                // Writing to a string cannot fail.
                let _ = write!(self.html, "<span class=\"{class}\">");
            }
            self.class = class;
        }
        for c in text.chars() {
            match c {
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '&' => self.html.push_str("&amp;"),
                c => self.html.push(c),
            }
        }
    }

    pub(crate) fn finish(mut self) -> String {
        self.close();
        self.html
    }

    fn close(&mut self) {
        if self.class.take().is_some() {
            self.html.push_str("</span>");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_span_and_none_stays_open() {
        let mut line = Line::default();
        line.push("a", Some("k"));
        line.push("b", Some("k"));
        line.push(" < ", None);
        line.push("", Some("s"));
        line.push("c", Some("t"));
        assert_eq!(
            line.finish(),
            "<span class=\"k\">ab</span> &lt; <span class=\"t\">c</span>"
        );
    }
}
