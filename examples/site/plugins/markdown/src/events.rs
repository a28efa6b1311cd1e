//! Helpers for ranges of Markdown events.

use std::ops::Range;

use pulldown_cmark::Event;
use pulldown_cmark_escape::escape_html_body_text;

/// Events and their positions in the source.
pub(crate) type Events<'a> = [(Event<'a>, Range<usize>)];

/// Returns the events between a start, which precedes `events`, and its end.
pub(crate) fn inside<'e, 'a>(events: &'e Events<'a>) -> &'e Events<'a> {
    let mut depth = 0usize;
    for (at, (event, _)) in events.iter().enumerate() {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) if depth == 0 => return &events[..at],
            Event::End(_) => depth -= 1,
            _ => {}
        }
    }
    events
}

/// Returns the text of the events, without markup.
pub(crate) fn plain(events: &Events<'_>) -> String {
    let mut text = String::new();
    for (event, _) in events {
        match event {
            Event::Text(part) | Event::Code(part) | Event::Html(part) => text.push_str(part),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            _ => {}
        }
    }
    text
}

/// Returns the HTML of a heading for a table of contents.
pub(crate) fn without_links(events: &Events<'_>) -> String {
    let mut html = String::new();
    for (event, _) in events {
        match event {
            Event::Text(text) => {
                let _ = escape_html_body_text(&mut html, text);
            }
            Event::Code(code) => {
                html.push_str("<code>");
                let _ = escape_html_body_text(&mut html, code);
                html.push_str("</code>");
            }
            Event::SoftBreak | Event::HardBreak => html.push(' '),
            _ => {}
        }
    }
    html
}
