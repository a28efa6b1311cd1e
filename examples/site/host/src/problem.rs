//! What is wrong with the content.
//!
//! - P1: a problem never stops the build: everything else is built, and the report names it.
//! - P2: a *fault* means that something which should be in the site is not; the build ends with exit code 1.
//!   Everything else is a *warning*.
//! - P3: problems are reported in the order of their files and lines, whatever found them first.

use std::fmt;

/// Something that the author should look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, relative to the content directory.
    pub file: String,
    /// The line, counted from 1, if it has one.
    pub line: Option<u32>,
    /// What sort of problem.
    pub kind: ProblemKind,
    /// What happened and what to do.
    pub text: String,
}

/// The sorts of problems, as the report groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProblemKind {
    /// A page or file that could not be taken into the site.
    LeftOut,
    /// A link that leads nowhere.
    Link,
    /// An image that stays as it is.
    Image,
    /// An include that is not there.
    Include,
    /// An entry of `SUMMARY.md`.
    Summary,
    /// Something in a page's Markdown.
    Markdown,
}

impl Problem {
    /// A problem with a file as a whole.
    pub(crate) fn of_file(file: &str, kind: ProblemKind, text: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            kind,
            text: text.into(),
        }
    }

    /// A problem with a line of a file.
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
    /// Every sort, in the order of the report.
    pub(crate) const ALL: [Self; 6] = [
        Self::LeftOut,
        Self::Link,
        Self::Image,
        Self::Include,
        Self::Summary,
        Self::Markdown,
    ];

    /// Whether the site lacks something because of it.
    #[must_use]
    pub fn is_fault(self) -> bool {
        matches!(self, Self::LeftOut)
    }

    /// A heading for the report.
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
