//! Tags, text and links as HTML.
//!
//! - W1: blocks start on a new line; text is escaped; URLs are percent-encoded.
//! - W2: a table is wrapped in an element that can scroll horizontally.

use std::fmt::Write as _;

use pulldown_cmark::{Alignment, BlockQuoteKind, Event, LinkType, Tag, TagEnd};
use pulldown_cmark_escape::{escape_href, escape_html, escape_html_body_text};

use crate::render::Renderer;
use crate::target;

// Writing to a string cannot fail, so the results are ignored here.
impl Renderer {
    pub(crate) fn open(&mut self, tag: &Tag<'_>, line: u32) {
        if is_block(tag) {
            self.out.fresh_line();
        }
        match tag {
            Tag::Paragraph => self.out.push("<p>"),
            Tag::BlockQuote(None) => self.out.push("<blockquote>\n"),
            Tag::BlockQuote(Some(kind)) => {
                let (class, title) = alert(*kind);
                let _ = writeln!(
                    self.out.html(),
                    "<blockquote class=\"alert {class}\">\n<p class=\"alert-title\">{title}</p>"
                );
            }
            Tag::List(Some(1)) => self.out.push("<ol>\n"),
            Tag::List(Some(start)) => {
                let _ = writeln!(self.out.html(), "<ol start=\"{start}\">");
            }
            Tag::List(None) => self.out.push("<ul>\n"),
            Tag::Item => self.out.push("<li>"),
            Tag::Table(columns) => {
                self.columns.clone_from(columns);
                self.out.push("<div class=\"table\"><table>\n");
            }
            Tag::TableHead => {
                self.in_table_head = true;
                self.column = 0;
                self.out.push("<thead><tr>");
            }
            Tag::TableRow => {
                self.column = 0;
                self.out.push("<tr>");
            }
            Tag::TableCell => self.cell(),
            Tag::Emphasis => self.out.push("<em>"),
            Tag::Strong => self.out.push("<strong>"),
            Tag::Strikethrough => self.out.push("<del>"),
            Tag::Superscript => self.out.push("<sup>"),
            Tag::Subscript => self.out.push("<sub>"),
            Tag::Link {
                link_type,
                dest_url,
                title,
                ..
            } => self.link(*link_type, dest_url, title, line),
            // Written by `whole`, or not part of the dialect.
            _ => {}
        }
    }

    pub(crate) fn close(&mut self, tag: TagEnd) {
        let html = match tag {
            TagEnd::Paragraph => "</p>\n",
            TagEnd::BlockQuote(_) => "</blockquote>\n",
            TagEnd::List(true) => "</ol>\n",
            TagEnd::List(false) => "</ul>\n",
            TagEnd::Item => "</li>\n",
            TagEnd::Table => "</tbody>\n</table></div>\n",
            TagEnd::TableHead => {
                self.in_table_head = false;
                "</tr></thead>\n<tbody>\n"
            }
            TagEnd::TableRow => "</tr>\n",
            TagEnd::TableCell if self.in_table_head => "</th>",
            TagEnd::TableCell => "</td>",
            TagEnd::Emphasis => "</em>",
            TagEnd::Strong => "</strong>",
            TagEnd::Strikethrough => "</del>",
            TagEnd::Superscript => "</sup>",
            TagEnd::Subscript => "</sub>",
            TagEnd::Link => "</a>",
            _ => "",
        };
        if matches!(tag, TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) {
            self.sections.space();
        }
        self.out.push(html);
    }

    pub(crate) fn leaf(&mut self, event: &Event<'_>, line: u32) {
        match event {
            Event::Text(text) => {
                self.sections.text(text);
                let _ = escape_html_body_text(self.out.html(), text);
            }
            Event::Code(code) => {
                self.sections.text(code);
                self.out.push("<code>");
                let _ = escape_html_body_text(self.out.html(), code);
                self.out.push("</code>");
            }
            Event::Html(html) | Event::InlineHtml(html) => self.raw(html, line),
            Event::FootnoteReference(label) => {
                let reference = self.footnotes.refer(label);
                let _ = write!(
                    self.out.html(),
                    "<sup class=\"footnote\" id=\"{}\"><a href=\"#{}\">{}</a></sup>",
                    reference.place,
                    reference.footnote,
                    reference.number
                );
            }
            Event::SoftBreak => {
                self.sections.space();
                self.out.push("\n");
            }
            Event::HardBreak => {
                self.sections.space();
                self.out.push("<br>\n");
            }
            Event::Rule => {
                self.out.fresh_line();
                self.out.push("<hr>\n");
            }
            Event::TaskListMarker(done) => {
                let checked = if *done { " checked" } else { "" };
                let _ = write!(
                    self.out.html(),
                    "<input type=\"checkbox\" disabled{checked}> "
                );
            }
            // Math is not part of the dialect; starts and ends are not leaves.
            _ => {}
        }
    }

    fn cell(&mut self) {
        let name = if self.in_table_head { "th" } else { "td" };
        let align = match self.columns.get(self.column) {
            Some(Alignment::Left) => "text-align: left",
            Some(Alignment::Center) => "text-align: center",
            Some(Alignment::Right) => "text-align: right",
            Some(Alignment::None) | None => "",
        };
        self.column += 1;
        self.tag_with(name, &[("style", align)]);
    }

    fn link(&mut self, kind: LinkType, target: &str, title: &str, line: u32) {
        let link = match kind {
            LinkType::Email => target::link(&format!("mailto:{target}"), line),
            _ => target::link(target, line),
        };
        let html = self.out.html();
        html.push_str("<a href=\"");
        let _ = escape_href(&mut *html, &link.target);
        html.push('"');
        if !title.is_empty() {
            html.push_str(" title=\"");
            let _ = escape_html(&mut *html, title);
            html.push('"');
        }
        html.push('>');
        self.links.push(link);
    }

    /// Writes a start tag with the attributes that are not empty.
    pub(crate) fn tag_with(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let html = self.out.html();
        html.push('<');
        html.push_str(name);
        for (key, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let _ = write!(html, " {key}=\"");
            let _ = escape_html(&mut *html, value);
            html.push('"');
        }
        html.push('>');
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    matches!(
        tag,
        Tag::Paragraph
            | Tag::BlockQuote(_)
            | Tag::List(_)
            | Tag::Item
            | Tag::Table(_)
            | Tag::TableRow
    )
}

fn alert(kind: BlockQuoteKind) -> (&'static str, &'static str) {
    match kind {
        BlockQuoteKind::Note => ("note", "Note"),
        BlockQuoteKind::Tip => ("tip", "Tip"),
        BlockQuoteKind::Important => ("important", "Important"),
        BlockQuoteKind::Warning => ("warning", "Warning"),
        BlockQuoteKind::Caution => ("caution", "Caution"),
    }
}
