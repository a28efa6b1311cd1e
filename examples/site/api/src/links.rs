//! Link checking.
//!
//! - L1: a problem is sent as soon as it is certain: a missing file at once, a missing anchor when the page
//!   that should have it has arrived.
//! - L2: problems come in any order; each names its page and line.

use facet::Facet;
use rapace::Streaming;

/// Checks links.
#[rapace::service]
pub trait Links {
    /// Checks the links between pages as they arrive, in a site that will have these `files`.
    #[rapace(idempotent)]
    async fn check(
        &self,
        files: Vec<String>,
        pages: Streaming<LinkedPage>,
    ) -> Result<Streaming<LinkProblem>, LinkError>;
}

/// A link on a page.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct Link {
    /// Its target as in the HTML: relative to the page, or a URL.
    pub target: String,
    /// The target as the author wrote it, if different: a link to a page's Markdown.
    pub written: Option<String>,
    /// Its line.
    pub line: u32,
}

/// A rendered page, as seen by the checker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct LinkedPage {
    /// Its path, such as `guide/start.html`.
    pub path: String,
    /// All anchors on it.
    pub anchors: Vec<String>,
    /// Its links.
    pub links: Vec<Link>,
}

/// A broken link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Facet)]
pub struct LinkProblem {
    /// The page that has the link.
    pub page: String,
    /// The line of the link.
    pub line: u32,
    /// Its target, as the author wrote it.
    pub target: String,
    /// What is wrong with the link.
    pub fault: LinkFault,
    /// The target that was probably meant, as the author would write it, if one is similar enough.
    pub suggestion: Option<String>,
}

/// What is wrong with a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Facet)]
#[repr(u8)]
pub enum LinkFault {
    /// The site has no such file.
    MissingFile,
    /// The page exists, but has no such anchor.
    MissingAnchor,
    /// The path leads out of the site's root. It may be valid where the site is published.
    OutsideSite,
    /// The text is not a URL.
    BadUrl {
        /// The reason.
        reason: String,
    },
}

/// Why the check was refused.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum LinkError {
    /// A file's path is not relative to the site's root.
    NotRelative {
        /// The path.
        file: String,
    },
}

impl std::fmt::Display for LinkFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MissingFile => f.write_str("no such file in the site"),
            Self::MissingAnchor => f.write_str("no such place on that page"),
            Self::OutsideSite => f.write_str("leads out of the site"),
            Self::BadUrl { reason } => write!(f, "not a URL: {reason}"),
        }
    }
}

impl std::fmt::Display for LinkError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotRelative { file } => {
                write!(f, "`{file}` is not a path relative to the site's root")
            }
        }
    }
}

impl std::error::Error for LinkError {}
