//! Escaping of control characters, so that printed text cannot control a terminal.

use std::borrow::Cow;

/// Escapes control characters, line breaks and bidirectional marks as in a Rust literal, so that
/// printing the text cannot control a terminal. Tabs stay.
///
/// ```
/// use rapace_session::printable;
///
/// assert_eq!(printable("\x1b[2J done\r\n"), r"\u{1b}[2J done\r\n");
/// assert_eq!(printable("a\tb"), "a\tb");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_escaped) {
        return text.into();
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match is_escaped(c) {
            true => clean.extend(c.escape_default()),
            false => clean.push(c),
        }
    }
    clean.into()
}

/// Whether [`printable`] escapes a character.
fn is_escaped(c: char) -> bool {
    c != '\t' && is_control(c)
}

/// Whether a character is a control character, a separator of lines or paragraphs, or a
/// bidirectional mark, embedding, override or isolate.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text may be part of a name.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(is_control)
}

/// Escapes a name, tabs included.
pub(crate) fn printable_name(name: &str) -> String {
    printable(name).replace('\t', "\\t")
}
