//! HTML that the author wrote.
//!
//! - RA1: images become [parts](site_api::markdown::Part), as those of Markdown do; links to pages are
//!   rewritten; every `id` is an anchor; the rest is passed through unchanged.
//! - RA2: comments are dropped: they are for authors.

use pulldown_cmark_escape::escape_html;
use site_api::markdown::{Attribute, Image};

use crate::listing::Listing;
use crate::render::Renderer;
use crate::tag::{Piece, Tag, pieces};
use crate::target;

impl Renderer {
    /// Adds a fragment of HTML that starts on `line`.
    pub(crate) fn raw(&mut self, fragment: &str, line: u32) {
        for piece in pieces(fragment) {
            match piece {
                Piece::Text(text) => self.out.push(text),
                Piece::Tag(tag) => self.raw_tag(&tag, line),
            }
        }
    }

    fn raw_tag(&mut self, tag: &Tag<'_>, line: u32) {
        // HTML names are case-insensitive, but `<listing>` is an obsolete HTML element and `<Listing>` is ours.
        if tag.name == "Listing" {
            return self.listing_tag(tag, line);
        }
        for name in ["id", "name"] {
            if let Some(anchor) = tag.attribute(name)
                && (name == "id" || tag.is("a"))
            {
                self.anchors.add(anchor);
            }
        }
        if tag.is("img") && !tag.closing {
            self.out.image(image(tag, line));
        } else if let Some(target) = tag.attribute("href") {
            let link = target::link(target, line);
            self.out.push(&with_href(tag, &link.target));
            if tag.is("a") {
                self.links.push(link);
            }
        } else {
            self.out.push(tag.source);
        }
    }

    fn listing_tag(&mut self, tag: &Tag<'_>, line: u32) {
        if !tag.closing {
            let listing = Listing::from_tag(tag);
            if let Some(anchor) = listing.anchor() {
                self.anchors.add(&anchor);
            }
            self.out.fresh_line();
            self.out.push(&listing.open());
            self.listings.push(listing);
        } else if let Some(listing) = self.listings.pop() {
            self.out.fresh_line();
            self.out.push(&listing.close());
        } else {
            self.note(
                line,
                "`</Listing>` without a `<Listing>` before it: remove it".to_owned(),
            );
        }
    }
}

fn image(tag: &Tag<'_>, line: u32) -> Image {
    let text = |name| tag.attribute(name).unwrap_or_default();
    let attributes = tag
        .attributes
        .iter()
        .filter(|(name, _)| {
            !["src", "alt", "srcset"]
                .iter()
                .any(|own| name.eq_ignore_ascii_case(own))
        })
        .map(|(name, value)| Attribute {
            name: name.to_ascii_lowercase(),
            value: value.to_string(),
        })
        .collect();
    Image {
        source: text("src").to_owned(),
        alt: text("alt").split_whitespace().collect::<Vec<_>>().join(" "),
        attributes,
        line,
    }
}

fn with_href(tag: &Tag<'_>, target: &str) -> String {
    if tag.attribute("href") == Some(target) {
        return tag.source.to_owned();
    }
    let mut html = format!("<{}", tag.name);
    for (name, value) in &tag.attributes {
        let value = if name.eq_ignore_ascii_case("href") {
            target
        } else {
            value
        };
        html.push(' ');
        html.push_str(name);
        html.push_str("=\"");
        // Writing to a string cannot fail.
        let _ = escape_html(&mut html, value);
        html.push('"');
    }
    html.push('>');
    html
}
