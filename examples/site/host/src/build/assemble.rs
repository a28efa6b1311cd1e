//! Assembles parts into pages, and writes all files.
//!
//! - A1: a site without a page called `index.html` opens with its first page.

use site_api::highlight::Highlighted;
use site_api::markdown::{Image, Part};
use site_api::search::IndexChunk;

use crate::assets::{FILES, chunk_list, chunk_name};
use crate::content::{INDEX, OWN_FOLDER};
use crate::error::BuildError;
use crate::output::Output;
use crate::path::{folder, resolve, to_root};
use crate::site::Site;
use crate::template::{self, Known, Shown};

use super::pictures::Pictures;

/// Writes the site. The `blocks` are those of all pages, in order.
pub(super) fn write(
    site: &Site,
    blocks: Vec<Option<Highlighted>>,
    pictures: &Pictures,
    chunks: &[IndexChunk],
    output: &Output,
) -> Result<(), BuildError> {
    let mut blocks = blocks.into_iter();
    let first = site.first().filter(|_| !site.content.has_index());
    for at in 0..site.rendered.len() {
        let body = body(site, at, &mut blocks, pictures);
        let path = &site.content.pages[at].output;
        output.write(path, shown(site, at, path, &body).as_bytes())?;
        if first == Some(at) {
            // Relative links of a page in a folder would break at the root.
            let index = if folder(path).is_empty() {
                shown(site, at, INDEX, &body)
            } else {
                template::redirect(path)
            };
            output.write(INDEX, index.as_bytes())?;
        }
    }
    for (name, text) in FILES {
        output.write(&format!("{OWN_FOLDER}/{name}"), text.as_bytes())?;
    }
    for chunk in chunks {
        output.write(
            &format!("{OWN_FOLDER}/{}", chunk_name(chunk.number)),
            chunk.script.as_bytes(),
        )?;
    }
    let list = chunk_list(chunks.iter().map(|chunk| chunk.number));
    output.write(&format!("{OWN_FOLDER}/search/chunks.js"), list.as_bytes())?;
    for file in &site.content.files {
        output.copy(&site.content.root.join(file), file)?;
    }
    Ok(())
}

fn shown(site: &Site, page: usize, output: &str, body: &str) -> String {
    template::page(&Shown {
        site,
        page,
        output,
        body,
    })
}

/// Returns a page's body, with its placeholders filled.
fn body(
    site: &Site,
    at: usize,
    blocks: &mut impl Iterator<Item = Option<Highlighted>>,
    pictures: &Pictures,
) -> String {
    let page = &site.content.pages[at];
    let root = to_root(&page.output);
    let mut html = String::new();
    for part in &site.rendered[at].parts {
        match part {
            Part::Html(text) => html.push_str(text),
            Part::Code(block) => {
                html.push_str(&template::code(block, blocks.next().flatten().as_ref()))
            }
            Part::Image(image) => {
                let known = find(&page.path, image, pictures);
                html.push_str(&template::picture(image, known, &root));
            }
        }
    }
    html
}

/// Returns what is known of an image on a page.
fn find<'a>(page: &str, image: &Image, pictures: &'a Pictures) -> Known<'a> {
    let path = image.source.split(['?', '#']).next().unwrap_or_default();
    let plain = path.replace("%20", " ");
    let Some(path) = resolve(page, &plain) else {
        return Known::Nothing;
    };
    match pictures.by_path.get(&path) {
        Some(picture) => Known::Picture(picture),
        None if pictures.papers.contains(&path) => Known::Paper,
        None => Known::Nothing,
    }
}
