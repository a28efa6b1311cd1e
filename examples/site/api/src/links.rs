//! Link checking.
//!
//! - L1: a problem is sent as soon as it is certain. A file that is not in the site is certain at once; an anchor
//!   is when the page that lacks it has arrived.
//! - L2: problems come in whatever order they are found; each names its page and line.

use facet::Facet;
use rapace::Streaming;

/// Checks links.
#[rapace::service]
pub trait Links {
    /// Checks the links between pages as they come, in a site that will have these `files`.
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
    /// Where it points, as it stands in the HTML: relative to the page, or a URL.
    pub target: String,
    /// What the author wrote, if that is something else: a link to a page's Markdown.
    pub written: Option<String>,
    /// The line on which it stands.
    pub line: u32,
}

/// A rendered page, as seen by the checker.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct LinkedPage {
    /// Where it lies, such as `guide/start.html`.
    pub path: String,
    /// Everything on it that a link can point to.
    pub anchors: Vec<String>,
    /// Its links.
    pub links: Vec<Link>,
}

/// A link that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Facet)]
pub struct LinkProblem {
    /// The page it stands on.
    pub page: String,
    /// The line it stands on.
    pub line: u32,
    /// Where it points, as the author wrote it.
    pub target: String,
    /// What is wrong with it.
    pub fault: LinkFault,
    /// What was probably meant, as the author would write it, if something is near enough.
    pub suggestion: Option<String>,
}

/// What is wrong with a link.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Facet)]
#[repr(u8)]
pub enum LinkFault {
    /// The site has no such file.
    MissingFile,
    /// The page is there, the place on it is not.
    MissingAnchor,
    /// The path climbs out of the site's root. It may be right where the site is published.
    OutsideSite,
    /// The text is not a URL.
    BadUrl {
        /// Why not.
        reason: String,
    },
}

/// Why no check was begun.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum LinkError {
    /// A file of the site is not named by a path relative to its root.
    NotRelative {
        /// The name.
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
