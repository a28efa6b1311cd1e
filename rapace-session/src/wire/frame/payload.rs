//! The payload of a frame.

use std::fmt;
use std::sync::Arc;

use rapace_codec::Blob;

/// Most payload bytes that a frame carries inline.
pub const INLINE_MAX: usize = rapace_shm::INLINE_MAX;

/// The payload of a frame.
#[derive(Clone, Debug)]
pub enum Payload {
    /// The bytes lie in the frame itself (FR2).
    Inline {
        /// How many of `bytes` are used.
        len: u8,
        /// The bytes.
        bytes: [u8; INLINE_MAX],
    },
    /// The bytes lie in a buffer of the transport.
    Buffer(Blob),
    /// Bytes, or attached buffers, travel ahead of the frame. A received payload is never this.
    Fragmented(Arc<Fragmented>),
}

impl Payload {
    /// The empty payload.
    pub const EMPTY: Self = Self::Inline {
        len: 0,
        bytes: [0; INLINE_MAX],
    };

    /// Returns `bytes` as an inline payload, or `None` when they do not fit.
    #[must_use]
    pub fn inline(bytes: &[u8]) -> Option<Self> {
        let mut held = [0; INLINE_MAX];
        held.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(Self::Inline {
            len: u8::try_from(bytes.len()).ok()?,
            bytes: held,
        })
    }

    /// The bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Self::Buffer(blob) => blob,
            Self::Fragmented(parts) => parts.bytes(),
        }
    }
}

/// A payload of which parts travel ahead of its frame, in fragments. Dropping it before its frame is
/// sent tells the receiver that no frame will take them.
pub struct Fragmented {
    /// The payload as its receiver will have it.
    pub(crate) whole: Payload,
    /// What its frame carries instead, and the buffers that lie in slots.
    pub(crate) sent: Payload,
    pub(crate) in_slots: Vec<Blob>,
    /// Drops the transfers, unless a frame took them.
    pub(crate) transfers: Box<dyn OpenTransfers>,
}

/// The transfers of one payload. Dropping them tells the receiver that no frame will take them.
pub(crate) trait OpenTransfers: Send + Sync {
    /// Sends the frame that takes them, with `send`, which returns whether it was sent. Does not call
    /// it if they were revoked meanwhile.
    fn send_frame(&self, send: &mut dyn FnMut() -> bool);
}

impl Fragmented {
    #[cold]
    fn bytes(&self) -> &[u8] {
        self.whole.bytes()
    }

    /// Whether the payload itself travels in fragments.
    pub(crate) fn is_whole(&self) -> bool {
        self.sent.bytes().len() != self.whole.bytes().len()
    }
}

impl fmt::Debug for Fragmented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fragmented")
            .field("len", &self.whole.bytes().len())
            .finish_non_exhaustive()
    }
}
