//! Pages to an index.

use std::sync::Arc;

use site_api::search::{IndexChunk, IndexPage};

use crate::engine::{Engine, Failure};
use crate::error::BuildError;
use crate::plugin::PluginKind;
use crate::site::Site;

/// How much text a chunk holds: small enough to come in a moment, large enough that a book is a handful.
const CHUNK_BYTES: u32 = 96 << 10;

/// What there is to be found, in the order in which a reader would come to it.
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
        // The size of the chunks is ours, and not to blame on the content.
        Err(Failure::Refused(error)) => Err(BuildError::Plugin {
            name: PluginKind::Search.name(),
            reason: error.to_string(),
        }),
    }
}
