//! The service.

use site_api::markdown::{Markdown, MarkdownError, PageSource, RenderedPage};

/// Renders pages, one at a time.
#[derive(Debug, Clone, Copy)]
pub struct CommonMark;

impl Markdown for CommonMark {
    async fn render(&self, page: PageSource) -> Result<RenderedPage, MarkdownError> {
        crate::render(&page)
    }
}
