//! The end of what a process wrote to stderr.
//!
//! - T1: at most [`MAX_LINES`] lines and [`MAX_BYTES`] bytes are kept, the newest ones.
//! - T2: a single line may take a quarter of that, so one huge line never drives out the others.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::lines::CUT;

/// Most lines that a tail keeps: a panic message with a short backtrace.
const MAX_LINES: usize = 20;
/// Most bytes that a tail keeps.
const MAX_BYTES: usize = 4 * 1024;

/// The lines kept so far.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
}

impl Tail {
    pub(super) fn push(&mut self, line: &str) {
        let mut kept = String::from(&line[..line.floor_char_boundary(MAX_BYTES / 4)]);
        if kept.len() < line.len() {
            kept.push_str(CUT);
        }
        self.bytes += kept.len();
        self.lines.push_back(kept);
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.bytes -= oldest.len();
            self.dropped += 1;
        }
    }

    pub(super) fn snapshot(&self) -> StderrTail {
        let text = self
            .lines
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n");
        StderrTail {
            text: text.into(),
            omitted: self.dropped,
        }
    }
}

/// The last lines that a plugin wrote to stderr: at most 20 lines and 4 KiB, printable, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StderrTail {
    text: Arc<str>,
    omitted: u64,
}

impl StderrTail {
    /// The lines, separated by newlines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many earlier lines are not in it.
    #[must_use]
    pub fn omitted_lines(&self) -> u64 {
        self.omitted
    }

    /// True if the plugin wrote nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl Default for StderrTail {
    fn default() -> Self {
        Self {
            text: "".into(),
            omitted: 0,
        }
    }
}

/// One indented line each, after a note of how many are missing.
impl fmt::Display for StderrTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.omitted > 0 {
            write!(f, "\n  [{} earlier lines]", self.omitted)?;
        }
        self.text
            .lines()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept() {
        let mut tail = Tail::default();
        for n in 0..100 {
            tail.push(&format!("line {n}"));
        }
        let tail = tail.snapshot();
        assert_eq!(tail.as_str().lines().count(), MAX_LINES);
        assert!(tail.as_str().starts_with("line 80\n") && tail.as_str().ends_with("\nline 99"));
        assert_eq!(tail.omitted_lines(), 80);
    }

    #[test]
    fn bytes_are_bounded_and_a_huge_line_leaves_room_for_others() {
        let mut tail = Tail::default();
        tail.push("first");
        tail.push(&"é".repeat(50_000));
        tail.push("last");
        let text = tail.snapshot();
        assert!(text.as_str().starts_with("first\né") && text.as_str().ends_with("[cut]\nlast"));
        for _ in 0..50 {
            tail.push(&"x".repeat(900));
            assert!(tail.bytes <= MAX_BYTES);
            assert_eq!(
                tail.bytes,
                tail.lines.iter().map(String::len).sum::<usize>()
            );
        }
    }
}
