//! Highlights all code blocks.

use futures_util::{StreamExt, TryStreamExt, stream};
use site_api::highlight::Highlighted;
use site_api::markdown::{CodeBlock, Part};

use crate::content::Page;
use crate::engine::{Engine, Failure, LONGEST};
use crate::error::BuildError;
use crate::plugin::PluginKind;
use crate::problem::{Problem, ProblemKind};
use crate::site::Site;

/// How many blocks are in flight at once: they are small, and the plugin should never idle for a round trip.
const AT_ONCE: usize = 32;

/// The outcome for all blocks.
pub(super) struct Blocks {
    /// In the order of [`of`]; `None` for a block that is shown plain.
    pub(super) blocks: Vec<Option<Highlighted>>,
    pub(super) problems: Vec<Problem>,
}

/// Returns all code blocks of a site, page by page.
pub(super) fn of(site: &Site) -> Vec<(&Page, &CodeBlock)> {
    site.pages()
        .flat_map(|(page, rendered)| {
            rendered.parts.iter().filter_map(move |part| match part {
                Part::Code(block) => Some((page, block)),
                Part::Html(_) | Part::Image(_) => None,
            })
        })
        .collect()
}

/// Highlights all code blocks.
pub(super) async fn highlight(
    engine: &Engine,
    blocks: &[(&Page, &CodeBlock)],
) -> Result<Blocks, BuildError> {
    let outcomes: Vec<_> = stream::iter(blocks)
        .map(|(page, block)| one(engine, page, block))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut all = Blocks {
        blocks: Vec::with_capacity(outcomes.len()),
        problems: Vec::new(),
    };
    for outcome in outcomes {
        match outcome {
            Ok(highlighted) => all.blocks.push(Some(highlighted)),
            Err(problem) => {
                all.blocks.push(None);
                all.problems.push(problem);
            }
        }
    }
    Ok(all)
}

async fn one(
    engine: &Engine,
    page: &Page,
    block: &CodeBlock,
) -> Result<Result<Highlighted, Problem>, BuildError> {
    let service = &engine.services().highlight;
    let call = || {
        service
            .highlight(block.text.clone(), block.language.clone())
            .timeout(LONGEST)
            .into_future()
    };
    match engine.ask(PluginKind::Highlight, call).await {
        Ok(highlighted) => Ok(Ok(highlighted)),
        Err(Failure::Refused(error)) => {
            let line = page.file_line(block.line);
            let text = format!("{error}; the block is shown plain");
            Ok(Err(Problem::of_line(
                &page.path,
                line,
                ProblemKind::Markdown,
                text,
            )))
        }
        Err(Failure::Stopped(error)) => Err(error),
    }
}
