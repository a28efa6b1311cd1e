//! Text that cannot drive a terminal: control characters are escaped before anybody prints it.

use std::borrow::Cow;

/// A text in which nothing drives a terminal: control characters, line breaks and those that change the direction of
/// what follows are escaped as in a Rust literal. Tabs stay.
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

/// Whether a character does something else than to be seen.
fn is_escaped(c: char) -> bool {
    c != '\t' && does_something(c)
}

/// Control characters; separators of lines and paragraphs; marks, embeddings, overrides and isolates of direction.
fn does_something(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a text can be part of a name.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(does_something)
}

/// The same for a name, in which tabs do something too.
pub(crate) fn printable_name(name: &str) -> String {
    printable(name).replace('\t', "\\t")
}
