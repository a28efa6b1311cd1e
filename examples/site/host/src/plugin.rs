//! The five plugins, by name.

use std::path::{Path, PathBuf};

/// One of the five plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginKind {
    /// Markdown to HTML.
    Markdown,
    /// Syntax highlighting.
    Highlight,
    /// Images.
    Images,
    /// The search index.
    Search,
    /// Link checking.
    Links,
}

impl PluginKind {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 5] = [
        Self::Markdown,
        Self::Highlight,
        Self::Images,
        Self::Search,
        Self::Links,
    ];

    /// Returns its name in the report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Highlight => "highlight",
            Self::Images => "images",
            Self::Search => "search",
            Self::Links => "links",
        }
    }

    /// Returns the file name of its executable.
    #[must_use]
    pub fn executable(self, folder: &Path) -> PathBuf {
        folder.join(format!(
            "site-{}{}",
            self.name(),
            std::env::consts::EXE_SUFFIX
        ))
    }
}
