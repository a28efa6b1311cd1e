//! The tail of a process's stderr.
//!
//! - TA1: at most [`MAX_LINES`] lines and [`MAX_BYTES`] bytes are kept, the newest ones.
//! - TA2: a single line may take a quarter of that, so that one huge line never displaces the others.
//! - TA3: the message of the last panic is kept separately, up to [`MESSAGE_LINES`] lines and [`MESSAGE_BYTES`]
//!   bytes, if its own backtrace displaces it.
//! - TA4: the shown text skips leading empty lines. A panic's message begins with one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::lines::CUT;

/// The most lines that a tail keeps: enough for a panic message with a short backtrace.
const MAX_LINES: usize = 20;
/// The most bytes that a tail keeps.
const MAX_BYTES: usize = 4 * 1024;

/// The most lines of a panic's message, including the one with its location.
const MESSAGE_LINES: usize = 4;
/// The most bytes of a panic's message.
const MESSAGE_BYTES: usize = 1024;

/// The lines kept so far.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    panic: Option<Message>,
}

/// A panic's message.
#[derive(Debug)]
struct Message {
    lines: Vec<String>,
    /// The number of its first line in the stream.
    first: u64,
    complete: bool,
}

impl Message {
    fn push(&mut self, line: &str) {
        let ends = line.starts_with("stack backtrace:") || line.starts_with("note: run with");
        let bytes = self.lines.iter().map(String::len).sum::<usize>();
        let kept = &line[..line.floor_char_boundary(MESSAGE_BYTES.saturating_sub(bytes))];
        if !ends && !kept.is_empty() {
            self.lines.push(kept.into());
        }
        self.complete = ends || kept.len() < line.len() || self.lines.len() == MESSAGE_LINES;
    }
}

/// Whether the standard library's panic hook begins a message with this line.
fn begins_panic(line: &str) -> bool {
    line.starts_with("thread '") && line.contains(" panicked at ")
}

impl Tail {
    pub(super) fn push(&mut self, line: &str) {
        let mut kept = String::from(&line[..line.floor_char_boundary(MAX_BYTES / 4)]);
        if kept.len() < line.len() {
            kept.push_str(CUT);
        }
        if begins_panic(&kept) {
            self.panic = Some(Message {
                lines: vec![String::from(
                    &kept[..kept.floor_char_boundary(MESSAGE_BYTES / 2)],
                )],
                first: self.dropped + self.lines.len() as u64,
                complete: false,
            });
        } else if let Some(panic) = self.panic.as_mut().filter(|panic| !panic.complete) {
            panic.push(&kept);
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
            .skip_while(|line| line.trim().is_empty()) // TA4
            .collect::<Vec<_>>()
            .join("\n");
        // The part of the message that the kept lines do not include (TA3).
        let lost = self.panic.as_ref().map_or(&[][..], |panic| {
            let lost = self.dropped.saturating_sub(panic.first);
            let lost = usize::try_from(lost).unwrap_or(usize::MAX);
            &panic.lines[..panic.lines.len().min(lost)]
        });
        StderrTail {
            text: text.into(),
            panic: lost.join("\n").into(),
            omitted: self.dropped - lost.len() as u64,
        }
    }
}

/// The last lines that a plugin wrote to stderr: at most 20 lines and 4 KiB, printable, cheap to clone. The
/// message of its last panic is kept separately if a backtrace has displaced it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StderrTail {
    text: Arc<str>,
    panic: Arc<str>,
    omitted: u64,
}

impl StderrTail {
    /// Returns the lines, separated by newlines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the part of the last panic's message that is not in [the lines](Self::as_str): up to 4 lines and
    /// 1 KiB.
    #[must_use]
    pub fn panic(&self) -> &str {
        &self.panic
    }

    /// Returns how many lines are in neither.
    #[must_use]
    pub fn omitted_lines(&self) -> u64 {
        self.omitted
    }

    /// Whether the plugin wrote nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

#[cfg(test)]
impl StderrTail {
    /// Makes a tail of these lines, for tests.
    pub(crate) fn of(lines: &[&str]) -> Self {
        let mut tail = Tail::default();
        lines.iter().for_each(|line| tail.push(line));
        tail.snapshot()
    }
}

impl Default for StderrTail {
    fn default() -> Self {
        Self {
            text: "".into(),
            panic: "".into(),
            omitted: 0,
        }
    }
}

/// Writes each line indented, with a note of how many are missing.
impl fmt::Display for StderrTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = |text: &str| text.lines().try_for_each(|line| write!(f, "\n  {line}"));
        all(&self.panic)?;
        match self.omitted {
            0 => {}
            1 => all("[1 line left out]")?,
            more => all(&format!("[{more} lines left out]"))?,
        }
        all(&self.text)
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

    /// TA4
    #[test]
    fn what_is_shown_begins_with_a_line_that_says_something() {
        let mut tail = Tail::default();
        for line in [
            "",
            " ",
            "thread 'main' (7) panicked at src/main.rs:7:5:",
            "",
            "no such colour",
        ] {
            tail.push(line);
        }
        let shown = tail.snapshot();
        assert!(shown.as_str().starts_with("thread 'main'"), "{shown}");
        assert!(shown.as_str().ends_with(":\n\nno such colour"), "{shown}");
        let mut tail = Tail::default();
        tail.push("");
        assert!(tail.snapshot().is_empty());
    }

    /// TA3
    #[test]
    fn the_message_of_a_panic_outlives_its_backtrace() {
        let mut tail = Tail::default();
        tail.push("decoding cover.png");
        tail.push("thread 'main' (7) panicked at src/main.rs:7:5:");
        tail.push("no such colour: 300");
        tail.push("stack backtrace:");
        for n in 0..15 {
            tail.push(&format!("  {n}: frame"));
        }
        // The kept lines still include all of it.
        let tail_so_far = tail.snapshot();
        assert_eq!((tail_so_far.panic(), tail_so_far.omitted_lines()), ("", 0));
        for n in 15..18 {
            tail.push(&format!("  {n}: frame"));
        }
        // The half that was displaced.
        let tail_so_far = tail.snapshot();
        assert_eq!(
            tail_so_far.panic(),
            "thread 'main' (7) panicked at src/main.rs:7:5:"
        );
        assert!(tail_so_far.as_str().starts_with("no such colour: 300\n"));
        assert_eq!(tail_so_far.omitted_lines(), 1);
        for n in 18..60 {
            tail.push(&format!("  {n}: frame"));
        }
        let tail = tail.snapshot();
        let text = tail.to_string();
        assert!(
            text.starts_with(
                "\n  thread 'main' (7) panicked at src/main.rs:7:5:\n  no such colour: 300\n  [42 lines left out]\n    \
                 40: frame\n"
            ),
            "{text}"
        );
        assert_eq!(tail.as_str().lines().count(), MAX_LINES);
    }

    #[test]
    fn a_message_without_an_end_is_bounded() {
        let mut tail = Tail::default();
        tail.push("thread 'main' panicked at src/main.rs:7:5:");
        for _ in 0..100 {
            tail.push(&"x".repeat(600));
        }
        let panic = tail.snapshot().panic().to_owned();
        assert!(
            panic.len() <= MESSAGE_BYTES + MESSAGE_LINES,
            "{}",
            panic.len()
        );
        assert!(panic.lines().count() <= MESSAGE_LINES);
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
