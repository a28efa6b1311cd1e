//! Images: decode, resize, encode again.
//!
//! - I1: files and pixels are [`Blob`]s. They lie in shared memory and are never copied into a message.
//! - I2: pixels have 8 bits per channel, row by row from the top, without padding, in the file's own colour
//!   space.
//! - I3: an image is turned upright when it is decoded, and its size is that of the upright image.

use facet::Facet;
use rapace::Blob;

/// Decodes, resizes and encodes images.
#[rapace::service]
pub trait Images {
    /// Reads a file's header.
    #[rapace(idempotent)]
    async fn probe(&self, file: Blob) -> Result<ImageInfo, ImageError>;

    /// Decodes a file.
    #[rapace(idempotent)]
    async fn decode(&self, file: Blob) -> Result<Pixels, ImageError>;

    /// Resizes an image to this width.
    #[rapace(idempotent)]
    async fn resize(&self, pixels: Pixels, width: u32) -> Result<Pixels, ImageError>;

    /// Encodes an image.
    #[rapace(idempotent)]
    async fn encode(&self, pixels: Pixels, encoding: Encoding) -> Result<Blob, ImageError>;
}

/// Information about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Facet)]
pub struct ImageInfo {
    /// Its format, detected by content.
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Whether it is animated. Only the first frame is decoded.
    pub animated: bool,
}

/// A format that can be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum ImageFormat {
    /// GIF.
    Gif,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

/// A decoded image.
#[derive(Debug, Clone, PartialEq, Facet)]
pub struct Pixels {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// 1: grey, 2: grey and alpha, 3: RGB, 4: RGBA.
    pub channels: u8,
    /// `width × height × channels` bytes.
    pub data: Blob,
}

/// How to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum Encoding {
    /// JPEG, for photographs. Alpha is dropped.
    Jpeg {
        /// 1 to 100.
        quality: u8,
    },
    /// PNG, lossless.
    Png,
    /// WebP, lossless.
    WebP,
}

/// Why an image could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum ImageError {
    /// The file has none of the formats of [`ImageFormat`].
    Unrecognised,
    /// The file starts like an image, but cannot be decoded.
    Damaged {
        /// The decoder's error.
        reason: String,
    },
    /// The pixels would take more than [`PIXEL_LIMIT`] bytes.
    TooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The pixel data does not match the given size.
    BadPixels {
        /// The mismatch.
        reason: String,
    },
}

/// The most bytes that one image's pixels may take: 64 MiB, 16 million pixels with alpha. A small file can claim
/// to hold far more.
pub const PIXEL_LIMIT: u64 = 64 << 20;

impl std::fmt::Display for ImageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unrecognised => f.write_str("not a GIF, JPEG, PNG or WebP image"),
            Self::Damaged { reason } => write!(f, "damaged: {reason}"),
            Self::TooLarge { width, height } => write!(
                f,
                "{width} × {height} pixels take more than {} MiB: make it smaller",
                PIXEL_LIMIT >> 20
            ),
            Self::BadPixels { reason } => write!(f, "the pixels do not fit: {reason}"),
        }
    }
}

impl std::error::Error for ImageError {}
