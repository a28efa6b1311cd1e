//! Renders pages to HTML.

use futures_util::{StreamExt, TryStreamExt, stream};
use site_api::markdown::{MarkdownError, PageSource, RenderedPage};

use crate::content::{Content, Page};
use crate::engine::{Engine, Failure, LONGEST};
use crate::error::BuildError;
use crate::plugin::PluginKind;
use crate::problem::{Problem, ProblemKind};

/// How many pages are in flight at once: enough that the plugin never waits for the host.
const AT_ONCE: usize = 8;

/// The outcome for a page.
pub(super) type PageOutcome = Result<RenderedPage, MarkdownError>;

/// Renders pages; returns their outcomes in order.
pub(super) async fn pages(engine: &Engine, pages: &[Page]) -> Result<Vec<PageOutcome>, BuildError> {
    engine.expect(PluginKind::Markdown, pages.len(), PluginKind::Links);
    stream::iter(pages)
        .map(|page| render(engine, page))
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

async fn render(engine: &Engine, page: &Page) -> Result<PageOutcome, BuildError> {
    let source = PageSource {
        path: page.path.clone(),
        text: page.text.clone(),
    };
    let markdown = &engine.services().markdown;
    let call = || {
        markdown
            .render(source.clone())
            .timeout(LONGEST)
            .into_future()
    };
    match engine.ask(PluginKind::Markdown, call).await {
        Ok(rendered) => Ok(Ok(rendered)),
        Err(Failure::Refused(error)) => Ok(Err(error)),
        Err(Failure::Stopped(error)) => Err(error),
    }
}

/// Returns the rendered pages. Pages that failed are removed from the content and become problems, as do all
/// notes.
pub(super) fn keep(
    content: &mut Content,
    outcomes: Vec<PageOutcome>,
    problems: &mut Vec<Problem>,
) -> Vec<RenderedPage> {
    let pages = std::mem::take(&mut content.pages);
    let mut kept = Vec::with_capacity(outcomes.len());
    for (page, outcome) in pages.into_iter().zip(outcomes) {
        match outcome {
            Err(error) => problems.push(Problem::of_file(
                &page.path,
                ProblemKind::LeftOut,
                error.to_string(),
            )),
            Ok(rendered) => {
                let notes = rendered.notes.iter().map(|note| {
                    let line = page.file_line(note.line);
                    Problem::of_line(&page.path, line, ProblemKind::Markdown, note.text.as_str())
                });
                problems.extend(notes);
                kept.push(rendered);
                content.pages.push(page);
            }
        }
    }
    kept
}
