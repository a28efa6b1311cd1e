//! What a frame asks of the side that reads it, and how a reply went.
//!
//! V1: a frame type, a status or a flag that this version does not know is a fault of the peer, never a guess.

use crate::wire::frame::Flags;
use crate::wire::limits::{MAX_NAME, MAX_TEXT};

/// What a frame asks of the side that reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameType {
    /// Channel 0: the first frame of each side, with version, name, limits and services.
    Hello = 1,
    /// Channel 0: the other side's hello is accepted.
    Welcome = 2,
    /// Channel 0: the other side's hello is refused, or this side sends this in place of a hello; the payload says why.
    Refuse = 3,
    /// A new channel: opens it to the service named in the payload.
    Open = 4,
    /// The same channel: it is open; `credits` is its window.
    Opened = 5,
    /// The same channel: it is not opened; the payload says why.
    NotOpened = 6,
    /// A service's channel: a call; `credits` is the time that remains in milliseconds, 0 for none and for what does not fit.
    Request = 7,
    /// A service's channel: a call's only answer; `method` is a [`Status`], `credits` what the channel gets back.
    Reply = 8,
    /// Channel 0: the caller no longer wants the answer to the call in the header.
    Cancel = 9,
    /// A stream's channel: `credits` more items may be sent. A service's channel: its window is larger by `credits`.
    Credit = 10,
    /// A stream's channel: one item.
    Item = 11,
    /// A stream's channel: the sender of this frame has no more items.
    End = 12,
    /// A stream's channel: the sender of this frame wants no more items.
    Stop = 13,
    /// A stream's channel: the sender of this frame has failed and has no more items; the payload says why.
    Reset = 14,
    /// Channel 0: asks for no new calls; the calls and streams that there are finish first.
    Drain = 15,
    /// Channel 0: the session is over; the payload says why.
    Close = 16,
    /// Channel 0: the sender is ready: it has set up everything that it needs besides the session.
    Ready = 17,
    /// A service's channel: from its opener, it is closed; it has no calls on it, and will make none. From the other side,
    /// which has to be answered with that once the calls on it are over: it takes no more calls; the payload says why.
    CloseChannel = 18,
}

impl FrameType {
    /// The frame type that a byte stands for (V1).
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Hello,
            2 => Self::Welcome,
            3 => Self::Refuse,
            4 => Self::Open,
            5 => Self::Opened,
            6 => Self::NotOpened,
            7 => Self::Request,
            8 => Self::Reply,
            9 => Self::Cancel,
            10 => Self::Credit,
            11 => Self::Item,
            12 => Self::End,
            13 => Self::Stop,
            14 => Self::Reset,
            15 => Self::Drain,
            16 => Self::Close,
            17 => Self::Ready,
            18 => Self::CloseChannel,
            _ => return None,
        })
    }

    /// Whether a frame with this frame type may carry these flags.
    #[must_use]
    pub fn allows(self, flags: Flags) -> bool {
        match self {
            Self::Request => true,
            Self::Reply | Self::Item => Flags::BLOBS.has(flags),
            _ => flags == Flags::none(),
        }
    }
}

impl FrameType {
    /// Most bytes that the payload of a frame with this frame type may have, where it is not the transport that says so. A
    /// hello's is not among them: what is wrong with one is told more precisely.
    #[must_use]
    pub fn max_payload(self) -> Option<usize> {
        match self {
            Self::Hello | Self::Request | Self::Reply | Self::Item => None,
            Self::Open => Some(MAX_NAME),
            Self::Refuse | Self::NotOpened | Self::Reset | Self::Close | Self::CloseChannel => {
                Some(MAX_TEXT)
            }
            Self::Welcome
            | Self::Opened
            | Self::Cancel
            | Self::Credit
            | Self::End
            | Self::Stop
            | Self::Drain
            | Self::Ready => Some(0),
        }
    }
}

/// How a call went, in the `method` word of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// The payload is the method's result. It is empty for a stream, and for a tell.
    Ok = 0,
    /// The payload is the method's own error.
    HandlerError = 1,
    /// The runtime could not answer; the payload is a [`RemoteError`](crate::RemoteError): a code of one byte, and a text.
    Failed = 2,
}

impl Status {
    /// The status that a word stands for (V1).
    #[must_use]
    pub fn from_word(word: u32) -> Option<Self> {
        Some(match word {
            0 => Self::Ok,
            1 => Self::HandlerError,
            2 => Self::Failed,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_type_survives_its_byte_and_nothing_else_is_one() {
        let known = (0..=255u8)
            .filter_map(FrameType::from_byte)
            .collect::<Vec<_>>();
        assert_eq!(known.len(), 18);
        for frame_type in known {
            assert_eq!(FrameType::from_byte(frame_type as u8), Some(frame_type));
        }
    }

    #[test]
    fn only_requests_carry_what_only_requests_have() {
        let blobs = Flags::BLOBS;
        assert!(FrameType::Request.allows(blobs.and(Flags::ONEWAY)));
        assert!(FrameType::Item.allows(blobs) && FrameType::Reply.allows(Flags::none()));
        assert!(!FrameType::Item.allows(blobs.and(Flags::METADATA)));
        assert!(!FrameType::Reply.allows(Flags::CLIENT_STREAM));
        assert!(!FrameType::Close.allows(blobs));
    }
}
