//! The service.
//!
//! - SV1: an error of the input stream ends the output stream with that error.

use futures_util::{StreamExt, stream};
use rapace::{StreamError, Streaming};
use site_api::search::{IndexChunk, IndexPage, Search, SearchError};

use crate::indexer::Indexer;

/// Makes indexes, each call one of its own.
#[derive(Debug, Clone, Copy)]
pub struct Indexing;

impl Search for Indexing {
    async fn index(
        &self,
        chunk_bytes: u32,
        pages: Streaming<IndexPage>,
    ) -> Result<Streaming<IndexChunk>, SearchError> {
        let indexer = Indexer::new(chunk_bytes)?;
        let chunks = stream::unfold((Some(indexer), pages), |(indexer, mut pages)| async move {
            let (chunk, indexer) = next_chunk(indexer?, &mut pages).await?;
            Some((chunk, (indexer, pages)))
        });
        Ok(Streaming::fallible(chunks))
    }
}

/// Returns the next chunk, and the indexer unless it was the last.
async fn next_chunk(
    mut indexer: Indexer,
    pages: &mut Streaming<IndexPage>,
) -> Option<(Result<IndexChunk, StreamError>, Option<Indexer>)> {
    loop {
        match pages.next().await {
            None => return indexer.finish().map(|last| (Ok(last), None)),
            Some(Err(error)) => return Some((Err(error), None)),
            Some(Ok(page)) => {
                if let Some(chunk) = indexer.page(&page) {
                    return Some((Ok(chunk), Some(indexer)));
                }
            }
        }
    }
}
