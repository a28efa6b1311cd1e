//! The types of frames, and the status of a reply.
//!
//! - FT1: an unknown frame type, status or flag is a fault of the peer. The receiver never guesses.

use crate::wire::frame::Flags;
use crate::wire::limits::{MAX_NAME, MAX_TEXT};

/// The type of a frame: the action that the receiver takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum FrameType {
    /// Channel 0: the first frame of each side, with its version, name, stream window and services.
    Hello = 1,
    /// Channel 0: the sender accepts the other side's hello.
    Welcome = 2,
    /// Channel 0: the sender refuses the other side's hello, or cannot send a hello of its own; the
    /// payload says why.
    Refuse = 3,
    /// A new channel: asks to open it to the service that the payload names.
    Open = 4,
    /// The same channel: the channel is open; `credits` is its window.
    Opened = 5,
    /// The same channel: the channel is not opened; the payload says why.
    NotOpened = 6,
    /// A service's channel: a call; `credits` is the remaining time in milliseconds, 0 if the call
    /// has no deadline or the time does not fit.
    Request = 7,
    /// A service's channel: the only answer to a call; `method` is a [`Status`], `credits` the
    /// credits that go back to the channel.
    Reply = 8,
    /// Channel 0: the caller cancels the call in the header.
    Cancel = 9,
    /// A stream's channel: grants `credits` more items, and enlarges the window by `method` bytes. A
    /// service's channel: enlarges its window by `credits`, and grants `method` more bytes of requests.
    Credit = 10,
    /// A stream's channel: one item of the stream.
    Item = 11,
    /// A stream's channel: the sender has sent its last item.
    End = 12,
    /// A stream's channel: the sender wants no more items.
    Stop = 13,
    /// A stream's channel: the sender's items end with an error; the payload says why.
    Reset = 14,
    /// Channel 0: asks for a graceful end: the other side finishes its calls and streams, then
    /// closes.
    Drain = 15,
    /// Channel 0: ends the session; the payload says why.
    Close = 16,
    /// Channel 0: the sender is ready: it has set up everything that it needs besides the session.
    Ready = 17,
    /// A service's channel. From the side that opened it: the channel is closed, and has no calls
    /// any more. From the other side: it takes no more calls, the payload says why, and the opener
    /// answers with this frame once its calls are over.
    CloseChannel = 18,
    /// Channel 0: the next bytes of a buffer, or of a payload, whose frame follows. `method` is the
    /// number of the transfer, `credits` the length of the whole.
    Fragment = 19,
    /// Channel 0: no frame will take the transfer with the number `method`.
    DropFragments = 20,
}

impl FrameType {
    /// Returns the frame type with this number, or `None` if there is none (FT1).
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
            19 => Self::Fragment,
            20 => Self::DropFragments,
            _ => return None,
        })
    }

    /// Whether a frame of this type may have these flags.
    #[must_use]
    pub fn allows(self, flags: Flags) -> bool {
        match self {
            Self::Request => true,
            Self::Reply | Self::Item => Flags::BLOBS.and(Flags::FRAGMENTED).has(flags),
            _ => flags == Flags::none(),
        }
    }
}

impl FrameType {
    /// Most bytes of the payload of a frame of this type, or `None` if only the transport limits
    /// it. `None` also for a hello, whose limits are checked one by one so that the error names the
    /// limit.
    #[must_use]
    pub fn max_payload(self) -> Option<usize> {
        match self {
            Self::Hello | Self::Request | Self::Reply | Self::Item | Self::Fragment => None,
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
            | Self::Ready
            | Self::DropFragments => Some(0),
        }
    }
}

/// The outcome of a call, in the `method` field of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Status {
    /// The payload is the method's result. It is empty for a tell, and for a method that returns a
    /// stream.
    Ok = 0,
    /// The payload is the method's own error.
    HandlerError = 1,
    /// The runtime ended the call; the payload is a [`RemoteError`](crate::RemoteError): a code of
    /// one byte, and a text.
    Failed = 2,
}

impl Status {
    /// Returns the status with this number, or `None` if there is none (FT1).
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
        assert_eq!(known.len(), 20);
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
