//! The state machine of the handshake.
//!
//! ```text
//!                  hello accepted                   welcome
//!  AwaitingHello ────────────────▶ AwaitingWelcome ─────────▶ Established
//!     │ hello refused, no hello
//!     └────────────────────────▶ refused
//! ```
//!
//! - HS1: each side sends its hello at once, and its welcome when it has accepted the other's
//!   hello. So a side that has received a welcome knows that both have accepted.
//! - HS2: until a side has sent its welcome, it sends no other frames, except those that end the
//!   session.
//! - HS3: a side that has sent its welcome may open channels without waiting for the other's
//!   welcome. The other side reads the frames after the welcome; if it refuses the hello, it reads
//!   none of them.
//! - HS4: a side that cannot send a hello sends the reason instead, as it would to refuse the
//!   other's hello.

use crate::wire::frame::FrameType;
use crate::wire::handshake_error::HandshakeError;
use crate::wire::hello::{self, Hello};
use crate::wire::mismatch;
use crate::wire::offer::ServiceOffer;

/// The state of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// Nothing was received from the peer.
    AwaitingHello,
    /// The peer's hello was accepted.
    AwaitingWelcome,
    /// The peer has accepted our hello too.
    Established,
}

/// The action that follows from a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The peer's hello is accepted: send a welcome.
    Welcome(Hello),
    /// The peer's hello is refused.
    Refuse(HandshakeError),
    /// The session can be used.
    Ready,
    /// The frame does not belong to the handshake.
    NotMine,
    /// The peer broke a rule.
    Fault(&'static str),
}

impl Handshake {
    /// Processes a control frame of the peer.
    pub(crate) fn step(
        &mut self,
        frame_type: FrameType,
        payload: &[u8],
        requires: &[ServiceOffer],
    ) -> Step {
        match (*self, frame_type) {
            (_, FrameType::Refuse | FrameType::Close) => Step::NotMine,
            (Self::AwaitingHello, FrameType::Hello) => match accept(payload, requires) {
                Ok(hello) => {
                    *self = Self::AwaitingWelcome;
                    Step::Welcome(hello)
                }
                Err(why) => Step::Refuse(why),
            },
            (Self::AwaitingHello, _) => Step::Refuse(HandshakeError::NotAPeer),
            (Self::AwaitingWelcome, FrameType::Welcome) => {
                *self = Self::Established;
                Step::Ready
            }
            (_, FrameType::Hello) => Step::Fault("a second hello"),
            (Self::AwaitingWelcome, _) => Step::Fault("a frame before the handshake was over"),
            (Self::Established, FrameType::Welcome) => Step::Fault("a second welcome"),
            (Self::Established, _) => Step::NotMine,
        }
    }
}

fn accept(payload: &[u8], requires: &[ServiceOffer]) -> Result<Hello, HandshakeError> {
    let hello = hello::decode(payload)?;
    mismatch::check(requires, &hello.services).map_err(HandshakeError::Schema)?;
    Ok(hello)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            name: "test".into(),
            stream_window: 1,
            stream_initial_bytes: 1,
            stream_window_bytes: 1,
            request_initial_bytes: 1,
            request_window_bytes: 1,
            fragment_window_bytes: 1,
            services: Vec::new(),
            spin_micros: 0,
        }
    }

    const FRAME_TYPES: std::ops::RangeInclusive<u8> = 1..=20;

    #[test]
    fn every_state_handles_every_frame_type() {
        let bytes = hello::encode(&hello()).unwrap();
        for before in [
            Handshake::AwaitingHello,
            Handshake::AwaitingWelcome,
            Handshake::Established,
        ] {
            for frame_type in FRAME_TYPES.filter_map(FrameType::from_byte) {
                let mut now = before;
                let step = now.step(frame_type, &bytes, &[]);
                let expected = match (before, frame_type) {
                    (_, FrameType::Refuse | FrameType::Close) => (before, Step::NotMine),
                    (Handshake::AwaitingHello, FrameType::Hello) => {
                        (Handshake::AwaitingWelcome, Step::Welcome(hello()))
                    }
                    (Handshake::AwaitingHello, _) => {
                        (before, Step::Refuse(HandshakeError::NotAPeer))
                    }
                    (Handshake::AwaitingWelcome, FrameType::Welcome) => {
                        (Handshake::Established, Step::Ready)
                    }
                    (Handshake::Established, FrameType::Hello | FrameType::Welcome)
                    | (Handshake::AwaitingWelcome, _) => {
                        assert!(matches!(step, Step::Fault(_)), "{before:?} {frame_type:?}");
                        continue;
                    }
                    (Handshake::Established, _) => (before, Step::NotMine),
                };
                assert_eq!((now, step), expected, "{before:?} {frame_type:?}");
            }
        }
    }

    #[test]
    fn a_hello_without_a_required_service_is_refused() {
        let bytes = hello::encode(&hello()).unwrap();
        let requires = [ServiceOffer {
            name: "Markdown".into(),
            methods: Vec::new(),
        }];
        let mut now = Handshake::AwaitingHello;
        let step = now.step(FrameType::Hello, &bytes, &requires);
        assert!(matches!(step, Step::Refuse(HandshakeError::Schema(_))));
        assert_eq!(now, Handshake::AwaitingHello);
    }
}
