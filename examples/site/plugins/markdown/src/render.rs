//! Turns Markdown's events into a page's parts.
//!
//! - RE1: an element whose tag depends on its contents is written as a whole; all others tag by tag.
//! - RE2: a heading carries a link to itself after its text, so that its text can hold links.
//! - RE3: a footnote is rendered where it is defined and shown at the end of the page.

use std::fmt::Write as _;

use pulldown_cmark::{
    Alignment, BrokenLink, CodeBlockKind, Event, HeadingLevel, LinkType, Options, Parser, Tag,
};
use pulldown_cmark_escape::escape_html;
use site_api::links::Link;
use site_api::markdown::{
    Attribute, Heading, Image, MarkdownError, Note, PAGE_LIMIT, PageSource, RenderedPage,
};

use crate::anchors::Anchors;
use crate::events::{Events, inside, plain, without_links};
use crate::fence;
use crate::footnotes::Footnotes;
use crate::lines::Lines;
use crate::listing::Listing;
use crate::parts::Parts;
use crate::sections::Sections;

/// Renders a page.
///
/// # Errors
/// [`MarkdownError::TooLong`] if it is longer than [`PAGE_LIMIT`].
pub fn render(page: &PageSource) -> Result<RenderedPage, MarkdownError> {
    if page.text.len() > PAGE_LIMIT {
        return Err(MarkdownError::TooLong {
            bytes: page.text.len() as u64,
        });
    }
    let mut renderer = Renderer::new(Lines::new(&page.text));
    let mut broken = Vec::new();
    let note_broken = |link: BrokenLink<'_>| {
        // Brackets in prose look like the short form.
        if matches!(link.link_type, LinkType::Reference | LinkType::Collapsed) {
            broken.push((link.span.start, link.reference.to_string()));
        }
        None
    };
    let events: Vec<_> =
        Parser::new_with_broken_link_callback(&page.text, dialect(), Some(note_broken))
            .into_offset_iter()
            .collect();
    renderer.walk(&events);
    for (offset, reference) in broken {
        let line = renderer.lines.at(offset);
        renderer.note(
            line,
            format!("`[{reference}]` is not defined: add a line `[{reference}]: …`"),
        );
    }
    Ok(renderer.finish())
}

fn dialect() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
}

/// The state of a page's rendering.
pub(crate) struct Renderer {
    pub(crate) out: Parts,
    pub(crate) anchors: Anchors,
    pub(crate) links: Vec<Link>,
    /// The open `<Listing>`s.
    pub(crate) listings: Vec<Listing>,
    lines: Lines,
    pub(crate) sections: Sections,
    pub(crate) footnotes: Footnotes,
    headings: Vec<Heading>,
    title: Option<String>,
    notes: Vec<Note>,
    pub(crate) columns: Vec<Alignment>,
    pub(crate) column: usize,
    pub(crate) in_table_head: bool,
}

impl Renderer {
    fn new(lines: Lines) -> Self {
        Self {
            out: Parts::default(),
            anchors: Anchors::default(),
            links: Vec::new(),
            listings: Vec::new(),
            lines,
            sections: Sections::default(),
            footnotes: Footnotes::default(),
            headings: Vec::new(),
            title: None,
            notes: Vec::new(),
            columns: Vec::new(),
            column: 0,
            in_table_head: false,
        }
    }

    pub(crate) fn note(&mut self, line: u32, text: String) {
        self.notes.push(Note { line, text });
    }

    fn finish(mut self) -> RenderedPage {
        while let Some(listing) = self.listings.pop() {
            self.out.push(&listing.close());
            self.notes.push(Note {
                line: 1,
                text: "a `<Listing>` is never closed: add `</Listing>`".to_owned(),
            });
        }
        let notes = &mut self.notes;
        self.footnotes
            .finish(&mut self.out, |line, text| notes.push(Note { line, text }));
        self.notes.sort_by_key(|note| note.line);
        let title = self
            .title
            .or_else(|| Some(self.headings.first()?.text.clone()));
        RenderedPage {
            title,
            parts: self.out.finish(),
            headings: self.headings,
            anchors: self.anchors.into_vec(),
            links: self.links,
            sections: self.sections.finish(),
            notes: self.notes,
        }
    }

    fn walk(&mut self, events: &Events<'_>) {
        let mut at = 0;
        while let Some((event, span)) = events.get(at) {
            at += 1;
            match event {
                Event::Start(tag) => {
                    let line = self.lines.at(span.start);
                    if is_whole(tag) {
                        let inner = inside(&events[at..]);
                        at += inner.len() + 1;
                        self.whole(tag, inner, line);
                    } else {
                        self.open(tag, line);
                    }
                }
                Event::End(tag) => self.close(*tag),
                other => self.leaf(other, self.lines.at(span.start)),
            }
        }
    }

    /// Writes an element for which [`is_whole`] holds.
    fn whole(&mut self, tag: &Tag<'_>, inner: &Events<'_>, line: u32) {
        match tag {
            Tag::Heading {
                level, id, classes, ..
            } => {
                let classes: Vec<&str> = classes.iter().map(AsRef::as_ref).collect();
                self.heading(*level, id.as_deref(), &classes, inner);
            }
            Tag::CodeBlock(kind) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.as_ref(),
                    CodeBlockKind::Indented => "",
                };
                self.out.code(fence::block(info, &plain(inner), line));
            }
            Tag::HtmlBlock => {
                self.out.fresh_line();
                self.raw(plain(inner).trim_end(), line);
                self.sections.space();
            }
            Tag::Image {
                dest_url, title, ..
            } => {
                let alt = plain(inner);
                self.sections.text(&alt);
                let attributes = match title.as_ref() {
                    "" => Vec::new(),
                    title => vec![Attribute {
                        name: "title".into(),
                        value: title.into(),
                    }],
                };
                self.out.image(Image {
                    source: dest_url.to_string(),
                    alt,
                    attributes,
                    line,
                });
            }
            Tag::FootnoteDefinition(label) => {
                let page = std::mem::take(&mut self.out);
                self.walk(inner);
                let body = std::mem::replace(&mut self.out, page);
                self.footnotes.define(label, body, line);
            }
            Tag::MetadataBlock(_) => self.title = front_matter_title(&plain(inner)),
            _ => {}
        }
    }

    fn heading(
        &mut self,
        level: HeadingLevel,
        id: Option<&str>,
        classes: &[&str],
        inner: &Events<'_>,
    ) {
        let text = plain(inner).trim().to_owned();
        let anchor = match id {
            Some(id) => {
                self.anchors.add(id);
                id.to_owned()
            }
            None => self.anchors.for_heading(&text),
        };
        self.out.fresh_line();
        self.sections.heading(&anchor, &text);
        // A heading's text does not belong to the section below it.
        let sections = std::mem::take(&mut self.sections);
        self.tag_with(
            &level.to_string(),
            &[("id", &anchor), ("class", &classes.join(" "))],
        );
        self.walk(inner);
        let html = self.out.html();
        html.push_str(" <a class=\"anchor\" href=\"#");
        let _ = escape_html(&mut *html, &anchor);
        let _ = writeln!(
            html,
            "\" aria-label=\"Link to this section\">#</a></{level}>"
        );
        self.sections = sections;
        self.headings.push(Heading {
            level: level as u8,
            anchor,
            html: without_links(inner),
            text,
        });
    }
}

/// Whether the element's contents must be known before its tag can be written.
fn is_whole(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Heading { .. }
            | Tag::CodeBlock(_)
            | Tag::HtmlBlock
            | Tag::Image { .. }
            | Tag::FootnoteDefinition(_)
            | Tag::MetadataBlock(_)
    )
}

/// Returns the value of `title:` in YAML front matter, if it is on one line.
fn front_matter_title(yaml: &str) -> Option<String> {
    let value = yaml
        .lines()
        .find_map(|line| line.strip_prefix("title:"))?
        .trim();
    let bare = value
        .strip_prefix(['"', '\''])
        .and_then(|value| value.strip_suffix(['"', '\'']))
        .unwrap_or(value);
    (!bare.is_empty()).then(|| bare.to_owned())
}

#[cfg(test)]
mod tests;
