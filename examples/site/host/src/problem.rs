//! Problems with the content.
//!
//! - PB1: a problem never stops the build: everything else is built, and the report lists the problem.
//! - PB2: a *fault* means that something is missing from the site; the build ends with exit code 1. Every other
//!   problem is a *warning*.
//! - PB3: problems are reported in the order of files and lines, however they were found.

use std::fmt;

/// A problem for the author.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the content directory.
    pub file: String,
    /// The line, counted from 1, if it has one.
    pub line: Option<u32>,
    /// The kind of problem.
    pub kind: ProblemKind,
    /// The problem, and what to do about it.
    pub text: String,
}

/// The kinds of problems, by which the report groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// A page or file that was left out of the site.
    LeftOut,
    /// A broken link.
    Link,
    /// An image that was not resized.
    Image,
    /// An include that was not found.
    Include,
    /// An entry of `SUMMARY.md`.
    Summary,
    /// Something in a page's Markdown.
    Markdown,
}

impl Problem {
    /// Makes a problem with a whole file.
    pub(crate) fn of_file(file: &str, kind: ProblemKind, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            kind,
            text: text.into(),
        }
    }

    /// Makes a problem with a line of a file.
    pub(crate) fn of_line(
        file: &str,
        line: u32,
        kind: ProblemKind,
        text: impl Into<String>,
    ) -> Self {
        Self {
            line: Some(line),
            ..Self::of_file(file, kind, text)
        }
    }
}

impl ProblemKind {
    /// Every kind, in the order of the report.
    pub(crate) const ALL: [Self; 6] = [
        Self::LeftOut,
        Self::Link,
        Self::Image,
        Self::Include,
        Self::Summary,
        Self::Markdown,
    ];

    /// Whether something is missing from the site because of it.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(self, Self::LeftOut)
    }

    /// Returns the heading in the report.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::LeftOut => "left out of the site",
            Self::Link => "links that lead nowhere",
            Self::Image => "images that stay as they are",
            Self::Include => "includes that are not there",
            Self::Summary => "entries of SUMMARY.md",
            Self::Markdown => "notes on Markdown",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.text)
    }
}
