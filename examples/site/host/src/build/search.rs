//! Builds the search index.

use std::sync::Arc;

use site_api::search::{IndexChunk, IndexPage};

use crate::engine::{Engine, Failure};
use crate::error::BuildError;
use crate::plugin::PluginKind;
use crate::site::Site;

/// How much text a chunk holds: small enough to load quickly, large enough that a book has only a few.
const CHUNK_BYTES: u32 = 96 << 10;

/// Returns the pages to index, in reading order.
pub(super) fn pages(site: &Site) -> Arc<[IndexPage]> {
    let page = |at: usize| IndexPage {
        path: site.content.pages[at].output.clone(),
        title: site.titles[at].clone(),
        sections: site.rendered[at].sections.clone(),
    };
    site.navigation
        .all(site.rendered.len())
        .into_iter()
        .map(page)
        .collect()
}

/// Indexes the pages.
pub(super) async fn index(
    engine: &Engine,
    pages: Arc<[IndexPage]>,
) -> Result<Vec<IndexChunk>, BuildError> {
    let service = &engine.services().search;
    let open = |pages| service.index(CHUNK_BYTES, pages).into_future();
    match engine.stream(PluginKind::Search, pages, open).await {
        Ok(chunks) => Ok(chunks),
        Err(Failure::Stopped(error)) => Err(error),
        // The chunk size comes from the host, so this is not the content's fault.
        Err(Failure::Refused(error)) => Err(BuildError::Plugin {
            name: PluginKind::Search.name(),
            reason: error.to_string(),
        }),
    }
}
