//! An opened image file.
//!
//! - SO1: nothing is allocated by a size that a file claims before that size was checked against the limit.
//! - SO2: the size is that of the upright image (`I3` of [`site_api::images`]).
//! - SO3: 8-bit files are decoded directly into the caller's buffer; others are converted.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{AnimationDecoder, ColorType, DynamicImage, ImageDecoder, ImageResult};
use site_api::images::{ImageError, ImageFormat, ImageInfo, PIXEL_LIMIT};

/// The layout of an image's pixels in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// 1 to 4.
    pub channels: u8,
}

impl Layout {
    /// Returns the size in bytes.
    #[must_use]
    pub fn bytes(self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * u64::from(self.channels)
    }
}

/// A file whose header was read.
pub struct Source<'a> {
    file: &'a [u8],
    format: ImageFormat,
    decoder: Box<dyn ImageDecoder + 'a>,
    orientation: Orientation,
}

impl<'a> Source<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ImageError::Unrecognised`] or [`ImageError::Damaged`].
    pub fn open(file: &'a [u8]) -> Result<Self, ImageError> {
        let format = recognise(file).ok_or(ImageError::Unrecognised)?;
        let mut decoder = decoder(file, format).map_err(damaged)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        Ok(Self {
            file,
            format,
            decoder,
            orientation,
        })
    }

    /// Returns information about the file.
    ///
    /// # Errors
    /// [`ImageError::Damaged`] if the frames of a GIF cannot be read.
    pub fn info(&self) -> Result<ImageInfo, ImageError> {
        let Layout { width, height, .. } = self.layout();
        Ok(ImageInfo {
            format: self.format,
            width,
            height,
            animated: self.animated().map_err(damaged)?,
        })
    }

    /// Returns the layout of its decoded pixels.
    #[must_use]
    pub fn layout(&self) -> Layout {
        let (width, height) = self.decoder.dimensions();
        let (width, height) = if on_its_side(self.orientation) {
            (height, width)
        } else {
            (width, height)
        };
        let channels = self.decoder.color_type().channel_count();
        Layout {
            width,
            height,
            channels,
        }
    }

    /// Returns the layout, if it is within the limit.
    ///
    /// # Errors
    /// [`ImageError::TooLarge`].
    pub fn checked_layout(&self) -> Result<Layout, ImageError> {
        let layout = self.layout();
        if layout.bytes() > PIXEL_LIMIT {
            return Err(ImageError::TooLarge {
                width: layout.width,
                height: layout.height,
            });
        }
        Ok(layout)
    }

    /// Decodes into `pixels`, which must be as long as the layout says.
    ///
    /// # Errors
    /// [`ImageError::TooLarge`], [`ImageError::Damaged`], or [`ImageError::BadPixels`] if the buffer has
    /// another length.
    pub fn read_into(self, pixels: &mut [u8]) -> Result<(), ImageError> {
        let layout = self.checked_layout()?;
        if pixels.len() as u64 != layout.bytes() {
            let reason = format!("{} bytes of room for {}", pixels.len(), layout.bytes());
            return Err(ImageError::BadPixels { reason });
        }
        let eight_bit = matches!(
            self.decoder.color_type(),
            ColorType::L8 | ColorType::La8 | ColorType::Rgb8 | ColorType::Rgba8
        );
        if eight_bit && self.orientation == Orientation::NoTransforms {
            return self.decoder.read_image(pixels).map_err(damaged);
        }
        let mut image = DynamicImage::from_decoder(self.decoder).map_err(damaged)?;
        image.apply_orientation(self.orientation);
        let converted = match layout.channels {
            1 => image.into_luma8().into_raw(),
            2 => image.into_luma_alpha8().into_raw(),
            3 => image.into_rgb8().into_raw(),
            _ => image.into_rgba8().into_raw(),
        };
        pixels.copy_from_slice(&converted);
        Ok(())
    }

    fn animated(&self) -> ImageResult<bool> {
        let file = Cursor::new(self.file);
        match self.format {
            ImageFormat::Jpeg => Ok(false),
            ImageFormat::Png => PngDecoder::new(file)?.is_apng(),
            ImageFormat::WebP => Ok(WebPDecoder::new(file)?.has_animation()),
            ImageFormat::Gif => {
                let first_two = GifDecoder::new(file)?.into_frames().take(2);
                Ok(first_two.collect::<ImageResult<Vec<_>>>()?.len() > 1)
            }
        }
    }
}

fn recognise(file: &[u8]) -> Option<ImageFormat> {
    match image::guess_format(file).ok()? {
        image::ImageFormat::Gif => Some(ImageFormat::Gif),
        image::ImageFormat::Jpeg => Some(ImageFormat::Jpeg),
        image::ImageFormat::Png => Some(ImageFormat::Png),
        image::ImageFormat::WebP => Some(ImageFormat::WebP),
        _ => None,
    }
}

fn decoder(file: &[u8], format: ImageFormat) -> ImageResult<Box<dyn ImageDecoder + '_>> {
    let file = Cursor::new(file);
    Ok(match format {
        ImageFormat::Gif => Box::new(GifDecoder::new(file)?),
        ImageFormat::Jpeg => Box::new(JpegDecoder::new(file)?),
        ImageFormat::Png => Box::new(PngDecoder::new(file)?),
        ImageFormat::WebP => Box::new(WebPDecoder::new(file)?),
    })
}

fn on_its_side(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn damaged(error: image::ImageError) -> ImageError {
    ImageError::Damaged {
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder, codecs};

    use super::*;

    fn png(width: u32, height: u32, pixels: &[u8], color: ExtendedColorType) -> Vec<u8> {
        let mut file = Vec::new();
        codecs::png::PngEncoder::new(&mut file)
            .write_image(pixels, width, height, color)
            .expect("a PNG");
        file
    }

    fn decode(file: &[u8]) -> Result<(Layout, Vec<u8>), ImageError> {
        let source = Source::open(file)?;
        let layout = source.checked_layout()?;
        let mut pixels = vec![0; layout.bytes() as usize];
        source.read_into(&mut pixels)?;
        Ok((layout, pixels))
    }

    #[test]
    fn pixels_come_out_as_they_went_in() {
        let colors = [
            ExtendedColorType::L8,
            ExtendedColorType::La8,
            ExtendedColorType::Rgb8,
            ExtendedColorType::Rgba8,
        ];
        for (channels, color) in (1u8..).zip(colors) {
            let pixels: Vec<u8> = (0..6 * channels).map(|n| n * 10).collect();
            let (layout, decoded) = decode(&png(3, 2, &pixels, color)).expect("a good file");
            assert_eq!(
                layout,
                Layout {
                    width: 3,
                    height: 2,
                    channels
                }
            );
            assert_eq!(decoded, pixels);
        }
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let file = png(
            1,
            1,
            &[0xff, 0xff, 0x80, 0x80, 0, 0],
            ExtendedColorType::Rgb16,
        );
        let (layout, decoded) = decode(&file).expect("a good file");
        assert_eq!((layout.channels, decoded), (3, vec![255, 128, 0]));
    }

    #[test]
    fn formats_are_told_by_content() {
        let mut file = Vec::new();
        codecs::jpeg::JpegEncoder::new(&mut file)
            .encode(&[9; 12], 2, 2, ExtendedColorType::Rgb8)
            .expect("a JPEG");
        let info = Source::open(&file)
            .and_then(|source| source.info())
            .expect("a good file");
        assert_eq!(
            info,
            ImageInfo {
                format: ImageFormat::Jpeg,
                width: 2,
                height: 2,
                animated: false
            }
        );
    }

    #[test]
    fn a_gif_of_two_frames_is_animated_and_of_one_is_not() {
        for frames in [1, 2] {
            let mut file = Vec::new();
            let mut encoder = codecs::gif::GifEncoder::new(&mut file);
            let picture = image::Frame::new(image::RgbaImage::new(2, 2));
            encoder.encode_frames(vec![picture; frames]).expect("a GIF");
            drop(encoder);
            let info = Source::open(&file)
                .and_then(|source| source.info())
                .expect("a good file");
            assert_eq!(info.animated, frames > 1);
        }
    }

    #[test]
    fn what_is_no_image_is_told_from_a_damaged_one() {
        assert_eq!(decode(b"hello").unwrap_err(), ImageError::Unrecognised);
        assert_eq!(decode(b"").unwrap_err(), ImageError::Unrecognised);
        let file = png(8, 8, &[7; 192], ExtendedColorType::Rgb8);
        for length in 8..file.len() - 12 {
            let error = decode(&file[..length]).unwrap_err();
            assert!(
                matches!(error, ImageError::Damaged { .. }),
                "{length} bytes: {error:?}"
            );
        }
    }

    #[test]
    fn a_small_file_that_claims_to_be_huge_is_refused_before_anything_is_allocated() {
        let mut file = png(1, 1, &[0, 0, 0], ExtendedColorType::Rgb8);
        file[16..24].copy_from_slice(&[0, 0, 0x80, 0, 0, 0, 0x80, 0]);
        let sum = crc(&file[12..29]);
        file[29..33].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(
            decode(&file).unwrap_err(),
            ImageError::TooLarge {
                width: 0x8000,
                height: 0x8000
            }
        );
    }

    /// The checksum of a PNG chunk.
    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0u32, |sum, &byte| {
            (0..8).fold(sum ^ u32::from(byte), |sum, _| {
                (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
            })
        })
    }
}
