//! Text that a peer chose, and that humans will read in errors and logs.
//!
//! - T1: it is escaped where it arrives, so that whoever prints it drives no terminal and forges no line: a text of a
//!   peer's is one line of characters that can be printed.
//! - T2: it is at most [`MAX_TEXT`] bytes. An honest peer cut it, and of another's no more is looked at.
//! - T3: where a reason is expected there is one.

use crate::wire::limits::MAX_TEXT;
use crate::wire::printable::printable;

/// A message to humans that a peer sent (T1, T2).
pub(crate) fn short_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
    let mut text = printable(&text).into_owned();
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

/// The same, of what should say why (T3).
pub(crate) fn reason(bytes: &[u8]) -> String {
    reason_or(bytes, "no reason was given")
}

/// The same, with what stands in for it.
pub(crate) fn reason_or(bytes: &[u8], none: &str) -> String {
    match bytes {
        [] => none.to_owned(),
        bytes => short_text(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::printable::is_plain;

    /// T1
    #[test]
    fn what_a_terminal_would_obey_and_what_forges_a_line_is_escaped() {
        let forged = b"no\n2026 ERROR \x1b[2J\x9b\xe2\x80\xae\xe2\x80\xa8\xc2\x85\r\x07";
        let text = short_text(forged);
        assert_eq!(
            text,
            "no\\n2026 ERROR \\u{1b}[2J\u{fffd}\\u{202e}\\u{2028}\\u{85}\\r\\u{7}"
        );
        assert_eq!(short_text("ä\t`x` \\n".as_bytes()), "ä\t`x` \\n");
    }

    /// T2
    #[test]
    fn escaping_makes_no_text_longer_than_a_text_may_be() {
        for bytes in [
            vec![0x1b; 9000],
            vec![0xff; 9000],
            "ä\x07".repeat(3000).into(),
        ] {
            let text = short_text(&bytes);
            assert!((MAX_TEXT - 3..=MAX_TEXT).contains(&text.len()));
        }
        assert_eq!(short_text(&[b'x'; 9000]), "x".repeat(MAX_TEXT));
    }

    /// T3
    #[test]
    fn an_empty_text_is_no_reason() {
        assert_eq!(reason(b""), "no reason was given");
        assert_eq!(reason(b"it rains"), "it rains");
    }

    #[test]
    fn names_have_nothing_to_escape() {
        assert!(is_plain("Images::größer 大"));
        for name in ["a\tb", "a\nb", "\u{1b}", "a\u{202e}b", "\u{0}"] {
            assert!(!is_plain(name), "{name:?}");
        }
    }
}
