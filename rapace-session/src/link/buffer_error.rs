//! Why an allocation of a buffer failed.

use rapace_codec::BlobMut;

use crate::link::payload_error::no_slot;

/// Why an allocation of a buffer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BufferError {
    /// The buffer could not be sent, because no slot of the session is that large.
    #[error(
        "a buffer of {len} bytes is over the session's limit of {max}, its largest slot: send the bytes in parts, as a \
         stream, or configure a larger size class"
    )]
    TooLarge {
        /// The length that was requested, in bytes.
        len: usize,
        /// The largest length that the session can send, in bytes.
        max: usize,
    },
    /// No slot is free, and the segment is configured to fail then ([`OnExhaustion::Fail`](rapace_shm::OnExhaustion::Fail)).
    #[error("{}", no_slot(*len))]
    NoSlot {
        /// The length that was requested, in bytes.
        len: usize,
    },
    /// The process is out of memory.
    #[error("there is no memory for a buffer of {len} bytes: send the bytes in parts, as a stream")]
    OutOfMemory {
        /// The length that was requested, in bytes.
        len: usize,
    },
}

impl BufferError {
    /// Allocates a buffer on the heap, outside any session.
    pub(crate) fn on_the_heap(len: usize) -> Result<BlobMut, Self> {
        BlobMut::try_zeroed(len).map_err(|_| Self::OutOfMemory { len })
    }
}
