//! The service.
//!
//! - SE1: the work is done on a blocking thread, so that a large image does not stop the process's heartbeat.
//! - SE2: pixels are written directly into a buffer of the session, where the caller reads them.

use rapace::{Blob, BlobMut};
use site_api::images::{Encoding, ImageError, ImageInfo, Images, PIXEL_LIMIT, Pixels};

use crate::encode::encode;
use crate::resize::{resize, resized_height};
use crate::source::{Layout, Source};

/// Processes images, one at a time.
#[derive(Debug, Clone, Copy)]
pub struct ImageWorks;

impl Images for ImageWorks {
    async fn probe(&self, file: Blob) -> Result<ImageInfo, ImageError> {
        beside(move || Source::open(&file)?.info()).await
    }

    async fn decode(&self, file: Blob) -> Result<Pixels, ImageError> {
        let layout = Source::open(&file)?.checked_layout()?;
        let mut room = room(layout).await?;
        let data = beside(move || {
            Source::open(&file)?.read_into(&mut room)?;
            Ok(room.freeze())
        })
        .await?;
        Ok(pixels(layout, data))
    }

    async fn resize(&self, given: Pixels, width: u32) -> Result<Pixels, ImageError> {
        let layout = layout(&given);
        let target = Layout {
            width,
            height: resized_height(layout, width),
            channels: layout.channels,
        };
        if target.bytes() > PIXEL_LIMIT {
            return Err(ImageError::TooLarge {
                width: target.width,
                height: target.height,
            });
        }
        let mut room = room(target).await?;
        let data = beside(move || {
            resize(&given.data, layout, &mut room, target)?;
            Ok(room.freeze())
        })
        .await?;
        Ok(pixels(target, data))
    }

    async fn encode(&self, given: Pixels, encoding: Encoding) -> Result<Blob, ImageError> {
        let (width, height) = (given.width, given.height);
        let file = beside(move || encode(&given.data, layout(&given), encoding)).await?;
        let room = rapace::allocate(file.len()).await;
        let mut room = room.map_err(|_| ImageError::TooLarge { width, height })?;
        room.copy_from_slice(&file);
        Ok(room.freeze())
    }
}

async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    rapace::blocking(work).await
}

/// Allocates a buffer for pixels that are within the limit.
async fn room(layout: Layout) -> Result<BlobMut, ImageError> {
    let len = usize::try_from(layout.bytes()).unwrap_or(usize::MAX);
    let room = rapace::allocate(len).await;
    room.map_err(|_| ImageError::TooLarge {
        width: layout.width,
        height: layout.height,
    })
}

fn layout(pixels: &Pixels) -> Layout {
    Layout {
        width: pixels.width,
        height: pixels.height,
        channels: pixels.channels,
    }
}

fn pixels(layout: Layout, data: Blob) -> Pixels {
    Pixels {
        width: layout.width,
        height: layout.height,
        channels: layout.channels,
        data,
    }
}
