//! Why there is no buffer of a length.

use rapace_codec::BlobMut;

/// Why there is no buffer of a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BufferError {
    /// The buffer could not be sent: no slot of the session is so large.
    #[error(
        "a buffer of {len} bytes is over the session's limit of {max}, its largest slot: send the bytes in parts, as a \
         stream, or configure a larger size class"
    )]
    TooLarge {
        /// The bytes that were asked for.
        len: usize,
        /// The most that a buffer of the session can have.
        max: usize,
    },
    /// This process has no memory for the buffer.
    #[error("there is no memory for a buffer of {len} bytes: send the bytes in parts, as a stream")]
    OutOfMemory {
        /// The bytes that were asked for.
        len: usize,
    },
}

impl BufferError {
    /// A buffer outside of any session.
    pub(crate) fn on_the_heap(len: usize) -> Result<BlobMut, Self> {
        BlobMut::try_zeroed(len).map_err(|_| Self::OutOfMemory { len })
    }
}
