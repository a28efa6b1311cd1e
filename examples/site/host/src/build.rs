//! Builds a site from its content, in four steps.
//!
//! 1. Read the content and open the output: errors in either are reported before a process is started.
//! 2. Render the pages, and read the image headers meanwhile.
//! 3. Now all work is known. Highlight code blocks and resize images; meanwhile, stream the pages into the
//!    search index and the link checker.
//! 4. Assemble the pages and write them, in order.
//!
//! - B1: results are kept by position, not by time of arrival: the output does not depend on how the work was
//!   interleaved.
//! - B2: a problem with a page or an image is a [`Problem`]; only what stops the build is an error.

mod assemble;
mod blocks;
mod links;
mod pictures;
mod render;
mod search;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::{try_join, try_join4};

use crate::chaos::Schedule;
use crate::content::Content;
use crate::engine::{Chaos, Engine, Tally};
use crate::error::BuildError;
use crate::output::Output;
use crate::plugin::PluginKind;
use crate::problem::Problem;
use crate::progress::Progress;
use crate::site::Site;
use crate::workshop::Workshop;

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The directory of the pages.
    pub content: PathBuf,
    /// The directory of the site.
    pub output: PathBuf,
    /// How many times a plugin is killed.
    pub kills: u32,
    /// The seed of the random kills.
    pub seed: u64,
}

/// A site was built.
#[derive(Debug)]
pub struct Outcome {
    /// How many pages it has.
    pub pages: usize,
    /// How many images.
    pub images: usize,
    /// How long it took, from reading the content to the last file.
    pub elapsed: Duration,
    /// How many times a plugin was killed.
    pub kills: u32,
    /// Statistics of each plugin.
    pub plugins: Vec<Tally>,
    /// Problems for the author, in order.
    pub problems: Vec<Problem>,
}

/// Builds a site with the services that `start` provides. It is called once content and output are known to be
/// valid.
///
/// # Cancel safety
/// Dropping the future stops the plugins and leaves an incomplete site.
///
/// # Errors
/// See [`BuildError`].
pub async fn build<F>(
    options: &BuildOptions,
    progress: Progress,
    start: impl FnOnce() -> F,
) -> Result<Outcome, BuildError>
where
    F: Future<Output = Result<Workshop, BuildError>>,
{
    let started = Instant::now();
    let content = Content::read(&options.content, &options.output)?;
    let output = Output::open(&options.output)?;
    let images = content
        .files
        .iter()
        .filter(|path| pictures::is_image(path))
        .count();
    let workshop = start().await?;
    let chaos = chaos(options, &content, &workshop);
    let engine = Engine::new(workshop, chaos, progress);
    let result = run(&engine, content, output).await;
    engine.close().await;
    engine.progress().clear();
    let (pages, mut problems) = result?;
    problems.sort();
    problems.dedup();
    Ok(Outcome {
        pages,
        images,
        elapsed: started.elapsed(),
        kills: engine.kills(),
        plugins: engine.tallies(),
        problems,
    })
}

/// The schedule of kills, empty if there are no processes.
fn chaos(options: &BuildOptions, content: &Content, workshop: &Workshop) -> Chaos {
    let Some(plugins) = &workshop.plugins else {
        return Chaos::new(0, Schedule::default(), None);
    };
    let has_work = |kind: &PluginKind| match kind {
        PluginKind::Images => content.files.iter().any(|path| pictures::is_raster(path)),
        _ => !content.pages.is_empty(),
    };
    let busy: Vec<PluginKind> = PluginKind::ALL.into_iter().filter(has_work).collect();
    let schedule = Schedule::draw(options.kills, options.seed, &busy);
    Chaos::new(options.kills, schedule, Some(plugins.clone()))
}

/// Returns the number of pages built, and the problems.
async fn run(
    engine: &Engine,
    mut content: Content,
    output: Output,
) -> Result<(usize, Vec<Problem>), BuildError> {
    let mut problems = std::mem::take(&mut content.problems);
    engine.progress().stage("rendering pages");
    let (rendered, rasters) = try_join(
        render::pages(engine, &content.pages),
        pictures::look(engine, &content, &mut problems),
    )
    .await?;
    let rendered = render::keep(&mut content, rendered, &mut problems);
    let site = Site::new(content, rendered, &mut problems);

    engine.progress().stage("code, images, index, links");
    let blocks = blocks::of(&site);
    let indexed = search::pages(&site);
    let linked = links::pages(&site);
    engine.expect(PluginKind::Highlight, blocks.len(), PluginKind::Search);
    engine.expect(
        PluginKind::Images,
        pictures::calls(&rasters),
        PluginKind::Links,
    );
    engine.expect(PluginKind::Search, indexed.len(), PluginKind::Links);
    engine.expect(PluginKind::Links, linked.len(), PluginKind::Links);
    let (highlighted, pictures, chunks, broken) = try_join4(
        blocks::highlight(engine, &blocks),
        pictures::make(engine, &site.content, &rasters, &output),
        search::index(engine, indexed),
        links::check(engine, &site, linked),
    )
    .await?;
    problems.extend(highlighted.problems);
    problems.extend_from_slice(&pictures.problems);
    problems.extend(broken);

    engine.progress().stage("writing");
    assemble::write(&site, highlighted.blocks, &pictures, &chunks, &output)?;
    output.finish()?;
    Ok((site.content.pages.len(), problems))
}
