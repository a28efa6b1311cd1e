//! Images: decode, resize, encode again.
//!
//! - I1: files and pixels are [`Blob`]s. They lie in shared memory and are never copied into a message.
//! - I2: pixels are 8 bits a channel, row by row from the top, without padding, in the file's own colours.
//! - I3: an image is turned upright when it is decoded, and its size is that of the upright image.

use facet::Facet;
use rapace::Blob;

/// Works on images.
#[rapace::service]
pub trait Images {
    /// What a file is, by its header.
    #[rapace(idempotent)]
    async fn probe(&self, file: Blob) -> Result<ImageInfo, ImageError>;

    /// The pixels of a file.
    #[rapace(idempotent)]
    async fn decode(&self, file: Blob) -> Result<Pixels, ImageError>;

    /// The same image, `width` pixels wide.
    #[rapace(idempotent)]
    async fn resize(&self, pixels: Pixels, width: u32) -> Result<Pixels, ImageError>;

    /// A file.
    #[rapace(idempotent)]
    async fn encode(&self, pixels: Pixels, encoding: Encoding) -> Result<Blob, ImageError>;
}

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Facet)]
pub struct ImageInfo {
    /// Its format, by its content.
    pub format: ImageFormat,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Whether it moves. Only its first frame would be decoded.
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
    /// 1: grey, 2: grey and alpha, 3: red, green, blue, 4: these and alpha.
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
    /// PNG, without loss.
    Png,
    /// WebP, without loss.
    WebP,
}

/// Why an image could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq, Facet)]
#[repr(u8)]
pub enum ImageError {
    /// The file is of none of the formats of [`ImageFormat`].
    Unrecognised,
    /// The file starts like an image and goes on like none.
    Damaged {
        /// What the decoder says.
        reason: String,
    },
    /// The pixels would take more than [`PIXEL_LIMIT`] bytes.
    TooLarge {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
    /// The pixels given do not fit the size given.
    BadPixels {
        /// What does not fit.
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
