//! What travels between two peers: a header, a payload, and buffers that ride along.
//!
//! - F1: a request is answered by exactly one reply, whatever becomes of it; only then is its call entry free.
//! - F2: a payload of [`INLINE_MAX`] bytes or less lies in the frame itself.

use std::fmt;

use rapace_codec::Blob;

mod flags;
mod frame_type;

pub use flags::Flags;
pub use frame_type::{FrameType, Status};

/// The most payload bytes that a frame carries in itself.
pub const INLINE_MAX: usize = rapace_shm::INLINE_MAX;

/// A channel of a session. 0 is the session itself; the side that opens one chooses the number,
/// odd numbers being the creating side's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

impl ChannelId {
    /// The session's own frames.
    pub const SESSION: Self = Self(0);
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// An entry of the caller's call table, and which use of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CallId {
    /// The entry.
    pub index: u32,
    /// Counts the uses of the entry; never 0 for a call.
    pub generation: u32,
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// What is asked.
    pub frame_type: FrameType,
    /// How the payload begins.
    pub flags: Flags,
    /// Where it goes.
    pub channel: ChannelId,
    /// Which call it is about.
    pub call: CallId,
    /// The method called, or the [`Status`] of a reply.
    pub method: u32,
    /// Credits granted, or a request's time remaining in milliseconds.
    pub credits: u32,
}

impl Header {
    /// A header with nothing but a frame type and a channel.
    #[must_use]
    pub fn new(frame_type: FrameType, channel: ChannelId) -> Self {
        Self {
            frame_type,
            flags: Flags::none(),
            channel,
            call: CallId::default(),
            method: 0,
            credits: 0,
        }
    }
}

/// The bytes of a frame.
#[derive(Clone, Debug)]
pub enum Payload {
    /// In the frame itself (F2).
    Inline {
        /// How many of `bytes` count.
        len: u8,
        /// The bytes.
        bytes: [u8; INLINE_MAX],
    },
    /// In a buffer of the transport's.
    Buffer(Blob),
}

impl Payload {
    /// No bytes.
    pub const EMPTY: Self = Self::Inline {
        len: 0,
        bytes: [0; INLINE_MAX],
    };

    /// `bytes` in the frame itself, or `None` when they do not fit.
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
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or(bytes),
            Self::Buffer(blob) => blob,
        }
    }
}

/// One frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The fixed part.
    pub header: Header,
    /// The bytes.
    pub payload: Payload,
    /// AttachmentAllocator that the payload's table refers to, in its order. Those that it only names are not here.
    pub blobs: Vec<Blob>,
}

impl Frame {
    /// A frame without payload.
    #[must_use]
    pub fn bare(header: Header) -> Self {
        Self {
            header,
            payload: Payload::EMPTY,
            blobs: Vec::new(),
        }
    }

    /// Bytes carried: payload and buffers.
    #[must_use]
    pub fn carried(&self) -> u64 {
        let blobs: usize = self.blobs.iter().map(|blob| blob.len()).sum();
        (self.payload.bytes().len() + blobs) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_payloads_end_at_the_limit() {
        assert_eq!(Payload::inline(&[7; 24]).unwrap().bytes(), &[7; 24]);
        assert!(Payload::inline(&[7; 25]).is_none());
    }
}
