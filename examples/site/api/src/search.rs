//! The search index.
//!
//! - S1: a chunk is a script that a page can load from anywhere, even from disk, and is complete in itself: it
//!   holds some sections and the words in them.
//! - S2: the boundaries between chunks depend only on the pages, not on when they arrive.

use facet::Facet;
use rapace::Streaming;

/// Makes a search index.
#[rapace::service]
pub trait Search {
    /// Indexes pages as they arrive; a chunk is sent as soon as it holds `chunk_bytes` bytes of text.
    #[rapace(idempotent)]
    async fn index(
        &self,
        chunk_bytes: u32,
        pages: Streaming<IndexPage>,
    ) -> Result<Streaming<IndexChunk>, SearchError>;
}

/// A page to index.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct IndexPage {
    /// Its path, such as `guide/start.html`.
    pub path: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub sections: Vec<Section>,
}

/// The text below one heading.
#[derive(Debug, Clone, PartialEq, Eq, Default, Facet)]
pub struct Section {
    /// The heading's anchor; empty before the first heading.
    pub anchor: String,
    /// The heading's text; empty before the first heading.
    pub heading: String,
    /// The text below it, with whitespace collapsed.
    pub text: String,
}

/// A part of the index.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
pub struct IndexChunk {
    /// Its number, counted from 0.
    pub number: u32,
    /// How many sections it holds.
    pub sections: u32,
    /// How many distinct words they have.
    pub terms: u32,
    /// The script.
    pub script: String,
}

/// Why the index was refused.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum SearchError {
    /// The chunks would be smaller than [`LEAST_CHUNK`].
    ChunkTooSmall {
        /// The requested size in bytes.
        bytes: u32,
    },
}

/// The least size of a chunk, in bytes of text: below it, scripts outnumber pages.
pub const LEAST_CHUNK: u32 = 4 << 10;

impl std::fmt::Display for SearchError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ChunkTooSmall { bytes } => {
                write!(
                    f,
                    "chunks of {bytes} bytes are too small: ask for {LEAST_CHUNK} or more"
                )
            }
        }
    }
}

impl std::error::Error for SearchError {}
