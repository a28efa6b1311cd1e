//! Syntax highlighting.
//!
//! - H1: one line in, one line of HTML out, with no tag open at its end: the host can hide or number lines.
//! - H2: the HTML is spans with the classes of [`CLASSES`]; colours are the style sheet's business.

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

/// Every class that a span can carry, and what it marks. What has no class has no span.
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
    /// The language that it was read as, for the reader.
    pub language: String,
    /// One piece of HTML per line, without line ends.
    pub lines: Vec<String>,
}

/// Why a block could not be highlighted.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum HighlightError {
    /// No grammar goes by this name.
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
