//! Markdown to HTML.
//!
//! - M1: a rendered page is a list of [parts](Part). HTML is finished; a code block and an image are left to the
//!   host, which has them highlighted and resized by others and puts the results in their places.
//! - M2: links to `.md` pages are rewritten to the `.html` pages they become; `README.md` becomes `index.html`.
//! - M3: an anchor is unique within its page.

use facet::Facet;

use crate::links::Link;
use crate::search::Section;

/// Renders pages.
#[rapace::service]
pub trait Markdown {
    /// Renders a page.
    #[rapace(idempotent)]
    async fn render(&self, page: PageSource) -> Result<RenderedPage, MarkdownError>;
}

/// A page as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct PageSource {
    /// Where it lies, such as `guide/start.md`.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// A page as HTML with places left for code and images, and what was found on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct RenderedPage {
    /// The title: from the front matter, else the text of the first heading.
    pub title: Option<String>,
    /// The body, in order.
    pub parts: Vec<Part>,
    /// The headings, in order.
    pub headings: Vec<Heading>,
    /// Everything on the page that a link can point to, in order.
    pub anchors: Vec<String>,
    /// The links on the page, in order.
    pub links: Vec<Link>,
    /// The text between headings, for the search index.
    pub sections: Vec<Section>,
    /// What the author should look at.
    pub notes: Vec<Note>,
}

/// A stretch of a rendered page.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum Part {
    /// Finished HTML.
    Html(String),
    /// A place for a code block.
    Code(CodeBlock),
    /// A place for an image.
    Image(Image),
}

/// A fenced or indented block of code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct CodeBlock {
    /// The language, as written: the first word after the fence. Empty if none was given.
    pub language: String,
    /// The words that follow it, such as `should_panic`.
    pub attributes: Vec<String>,
    /// The code, every line ended.
    pub text: String,
    /// The lines, counted from 0, that the reader sees only on request.
    pub hidden: Vec<u32>,
    /// The line on which the block starts.
    pub line: u32,
}

/// An image, from Markdown or from an `<img>` tag.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct Image {
    /// Where it lies, as written: relative to the page, or a URL.
    pub source: String,
    /// The text for readers who do not see it.
    pub alt: String,
    /// The other attributes, in order, without `src`, `alt`, `srcset`.
    pub attributes: Vec<Attribute>,
    /// The line on which it stands.
    pub line: u32,
}

/// An HTML attribute, its value not escaped.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct Attribute {
    /// Such as `class`.
    pub name: String,
    /// Such as `center`.
    pub value: String,
}

/// A heading.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct Heading {
    /// 1 to 6.
    pub level: u8,
    /// Its anchor.
    pub anchor: String,
    /// Its text, without markup.
    pub text: String,
    /// Its inner HTML, without links.
    pub html: String,
}

/// Something on a page that its author should look at.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct Note {
    /// Where.
    pub line: u32,
    /// What, and what to do about it.
    pub text: String,
}

/// Why a page could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum MarkdownError {
    /// The page is longer than [`PAGE_LIMIT`].
    TooLong {
        /// Its length, in bytes.
        bytes: u64,
    },
}

/// The longest page that is rendered, in bytes: 8 MiB, the length of ten novels. A longer one is a mistake.
pub const PAGE_LIMIT: usize = 8 << 20;

impl std::fmt::Display for MarkdownError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(
                    f,
                    "the page is {bytes} bytes long, the limit is {PAGE_LIMIT}: split it"
                )
            }
        }
    }
}

impl std::error::Error for MarkdownError {}
