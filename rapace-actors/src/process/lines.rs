//! Splits the bytes of a pipe into lines.
//!
//! - LI1: a line is emitted when its newline arrives, or when the stream ends.
//! - LI2: at most [`MAX_LINE`] bytes of a line are kept. The rest, up to its newline, is dropped and the cut is
//!   marked, so memory is bounded whatever the process writes.
//! - LI3: emitted lines are printable text: invalid UTF-8 is replaced and control characters are escaped, so
//!   that no output of a plugin can control the host's terminal.

use rapace_session::printable;

/// The most bytes kept of one line. Structured log lines of a few KiB fit.
pub(super) const MAX_LINE: usize = 8 * 1024;

/// The part of a stream that was received and not yet emitted.
#[derive(Debug, Default)]
pub(super) struct LineSplitter {
    partial: Vec<u8>,
    overlong: bool,
}

impl LineSplitter {
    /// Adds received bytes and emits every line that they complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut emit: impl FnMut(String)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.keep(&bytes[..end]);
            emit(self.take());
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// Emits the rest when the stream ends without a newline.
    pub(super) fn finish(&mut self) -> Option<String> {
        if self.partial.is_empty() {
            None
        } else {
            Some(self.take())
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.partial.len();
        self.overlong |= bytes.len() > room;
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn take(&mut self) -> String {
        let bytes = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        let mut line = printable(&String::from_utf8_lossy(bytes)).into_owned(); // LI3
        if self.overlong {
            line.push_str(CUT);
        }
        self.partial.clear();
        self.overlong = false;
        line
    }
}

/// The mark for the dropped end of a line.
pub(super) const CUT: &str = " [cut]";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&[u8]]) -> Vec<String> {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line));
        }
        lines.extend(splitter.finish());
        lines
    }

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_arrive() {
        let text = b"one\ntwo\r\n\nfour \xc3\xa9\nfive";
        let whole = lines(&[text]);
        assert_eq!(whole, ["one", "two", "", "four é", "five"]);
        for size in 1..text.len() {
            assert_eq!(
                lines(&text.chunks(size).collect::<Vec<_>>()),
                whole,
                "chunks of {size}"
            );
        }
    }

    #[test]
    fn a_stream_that_ends_with_a_newline_has_no_further_line() {
        assert_eq!(lines(&[b"one\n"]), ["one"]);
        assert!(lines(&[]).is_empty());
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_line_is_whole() {
        let long = vec![b'x'; 3 * MAX_LINE];
        let got = lines(&[&long, &long, b"\nnext\n"]);
        assert_eq!(got.len(), 2);
        assert_eq!(got[0].len(), MAX_LINE + CUT.len());
        assert!(got[0].ends_with(CUT));
        assert_eq!(got[1], "next");
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_not_marked_as_cut() {
        let mut text = vec![b'x'; MAX_LINE];
        text.push(b'\n');
        assert_eq!(lines(&[&text])[0].len(), MAX_LINE);
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(
            lines(&[b"\x1b[2Jhi\tthere\x07\n"]),
            ["\\u{1b}[2Jhi\tthere\\u{7}"]
        );
        assert_eq!(lines(&[b"bad \xff byte"]), ["bad \u{fffd} byte"]);
    }
}
