//! Resizes images.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use site_api::images::ImageError;

use crate::source::Layout;

/// Returns the height that keeps the proportions at `width`: at least one pixel.
#[must_use]
pub fn resized_height(layout: Layout, width: u32) -> u32 {
    let exact = u64::from(layout.height) * u64::from(width);
    let rounded = (exact + u64::from(layout.width) / 2) / u64::from(layout.width.max(1));
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

/// Resizes `from` into `to` with a filter that keeps edges sharp, without bleeding of transparent pixels.
///
/// # Errors
/// [`ImageError::BadPixels`] if a buffer does not fit its layout, or the two layouts do not match.
pub fn resize(
    from: &[u8],
    layout: Layout,
    to: &mut [u8],
    target: Layout,
) -> Result<(), ImageError> {
    let kind = match layout.channels {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        4 => PixelType::U8x4,
        other => return Err(bad(format!("{other} channels"))),
    };
    if target.channels != layout.channels {
        return Err(bad(format!(
            "{} channels into {}",
            layout.channels, target.channels
        )));
    }
    let from = ImageRef::new(layout.width, layout.height, from, kind)
        .map_err(|error| bad(error.to_string()))?;
    let mut to = Image::from_slice_u8(target.width, target.height, to, kind)
        .map_err(|error| bad(error.to_string()))?;
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(matches!(layout.channels, 2 | 4));
    Resizer::new()
        .resize(&from, &mut to, &options)
        .map_err(|error| bad(error.to_string()))
}

fn bad(reason: String) -> ImageError {
    ImageError::BadPixels { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(width: u32, height: u32, channels: u8) -> Layout {
        Layout {
            width,
            height,
            channels,
        }
    }

    #[test]
    fn proportions_are_kept_and_nothing_vanishes() {
        assert_eq!(resized_height(layout(3000, 1500, 3), 480), 240);
        assert_eq!(resized_height(layout(3013, 1561, 4), 480), 249);
        assert_eq!(resized_height(layout(4000, 1, 3), 480), 1);
    }

    #[test]
    fn an_even_colour_stays_what_it_is() {
        for channels in 1..=4u8 {
            let from = vec![200; 64 * 32 * usize::from(channels)];
            let mut to = vec![0; 16 * 8 * usize::from(channels)];
            resize(
                &from,
                layout(64, 32, channels),
                &mut to,
                layout(16, 8, channels),
            )
            .expect("buffers that fit");
            assert!(
                to.iter().all(|&value| value.abs_diff(200) <= 1),
                "{channels} channels"
            );
        }
    }

    #[test]
    fn transparent_pixels_do_not_bleed_into_their_neighbours() {
        // Opaque white beside transparent black: the edge stays white and loses alpha only.
        let from: Vec<u8> = (0..64)
            .flat_map(|x| if x % 8 < 4 { [255; 4] } else { [0; 4] })
            .collect();
        let mut to = vec![0; 4 * 4 * 4];
        resize(&from, layout(8, 8, 4), &mut to, layout(4, 4, 4)).expect("buffers that fit");
        for pixel in to.chunks(4).filter(|pixel| pixel[3] > 32) {
            assert!(pixel[0] > 245, "{pixel:?}");
        }
    }

    #[test]
    fn a_buffer_of_the_wrong_length_is_refused() {
        let mut to = [0; 3];
        let error = resize(&[0; 11], layout(2, 2, 3), &mut to, layout(1, 1, 3)).unwrap_err();
        assert!(matches!(error, ImageError::BadPixels { .. }));
    }
}
