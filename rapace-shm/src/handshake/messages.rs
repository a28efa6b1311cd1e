//! The five messages of the handshake.
//!
//! | bytes | field                                                      |
//! |-------|------------------------------------------------------------|
//! | 0–7   | magic                                                      |
//! | 8–11  | layout version                                             |
//! | 12–15 | kind: 1 hello, 2 segment, 3 joined, 4 refused, 5 leash     |
//! | 16–   | for a segment: trust, ring capacity, call table, number of |
//! |       | classes, then slot size and slots of each                  |
//!
//! Numbers are little-endian `u32`. Magic, version and kind keep their places in every version.
//!
//! - HM1: a message is parsed from a private buffer, and every length in it is checked.

use crate::config::{MAX_CLASSES, SegmentConfig, SizeClass, Trust};
use crate::establish_error::{EstablishError, HandshakeFault};
use crate::layout::LAYOUT_VERSION;

/// Enough for the longest message, and to show the output of a program that is no peer.
pub(crate) const MAX_MESSAGE: usize = 256;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// B → A: here is a peer.
    Hello,
    /// A → B: join this, with six descriptors.
    Segment(SegmentConfig),
    /// B → A: mapped.
    Joined,
    /// A → B: your version is not mine.
    Refused,
    /// A → B: keep the one descriptor that comes along open until your process ends.
    Leash,
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let mut put = |word: u32| bytes.extend_from_slice(&word.to_le_bytes());
        put(LAYOUT_VERSION);
        put(self.kind());
        if let Self::Segment(config) = self {
            put(match config.trust {
                Trust::Trusted => 0,
                Trust::Untrusted => 1,
            });
            put(config.ring_capacity);
            put(config.call_table);
            put(config.classes.len() as u32);
            for class in &config.classes {
                put(class.slot_size);
                put(class.slots);
            }
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, EstablishError> {
        let malformed = || EstablishError::Fault(HandshakeFault::Malformed { len: bytes.len() });
        let Some(body) = bytes.strip_prefix(&MAGIC) else {
            let start = bytes.get(..32).unwrap_or(bytes);
            return Err(EstablishError::NotAPeer {
                got: start.escape_ascii().to_string(),
            });
        };
        let (words, rest) = body.as_chunks::<4>();
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut next = || words.next().ok_or_else(malformed);
        let theirs = next()?;
        if theirs != LAYOUT_VERSION {
            return Err(EstablishError::LayoutVersion {
                ours: LAYOUT_VERSION,
                theirs,
            });
        }
        let message = match next()? {
            HELLO => Self::Hello,
            JOINED => Self::Joined,
            REFUSED => Self::Refused,
            LEASH => Self::Leash,
            SEGMENT => {
                let trust = match next()? {
                    0 => Trust::Trusted,
                    1 => Trust::Untrusted,
                    _ => return Err(malformed()),
                };
                let ring_capacity = next()?;
                let call_table = next()?;
                let classes = next()? as usize;
                if classes > MAX_CLASSES {
                    return Err(malformed());
                }
                let classes = (0..classes).map(|_| {
                    Ok(SizeClass {
                        slot_size: next()?,
                        slots: next()?,
                    })
                });
                Self::Segment(SegmentConfig {
                    ring_capacity,
                    call_table,
                    classes: classes.collect::<Result<_, EstablishError>>()?,
                    trust,
                })
            }
            kind => {
                return Err(EstablishError::Fault(HandshakeFault::UnexpectedMessage {
                    expected: "a message of the handshake",
                    kind,
                }));
            }
        };
        if words.next().is_some() || !rest.is_empty() {
            return Err(malformed());
        }
        Ok(message)
    }

    /// Returns the fault of sending this message where another was expected.
    pub(crate) fn instead_of(&self, expected: &'static str) -> EstablishError {
        EstablishError::Fault(HandshakeFault::UnexpectedMessage {
            expected,
            kind: self.kind(),
        })
    }

    fn kind(&self) -> u32 {
        match self {
            Self::Hello => HELLO,
            Self::Segment(_) => SEGMENT,
            Self::Joined => JOINED,
            Self::Refused => REFUSED,
            Self::Leash => LEASH,
        }
    }
}

const MAGIC: [u8; 8] = *b"rapace\0\n";
const HELLO: u32 = 1;
const SEGMENT: u32 = 2;
const JOINED: u32 = 3;
const REFUSED: u32 = 4;
const LEASH: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        let segment = Message::Segment(SegmentConfig::default().with_trust(Trust::Untrusted));
        let others = [
            Message::Hello,
            Message::Joined,
            Message::Refused,
            Message::Leash,
        ];
        for message in others.into_iter().chain([segment]) {
            let bytes = message.encode();
            assert!(bytes.len() <= MAX_MESSAGE);
            assert_eq!(Message::decode(&bytes).ok(), Some(message));
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_refused() {
        let bytes = Message::Segment(SegmentConfig::default()).encode();
        for end in 0..bytes.len() {
            assert!(Message::decode(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut long = bytes;
        long.push(0);
        assert!(Message::decode(&long).is_err());
    }

    #[test]
    fn the_output_of_a_program_that_is_no_peer_is_quoted() {
        let Err(EstablishError::NotAPeer { got }) = Message::decode(b"GET / HTTP/1.1\r\n") else {
            panic!("it was taken for a peer");
        };
        assert_eq!(got, "GET / HTTP/1.1\\r\\n");
    }
}
