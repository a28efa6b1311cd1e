//! A frame, the unit that two peers exchange: a header, a payload, and attached buffers.
//!
//! - FR1: every request gets exactly one reply, however the call ends, and its call table entry is
//!   free only after the reply.
//! - FR2: a payload of [`INLINE_MAX`] bytes or less lies in the frame itself.

use std::fmt;

use rapace_codec::Blob;

mod flags;
mod frame_type;
mod payload;

pub use flags::Flags;

pub use frame_type::{FrameType, Status};
pub(crate) use payload::OpenTransfers;
pub use payload::{Fragmented, INLINE_MAX, Payload};

/// The number of a channel in a session. Channel 0 is the session itself. The side that opens a
/// channel chooses its number: the side that created the transport takes odd numbers, the other
/// even ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u32);

impl ChannelId {
    /// The channel of the session's own control frames.
    pub const SESSION: Self = Self(0);
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Identifies a call: an entry of the caller's call table, and which use of the entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CallId {
    /// The index of the entry.
    pub index: u32,
    /// Counts the uses of the entry. Never 0 for a call.
    pub generation: u32,
}

/// The fixed part of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// The action that the receiver takes.
    pub frame_type: FrameType,
    /// Which parts the payload has.
    pub flags: Flags,
    /// The frame's destination.
    pub channel: ChannelId,
    /// Index and generation in the caller's call table.
    pub call: CallId,
    /// The number of the method, the [`Status`] of a reply, or bytes granted.
    pub method: u32,
    /// Credits granted, or a request's remaining time in milliseconds.
    pub credits: u32,
}

impl Header {
    /// Returns a header with a frame type and a channel, and zeroes elsewhere.
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

/// A frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The fixed part.
    pub header: Header,
    /// The bytes.
    pub payload: Payload,
    /// The attached buffers, in the order of the payload's table. Returned buffers, which the table
    /// only names, are not among them.
    pub blobs: Vec<Blob>,
}

impl Frame {
    /// Returns a frame without payload.
    #[must_use]
    pub fn bare(header: Header) -> Self {
        Self {
            header,
            payload: Payload::EMPTY,
            blobs: Vec::new(),
        }
    }

    /// Sends the frame of a payload of which parts travelled ahead, with `send`. `None` if the
    /// transfers were revoked: the payload must be encoded again.
    ///
    /// # Errors
    /// Those of `send`. The transfers are still open then.
    pub(crate) fn send_after_fragments<E>(
        &self,
        parts: &Fragmented,
        send: impl Fn(&Self) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let flags = self.header.flags.and(Flags::FRAGMENTED);
        let flags = match parts.is_whole() {
            true => flags.without(Flags::BLOBS),
            false => flags,
        };
        let frame = Self {
            header: Header {
                flags,
                ..self.header
            },
            payload: parts.sent.clone(),
            blobs: parts.in_slots.clone(),
        };
        let mut sent = None;
        parts.transfers.send_frame(&mut || {
            let result = send(&frame);
            let taken = result.is_ok();
            sent = Some(result);
            taken
        });
        sent
    }

    /// Drops the transfers of a frame that is encoded again, since their part of the window may be what the new ones
    /// need.
    pub(crate) fn give_up_transfers(&mut self) {
        if let Payload::Fragmented(parts) = &self.payload {
            self.payload = parts.whole.clone();
        }
    }

    /// Bytes of the payload and the attached buffers together.
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
