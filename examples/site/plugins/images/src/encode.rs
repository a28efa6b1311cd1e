//! Encodes pixels as files.
//!
//! - E1: the same pixels yield the same file, byte for byte.

use std::borrow::Cow;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder};
use site_api::images::{Encoding, ImageError};

use crate::source::Layout;

/// Encodes an image.
///
/// # Errors
/// [`ImageError::BadPixels`] if the pixels do not fit the layout, or the format cannot hold them.
pub fn encode(pixels: &[u8], layout: Layout, encoding: Encoding) -> Result<Vec<u8>, ImageError> {
    if pixels.len() as u64 != layout.bytes() {
        let reason = format!("{} bytes for {layout:?}", pixels.len());
        return Err(ImageError::BadPixels { reason });
    }
    let (pixels, channels) = match encoding {
        Encoding::Jpeg { .. } => without_alpha(pixels, layout.channels),
        Encoding::Png | Encoding::WebP => (Cow::Borrowed(pixels), layout.channels),
    };
    let color = match channels {
        1 => ExtendedColorType::L8,
        2 => ExtendedColorType::La8,
        3 => ExtendedColorType::Rgb8,
        4 => ExtendedColorType::Rgba8,
        other => {
            return Err(ImageError::BadPixels {
                reason: format!("{other} channels"),
            });
        }
    };
    let mut file = Vec::new();
    let (width, height) = (layout.width, layout.height);
    match encoding {
        Encoding::Jpeg { quality } => {
            JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))
                .write_image(&pixels, width, height, color)
        }
        Encoding::Png => {
            PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive)
                .write_image(&pixels, width, height, color)
        }
        Encoding::WebP => {
            WebPEncoder::new_lossless(&mut file).write_image(&pixels, width, height, color)
        }
    }
    .map_err(|error| ImageError::BadPixels {
        reason: error.to_string(),
    })?;
    Ok(file)
}

/// Drops alpha, which JPEG does not support; a photograph's alpha is opaque in practice.
fn without_alpha(pixels: &[u8], channels: u8) -> (Cow<'_, [u8]>, u8) {
    let kept = match channels {
        2 => 1,
        4 => 3,
        _ => return (Cow::Borrowed(pixels), channels),
    };
    let opaque = pixels
        .chunks_exact(usize::from(channels))
        .flat_map(|pixel| &pixel[..kept])
        .copied()
        .collect();
    (Cow::Owned(opaque), channels - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn lossless_formats_give_the_pixels_back() {
        for encoding in [Encoding::Png, Encoding::WebP] {
            for channels in [3u8, 4] {
                let layout = Layout {
                    width: 5,
                    height: 3,
                    channels,
                };
                // Alpha stays above zero: WebP may drop the colour of transparent pixels.
                let pixels: Vec<u8> = (0..layout.bytes()).map(|n| (n * 3 + 40) as u8).collect();
                let file = encode(&pixels, layout, encoding).expect("pixels that fit");
                let source = Source::open(&file).expect("a good file");
                assert_eq!(source.layout(), layout, "{encoding:?}");
                let mut decoded = vec![0; pixels.len()];
                source.read_into(&mut decoded).expect("a good file");
                assert_eq!(decoded, pixels, "{encoding:?}");
            }
        }
    }

    #[test]
    fn jpeg_drops_alpha_and_keeps_the_colours() {
        let layout = Layout {
            width: 16,
            height: 16,
            channels: 4,
        };
        let pixels = [200, 100, 50, 255].repeat(256);
        let file =
            encode(&pixels, layout, Encoding::Jpeg { quality: 90 }).expect("pixels that fit");
        let source = Source::open(&file).expect("a good file");
        assert_eq!(source.layout().channels, 3);
        let mut decoded = vec![0; 768];
        source.read_into(&mut decoded).expect("a good file");
        for (value, original) in decoded.iter().zip([200u8, 100, 50].iter().cycle()) {
            assert!(value.abs_diff(*original) < 6);
        }
    }

    #[test]
    fn pixels_that_do_not_fit_are_refused() {
        let layout = Layout {
            width: 2,
            height: 2,
            channels: 3,
        };
        let error = encode(&[0; 11], layout, Encoding::Png).unwrap_err();
        assert!(matches!(error, ImageError::BadPixels { .. }));
    }
}
