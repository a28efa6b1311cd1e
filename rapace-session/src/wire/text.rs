//! Text that the peer chose, and that humans read in errors and logs.
//!
//! - TX1: a text is escaped where it arrives, and becomes one line of printable characters. So
//!   printing it can neither send escape sequences to a terminal nor forge a line of a log.
//! - TX2: a text has at most [`MAX_TEXT`] bytes. The sender truncates it, and the receiver ignores
//!   any further bytes.
//! - TX3: an empty reason is replaced by a default.

use crate::wire::limits::MAX_TEXT;
use crate::wire::printable::printable;

/// Reads a text of the peer (TX1, TX2).
pub(crate) fn short_text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_TEXT)]);
    let mut text = printable(&text).into_owned();
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

/// Reads the reason that the peer gives for something (TX3).
pub(crate) fn reason(bytes: &[u8]) -> String {
    reason_or(bytes, "no reason was given")
}

/// Reads a reason, with `none` as the default.
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

    /// TX1
    #[test]
    fn escape_sequences_and_line_breaks_are_escaped() {
        let forged = b"no\n2026 ERROR \x1b[2J\x9b\xe2\x80\xae\xe2\x80\xa8\xc2\x85\r\x07";
        let text = short_text(forged);
        assert_eq!(
            text,
            "no\\n2026 ERROR \\u{1b}[2J\u{fffd}\\u{202e}\\u{2028}\\u{85}\\r\\u{7}"
        );
        assert_eq!(short_text("ä\t`x` \\n".as_bytes()), "ä\t`x` \\n");
    }

    /// TX2
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

    /// TX3
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
