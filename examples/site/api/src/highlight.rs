//! Syntax highlighting.
//!
//! - H1: each line of code yields one line of HTML, with no tag open at its end, so that the host can hide or
//!   number lines.
//! - H2: the HTML is spans with the classes of [`CLASSES`]; the style sheet chooses the colours.

use facet::Facet;

/// Highlights code.
#[rapace::service]
pub trait Highlighter {
    /// Highlights a block of code in a language.
    #[rapace(idempotent)]
    async fn highlight(
        &self,
        code: String,
        language: String,
    ) -> Result<Highlighted, HighlightError>;
}

/// Every class that a span can have, and what it marks. Tokens without a class have no span.
pub const CLASSES: [(&str, &str); 13] = [
    ("a", "attribute"),
    ("c", "comment"),
    ("e", "escape in a string"),
    ("f", "function"),
    ("k", "keyword"),
    ("m", "macro"),
    ("n", "number or constant"),
    ("o", "operator"),
    ("p", "prompt"),
    ("s", "string"),
    ("t", "type"),
    ("u", "output of a command"),
    ("v", "parameter or special variable"),
];

/// A highlighted block of code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct Highlighted {
    /// The name of the language, for display.
    pub language: String,
    /// One piece of HTML per line, without line ends.
    pub lines: Vec<String>,
}

/// Why a block could not be highlighted.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum HighlightError {
    /// No grammar has this name.
    UnknownLanguage {
        /// The name.
        language: String,
    },
}

impl std::fmt::Display for HighlightError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownLanguage { language } => {
                write!(
                    f,
                    "no grammar for the language `{language}`: use `text` if it has none"
                )
            }
        }
    }
}

impl std::error::Error for HighlightError {}
