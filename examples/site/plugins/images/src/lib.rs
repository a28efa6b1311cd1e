//! Decoding, resizing and encoding of images, for the site builder.
//!
//! The functions write into the caller's buffer, so that pixels are produced where the host will read them.

mod encode;
mod resize;
mod service;
mod source;

pub use encode::encode;
pub use resize::{resize, resized_height};
pub use service::ImageWorks;
pub use source::{Layout, Source};
