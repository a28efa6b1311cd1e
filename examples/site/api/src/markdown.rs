//! Markdown to HTML.
//!
//! - M1: a rendered page is a list of [parts](Part). HTML is finished; code blocks and images are left to the
//!   host, which has other plugins highlight and resize them and inserts the results.
//! - M2: links to `.md` pages are rewritten to their `.html` pages; `README.md` becomes `index.html`.
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
    /// Its path, such as `guide/start.md`.
    pub path: String,
    /// Its Markdown.
    pub text: String,
}

/// A page as HTML with placeholders for code and images, and the data found in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct RenderedPage {
    /// The title: from the front matter, else the text of the first heading.
    pub title: Option<String>,
    /// The body, in order.
    pub parts: Vec<Part>,
    /// The headings, in order.
    pub headings: Vec<Heading>,
    /// All anchors on the page, in order.
    pub anchors: Vec<String>,
    /// The links on the page, in order.
    pub links: Vec<Link>,
    /// The text between headings, for the search index.
    pub sections: Vec<Section>,
    /// Notes to the author.
    pub notes: Vec<Note>,
}

/// A part of a rendered page.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum Part {
    /// Finished HTML.
    Html(String),
    /// A placeholder for a code block.
    Code(CodeBlock),
    /// A placeholder for an image.
    Image(Image),
}

/// A fenced or indented block of code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct CodeBlock {
    /// The language, as written: the first word after the fence. Empty if none was given.
    pub language: String,
    /// The words after the language, such as `should_panic`.
    pub attributes: Vec<String>,
    /// The code; every line ends with a newline.
    pub text: String,
    /// The lines, counted from 0, that are hidden until the reader asks for them.
    pub hidden: Vec<u32>,
    /// The line on which the block starts.
    pub line: u32,
}

/// An image, from Markdown or from an `<img>` tag.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct Image {
    /// Its source as written: relative to the page, or a URL.
    pub source: String,
    /// The alternative text.
    pub alt: String,
    /// The other attributes, in order, without `src`, `alt`, `srcset`.
    pub attributes: Vec<Attribute>,
    /// Its line.
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

/// A note about a page, for its author.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct Note {
    /// The line.
    pub line: u32,
    /// The problem, and what to do about it.
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
