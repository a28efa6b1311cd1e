//! Indexes pages into chunks.
//!
//! - I1: a chunk ends with the page that fills it, and is returned at once: memory holds one chunk.

use site_api::search::{IndexChunk, IndexPage, LEAST_CHUNK, SearchError};

use crate::segment::Segment;

/// The state of an index.
pub struct Indexer {
    chunk_bytes: usize,
    number: u32,
    open: Segment,
}

impl Indexer {
    /// Starts an index whose chunks hold about `chunk_bytes` bytes of text.
    ///
    /// # Errors
    /// [`SearchError::ChunkTooSmall`] below [`LEAST_CHUNK`].
    pub fn new(chunk_bytes: u32) -> Result<Self, SearchError> {
        if chunk_bytes < LEAST_CHUNK {
            return Err(SearchError::ChunkTooSmall { bytes: chunk_bytes });
        }
        Ok(Self {
            chunk_bytes: chunk_bytes as usize,
            number: 0,
            open: Segment::default(),
        })
    }

    /// Adds a page; returns a chunk if the page filled it.
    pub fn page(&mut self, page: &IndexPage) -> Option<IndexChunk> {
        self.open.add(page);
        if self.open.bytes() < self.chunk_bytes {
            return None;
        }
        let full = std::mem::take(&mut self.open).finish(self.number);
        self.number += 1;
        full
    }

    /// Returns the last chunk, if it is not empty.
    #[must_use]
    pub fn finish(self) -> Option<IndexChunk> {
        self.open.finish(self.number)
    }
}

#[cfg(test)]
mod tests {
    use site_api::search::Section;

    use super::*;

    fn page(number: usize, bytes: usize) -> IndexPage {
        let section = Section {
            text: "word ".repeat(bytes / 5),
            ..Section::default()
        };
        IndexPage {
            path: format!("{number}.html"),
            title: String::new(),
            sections: vec![section],
        }
    }

    #[test]
    fn chunks_end_with_the_page_that_fills_them() {
        let mut indexer = Indexer::new(LEAST_CHUNK).expect("a good size");
        let numbers: Vec<_> = (0..5)
            .map(|n| indexer.page(&page(n, 2500)).map(|chunk| chunk.number))
            .collect();
        assert_eq!(numbers, [None, Some(0), None, Some(1), None]);
        let last = indexer.finish().expect("a rest");
        assert_eq!((last.number, last.sections), (2, 1));
    }

    #[test]
    fn no_pages_are_no_chunks() {
        assert!(
            Indexer::new(LEAST_CHUNK)
                .expect("a good size")
                .finish()
                .is_none()
        );
    }

    #[test]
    fn chunks_that_are_too_small_are_refused() {
        let error = Indexer::new(LEAST_CHUNK - 1).err();
        assert_eq!(
            error,
            Some(SearchError::ChunkTooSmall {
                bytes: LEAST_CHUNK - 1
            })
        );
    }
}
