//! From content to site.
//!
//! 1. The content is read, and the output tried: what is wrong with either is said before a process is started.
//! 2. Pages are rendered, and beside that images are looked at.
//! 3. Now all work is known. Code blocks are highlighted and images made smaller; beside that, the pages stream into
//!    the search index and into the link checker.
//! 4. Pages are put together and written, in their order.
//!
//! - B1: results are kept by place, not by time: the output is the same however the work was interleaved.
//! - B2: what is wrong with a page or an image is a [`Problem`]; only what ends the build is an error.

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
    /// What the kills are drawn from.
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
    /// What each plugin did.
    pub plugins: Vec<Tally>,
    /// What the author should look at, in order.
    pub problems: Vec<Problem>,
}

/// Builds a site with what `start` provides, which is called when the content and the output are known to be good.
///
/// # Cancel safety
/// Dropping the future stops the plugins and leaves a part of the site.
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

/// The kills, if there is anything that can be killed.
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

/// The number of pages built, and the problems.
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
