//! How two peers come to know each other. Plain logic.
//!
//! ```text
//!           hello ok              welcome
//!  Silent ───────────▶ Heard ───────────────▶ Known
//!     │ hello bad, no hello
//!     └──────────────▶ refused
//! ```
//!
//! - H3: each side sends its hello at once, and its welcome when it has accepted the other's. So a
//!   side that has been welcomed knows that both have accepted.
//! - H4: nothing else is said before, except that the session is over.
//! - H5: who has welcomed the other side may open channels without waiting to be welcomed: the other
//!   side reads that after the welcome, and if it refuses us nobody reads it.
//! - H6: who cannot say its hello says why instead, as it would refuse the other's.

use crate::wire::frame::FrameType;
use crate::wire::handshake_error::HandshakeError;
use crate::wire::hello::{self, Hello};
use crate::wire::mismatch;
use crate::wire::offer::ServiceOffer;

/// How far we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// The peer has said nothing.
    Silent,
    /// Its hello was accepted.
    Heard,
    /// It has accepted ours too.
    Known,
}

/// What a frame means for the handshake.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The peer's hello is acceptable: welcome it.
    Welcome(Hello),
    /// The peer's hello is not.
    Refuse(HandshakeError),
    /// The session can be used.
    Ready,
    /// The frame is none of the handshake's.
    NotMine,
    /// The peer broke a rule.
    Fault(&'static str),
}

impl Handshake {
    /// Takes one session frame of the peer's.
    pub(crate) fn step(
        &mut self,
        frame_type: FrameType,
        payload: &[u8],
        expects: &[ServiceOffer],
    ) -> Step {
        match (*self, frame_type) {
            (_, FrameType::Refuse | FrameType::Close) => Step::NotMine,
            (Self::Silent, FrameType::Hello) => match accept(payload, expects) {
                Ok(hello) => {
                    *self = Self::Heard;
                    Step::Welcome(hello)
                }
                Err(why) => Step::Refuse(why),
            },
            (Self::Silent, _) => Step::Refuse(HandshakeError::NotAPeer),
            (Self::Heard, FrameType::Welcome) => {
                *self = Self::Known;
                Step::Ready
            }
            (_, FrameType::Hello) => Step::Fault("a second hello"),
            (Self::Heard, _) => Step::Fault("a frame before the handshake was over"),
            (Self::Known, FrameType::Welcome) => Step::Fault("a second welcome"),
            (Self::Known, _) => Step::NotMine,
        }
    }
}

fn accept(payload: &[u8], expects: &[ServiceOffer]) -> Result<Hello, HandshakeError> {
    let hello = hello::decode(payload)?;
    mismatch::check(expects, &hello.services).map_err(HandshakeError::Schema)?;
    Ok(hello)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            name: "test".into(),
            stream_window: 1,
            services: Vec::new(),
            spin_micros: 0,
        }
    }

    const FRAME_TYPES: std::ops::RangeInclusive<u8> = 1..=18;

    #[test]
    fn every_state_has_an_answer_to_every_frame_type() {
        let bytes = hello::encode(&hello()).unwrap();
        for before in [Handshake::Silent, Handshake::Heard, Handshake::Known] {
            for frame_type in FRAME_TYPES.filter_map(FrameType::from_byte) {
                let mut now = before;
                let step = now.step(frame_type, &bytes, &[]);
                let expected = match (before, frame_type) {
                    (_, FrameType::Refuse | FrameType::Close) => (before, Step::NotMine),
                    (Handshake::Silent, FrameType::Hello) => {
                        (Handshake::Heard, Step::Welcome(hello()))
                    }
                    (Handshake::Silent, _) => (before, Step::Refuse(HandshakeError::NotAPeer)),
                    (Handshake::Heard, FrameType::Welcome) => (Handshake::Known, Step::Ready),
                    (Handshake::Known, FrameType::Hello | FrameType::Welcome)
                    | (Handshake::Heard, _) => {
                        assert!(matches!(step, Step::Fault(_)), "{before:?} {frame_type:?}");
                        continue;
                    }
                    (Handshake::Known, _) => (before, Step::NotMine),
                };
                assert_eq!((now, step), expected, "{before:?} {frame_type:?}");
            }
        }
    }

    #[test]
    fn a_hello_without_what_we_expect_is_refused() {
        let bytes = hello::encode(&hello()).unwrap();
        let expects = [ServiceOffer {
            name: "Markdown".into(),
            methods: Vec::new(),
        }];
        let mut now = Handshake::Silent;
        let step = now.step(FrameType::Hello, &bytes, &expects);
        assert!(matches!(step, Step::Refuse(HandshakeError::Schema(_))));
        assert_eq!(now, Handshake::Silent);
    }
}
