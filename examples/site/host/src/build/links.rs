//! Finds broken links.

use std::collections::HashMap;
use std::sync::Arc;

use site_api::links::{Link, LinkProblem, LinkedPage};
use site_api::markdown::{Part, RenderedPage};

use crate::content::{INDEX, Page};
use crate::engine::{Engine, Failure};
use crate::error::BuildError;
use crate::path::folder;
use crate::plugin::PluginKind;
use crate::problem::{Problem, ProblemKind};
use crate::site::Site;

/// Returns the pages with their links and images.
pub(super) fn pages(site: &Site) -> Arc<[LinkedPage]> {
    site.pages()
        .map(|(page, rendered)| LinkedPage {
            path: page.output.clone(),
            anchors: rendered.anchors.clone(),
            links: links(rendered),
        })
        .chain(copied_index(site))
        .collect()
}

fn links(rendered: &RenderedPage) -> Vec<Link> {
    let images = rendered.parts.iter().filter_map(|part| match part {
        Part::Image(image) => Some(Link {
            target: image.source.clone(),
            written: None,
            line: image.line,
        }),
        Part::Html(_) | Part::Code(_) => None,
    });
    rendered.links.iter().cloned().chain(images).collect()
}

/// Returns the first page under its second path: it can be linked to, but its own links are checked already.
fn copied_index(site: &Site) -> Option<LinkedPage> {
    let first = site.first().filter(|_| !site.content.has_index())?;
    let is_copy = folder(&site.content.pages[first].output).is_empty();
    Some(LinkedPage {
        path: INDEX.to_owned(),
        anchors: if is_copy {
            site.rendered[first].anchors.clone()
        } else {
            Vec::new()
        },
        links: Vec::new(),
    })
}

/// Checks the pages' links.
pub(super) async fn check(
    engine: &Engine,
    site: &Site,
    pages: Arc<[LinkedPage]>,
) -> Result<Vec<Problem>, BuildError> {
    let files: Vec<String> = pages
        .iter()
        .map(|page| page.path.clone())
        .chain(site.content.files.iter().cloned())
        .collect();
    let service = &engine.services().links;
    let open = |pages| service.check(files.clone(), pages).into_future();
    match engine.stream(PluginKind::Links, pages, open).await {
        Ok(broken) => {
            let by_output: HashMap<&str, &Page> = site
                .content
                .pages
                .iter()
                .map(|page| (page.output.as_str(), page))
                .collect();
            Ok(broken
                .iter()
                .map(|link| problem(link, &by_output))
                .collect())
        }
        Err(Failure::Stopped(error)) => Err(error),
        // The file names come from the host, so this is not the content's fault.
        Err(Failure::Refused(error)) => Err(BuildError::Plugin {
            name: PluginKind::Links.name(),
            reason: error.to_string(),
        }),
    }
}

fn problem(link: &LinkProblem, by_output: &HashMap<&str, &Page>) -> Problem {
    let mut text = format!("`{}`: {}", link.target, link.fault);
    if let Some(suggestion) = &link.suggestion {
        text.push_str(&format!("; is `{suggestion}` meant?"));
    }
    match by_output.get(link.page.as_str()) {
        Some(page) => Problem::of_line(
            &page.path,
            page.file_line(link.line),
            ProblemKind::Link,
            text,
        ),
        None => Problem::of_line(&link.page, link.line, ProblemKind::Link, text),
    }
}
