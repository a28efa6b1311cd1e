//! `<Listing number="2-1" file-name="src/main.rs" caption="…">`: a figure around code, as in the Rust book.
//!
//! - L1: the caption is one line of Markdown.
//! - L2: every open listing is closed, by its tag or at the end of the page.

use pulldown_cmark::{Event, Parser, Tag as MarkdownTag, TagEnd};
use pulldown_cmark_escape::escape_html_body_text;

use crate::anchors::slug;
use crate::tag::Tag;

/// The attributes of a `<Listing>` tag.
pub(crate) struct Listing {
    number: Option<String>,
    file_name: Option<String>,
    caption: Option<String>,
}

impl Listing {
    pub(crate) fn from_tag(tag: &Tag<'_>) -> Self {
        let attribute = |name| {
            let value = tag.attribute(name)?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        Self {
            number: attribute("number"),
            file_name: attribute("file-name"),
            caption: attribute("caption"),
        }
    }

    /// Returns its anchor.
    pub(crate) fn anchor(&self) -> Option<String> {
        self.number
            .as_deref()
            .map(|number| format!("listing-{}", slug(number)))
    }

    pub(crate) fn open(&self) -> String {
        let mut html = match self.anchor() {
            Some(anchor) => format!("<figure class=\"listing\" id=\"{anchor}\">\n"),
            None => "<figure class=\"listing\">\n".to_owned(),
        };
        if let Some(file) = &self.file_name {
            html.push_str("<div class=\"file-name\">");
            escape(&mut html, file);
            html.push_str("</div>\n");
        }
        html
    }

    pub(crate) fn close(&self) -> String {
        let mut html = String::new();
        if self.number.is_some() || self.caption.is_some() {
            html.push_str("<figcaption>");
            if let Some(number) = &self.number {
                html.push_str("<span class=\"number\">Listing ");
                escape(&mut html, number);
                html.push_str("</span>");
            }
            if let Some(caption) = &self.caption {
                if self.number.is_some() {
                    html.push(' ');
                }
                html.push_str(&inline(caption));
            }
            html.push_str("</figcaption>\n");
        }
        html.push_str("</figure>\n");
        html
    }
}

/// Renders one line of Markdown: code, emphasis, text.
pub(crate) fn inline(markdown: &str) -> String {
    let mut html = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => {
                escape(&mut html, &text)
            }
            Event::Code(code) => {
                html.push_str("<code>");
                escape(&mut html, &code);
                html.push_str("</code>");
            }
            Event::Start(MarkdownTag::Emphasis) => html.push_str("<em>"),
            Event::End(TagEnd::Emphasis) => html.push_str("</em>"),
            Event::Start(MarkdownTag::Strong) => html.push_str("<strong>"),
            Event::End(TagEnd::Strong) => html.push_str("</strong>"),
            Event::SoftBreak | Event::HardBreak => html.push(' '),
            _ => {}
        }
    }
    html
}

fn escape(html: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = escape_html_body_text(html, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tag::{Piece, pieces};

    fn listing(source: &str) -> Listing {
        match pieces(source).next() {
            Some(Piece::Tag(tag)) => Listing::from_tag(&tag),
            other => panic!("no tag but {other:?}"),
        }
    }

    #[test]
    fn a_full_listing_is_a_figure_with_file_and_caption() {
        let listing = listing(
            r#"<Listing number="2-1" file-name="src/main.rs" caption="Reading `Vec<T>` *twice*">"#,
        );
        assert_eq!(
            listing.open(),
            "<figure class=\"listing\" id=\"listing-2-1\">\n<div class=\"file-name\">src/main.rs</div>\n"
        );
        assert_eq!(
            listing.close(),
            "<figcaption><span class=\"number\">Listing 2-1</span> Reading <code>Vec&lt;T&gt;</code> \
             <em>twice</em></figcaption>\n</figure>\n"
        );
    }

    #[test]
    fn a_bare_listing_has_no_caption() {
        let listing = listing("<Listing file-name=''>");
        assert_eq!(
            listing.open() + &listing.close(),
            "<figure class=\"listing\">\n</figure>\n"
        );
    }
}
