//! Makes images in the sizes that browsers choose from.
//!
//! - PI1: images that are large enough and not animated are resized; all others are copied unchanged.
//! - PI2: a smaller version that takes more bytes than the original is dropped.
//! - PI3: pixels travel between plugin and host as blobs, without copies.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use rapace::Blob;
use site_api::images::{Encoding, ImageError, ImageFormat, ImageInfo, Pixels};

use crate::content::{Content, OWN_FOLDER};
use crate::engine::{Engine, Failure, LONGEST};
use crate::error::BuildError;
use crate::output::Output;
use crate::plugin::PluginKind;
use crate::problem::{Problem, ProblemKind};
use crate::template::{Picture, Variant};

/// For a phone, for a large phone or a narrow column, and for a column on a high-resolution screen.
const WIDTHS: [u32; 3] = [480, 960, 1440];

/// How many images are processed at once: the pixels of each take tens of megabytes.
const AT_ONCE: usize = 2;

/// The JPEG quality of photographs: visually lossless.
const QUALITY: u8 = 82;

/// An image that can be resized.
pub(super) struct Raster {
    path: String,
    info: ImageInfo,
    widths: Vec<u32>,
}

/// The outcome for all images.
pub(super) struct Pictures {
    pub(super) by_path: BTreeMap<String, Picture>,
    /// Drawings for a white background.
    pub(super) papers: BTreeSet<String>,
    pub(super) problems: Vec<Problem>,
}

/// Whether a file is an image, by its name.
pub(super) fn is_image(path: &str) -> bool {
    is_raster(path) || ends_in(path, &["svg", "avif", "ico"])
}

/// Whether a file is an image that can be decoded, by its name.
pub(super) fn is_raster(path: &str) -> bool {
    ends_in(path, &["png", "jpg", "jpeg", "gif", "webp"])
}

fn ends_in(path: &str, endings: &[&str]) -> bool {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    endings
        .iter()
        .any(|known| ending.eq_ignore_ascii_case(known))
}

/// Returns the drawings without a dark variant.
fn papers(content: &Content) -> BTreeSet<String> {
    let knows_no_dark = |path: &&String| match std::fs::read_to_string(content.root.join(path)) {
        Ok(drawing) => !drawing.contains("prefers-color-scheme"),
        // Copying it will report the error.
        Err(_) => false,
    };
    content
        .files
        .iter()
        .filter(|path| ends_in(path, &["svg"]))
        .filter(knows_no_dark)
        .cloned()
        .collect()
}

/// Reads the headers of all images.
pub(super) async fn look(
    engine: &Engine,
    content: &Content,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Raster>, BuildError> {
    let looks: Vec<_> = stream::iter(content.files.iter().filter(|path| is_raster(path)))
        .map(|path| look_at(engine, content, path))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut rasters = Vec::new();
    for look in looks {
        match look {
            Ok(raster) => rasters.push(raster),
            Err(problem) => problems.push(problem),
        }
    }
    Ok(rasters)
}

async fn look_at(
    engine: &Engine,
    content: &Content,
    path: &str,
) -> Result<Result<Raster, Problem>, BuildError> {
    let file = match load(engine, content, path).await {
        Ok(file) => file,
        Err(problem) => return Ok(Err(problem)),
    };
    let images = &engine.services().images;
    let probe = || images.probe(file.clone()).timeout(LONGEST).into_future();
    match engine.ask(PluginKind::Images, probe).await {
        Ok(info) => Ok(Ok(Raster {
            path: path.to_owned(),
            info,
            widths: widths(info),
        })),
        Err(failure) => problem_or_error(failure, path).map(Err),
    }
}

/// Reads a file into shared memory.
async fn load(engine: &Engine, content: &Content, path: &str) -> Result<Blob, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::of_file(
            path,
            ProblemKind::LeftOut,
            format!("cannot be read: {error}"),
        )
    };
    let bytes = std::fs::read(content.root.join(path)).map_err(unreadable)?;
    let room = engine.services().images.allocate(bytes.len()).await;
    let mut room = room.map_err(|error| {
        let text = format!("cannot be sent: {error}");
        Problem::of_file(path, ProblemKind::LeftOut, text)
    })?;
    room.copy_from_slice(&bytes);
    Ok(room.freeze())
}

/// Returns the widths to make: clearly below the original's.
fn widths(info: ImageInfo) -> Vec<u32> {
    if info.animated {
        return Vec::new();
    }
    let useful = |width: &u32| u64::from(*width) * 10 <= u64::from(info.width) * 9;
    WIDTHS.into_iter().filter(useful).collect()
}

/// Returns how many calls resizing will take.
pub(super) fn calls(rasters: &[Raster]) -> usize {
    let calls = |raster: &Raster| match raster.widths.len() {
        0 => 0,
        widths => 1 + 2 * widths,
    };
    rasters.iter().map(calls).sum()
}

/// Makes the smaller versions and writes them.
pub(super) async fn make(
    engine: &Engine,
    content: &Content,
    rasters: &[Raster],
    output: &Output,
) -> Result<Pictures, BuildError> {
    let outcomes: Vec<_> = stream::iter(rasters)
        .map(|raster| make_one(engine, content, raster, output))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut pictures = Pictures {
        by_path: BTreeMap::new(),
        papers: papers(content),
        problems: Vec::new(),
    };
    for (raster, outcome) in rasters.iter().zip(outcomes) {
        match outcome {
            Err(problem) => pictures.problems.push(problem),
            Ok(variants) => {
                let picture = Picture {
                    width: raster.info.width,
                    height: raster.info.height,
                    path: raster.path.clone(),
                    variants,
                };
                pictures.by_path.insert(raster.path.clone(), picture);
            }
        }
    }
    Ok(pictures)
}

async fn make_one(
    engine: &Engine,
    content: &Content,
    raster: &Raster,
    output: &Output,
) -> Result<Result<Vec<Variant>, Problem>, BuildError> {
    if raster.widths.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let file = match load(engine, content, &raster.path).await {
        Ok(file) => file,
        Err(problem) => return Ok(Err(problem)),
    };
    match variants(engine, raster, file, output).await {
        Ok(variants) => Ok(Ok(variants)),
        Err(failure) => problem_or_error(failure, &raster.path).map(Err),
    }
}

async fn variants(
    engine: &Engine,
    raster: &Raster,
    file: Blob,
    output: &Output,
) -> Result<Vec<Variant>, Failure<ImageError>> {
    let images = &engine.services().images;
    let original = file.len();
    let decode = || images.decode(file.clone()).timeout(LONGEST).into_future();
    let pixels: Pixels = engine.ask(PluginKind::Images, decode).await?;
    let (encoding, ending) = encoding(raster.info.format, pixels.channels);
    let mut variants = Vec::new();
    for &width in &raster.widths {
        let resize = || {
            images
                .resize(pixels.clone(), width)
                .timeout(LONGEST)
                .into_future()
        };
        let small = engine.ask(PluginKind::Images, resize).await?;
        let encode = || {
            images
                .encode(small.clone(), encoding)
                .timeout(LONGEST)
                .into_future()
        };
        let encoded = engine.ask(PluginKind::Images, encode).await?;
        if encoded.len() < original {
            let path = format!("{OWN_FOLDER}/images/{}-{width}.{ending}", raster.path);
            output.write(&path, &encoded).map_err(Failure::Stopped)?;
            variants.push(Variant { width, path });
        }
    }
    Ok(variants)
}

/// Returns how to encode a resized image: photographs with little loss, drawings and screenshots without loss.
fn encoding(format: ImageFormat, channels: u8) -> (Encoding, &'static str) {
    let has_alpha = channels == 2 || channels == 4;
    match format {
        ImageFormat::Jpeg => (Encoding::Jpeg { quality: QUALITY }, "jpg"),
        ImageFormat::WebP if !has_alpha => (Encoding::Jpeg { quality: QUALITY }, "jpg"),
        ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP => (Encoding::WebP, "webp"),
    }
}

/// Turns an image's fault into a problem for its author; any other failure stops the build.
fn problem_or_error(failure: Failure<ImageError>, path: &str) -> Result<Problem, BuildError> {
    match failure {
        Failure::Refused(error) => {
            let text = format!("{error}; it is copied as it is");
            Ok(Problem::of_file(path, ProblemKind::Image, text))
        }
        Failure::Stopped(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(width: u32, animated: bool) -> ImageInfo {
        ImageInfo {
            format: ImageFormat::Png,
            width,
            height: 10,
            animated,
        }
    }

    #[test]
    fn only_clearly_smaller_widths_are_made_and_none_of_animations() {
        assert_eq!(widths(info(3000, false)), [480, 960, 1440]);
        assert_eq!(widths(info(1067, false)), [480, 960]);
        assert_eq!(widths(info(1066, false)), [480]);
        assert!(widths(info(480, false)).is_empty());
        assert!(widths(info(3000, true)).is_empty());
    }

    #[test]
    fn images_are_told_by_their_names() {
        assert!(is_raster("a/b.PNG") && is_raster("c.jpeg"));
        assert!(is_image("d.svg") && !is_raster("d.svg"));
        assert!(!is_image("png") && !is_image("e.txt"));
    }
}
