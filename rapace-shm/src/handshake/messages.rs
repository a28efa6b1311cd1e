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

use crate::config::{MAX_CLASSES, OnExhaustion, SegmentConfig, SizeClass, Trust};
use crate::establish_error::{EstablishError, HandshakeFault};
use crate::layout::LAYOUT_VERSION;

/// Enough for the longest message, and to show the output of a program that is no peer.
pub(crate) const MAX_MESSAGE: usize = 256;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// From B: a peer is here.
    Hello,
    /// From A: join this segment; six descriptors are attached.
    Segment(SegmentConfig),
    /// From B: the segment is mapped.
    Joined,
    /// From A: the versions differ.
    Refused,
    /// From A: keep the one attached descriptor open until your process ends; sent only to a child,
    /// before everything else.
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
            put(match config.on_exhaustion {
                OnExhaustion::Fragment => 0,
                OnExhaustion::Wait => 1,
                OnExhaustion::Fail => 2,
            });
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
                let classes = classes.collect::<Result<_, EstablishError>>()?;
                let on_exhaustion = match next()? {
                    0 => OnExhaustion::Fragment,
                    1 => OnExhaustion::Wait,
                    2 => OnExhaustion::Fail,
                    _ => return Err(malformed()),
                };
                Self::Segment(SegmentConfig {
                    ring_capacity,
                    call_table,
                    classes,
                    trust,
                    on_exhaustion,
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
    use rapace_layering::{assert_table, doc_comments};

    use super::*;

    const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/handshake/messages.rs");
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/memory.md");

    #[test]
    #[cfg_attr(miri, ignore = "reads files")]
    fn the_page_has_the_bytes_and_the_kinds_of_the_messages() {
        let magic = MAGIC.map(|byte| format!("{byte:02x}")).join(" ");
        let rows = [
            "| bytes | field |".to_owned(),
            "|---|---|".to_owned(),
            format!("| 0–7 | `{magic}`, that is `rapace`, NUL, newline |"),
            format!("| 8–11 | layout version: {LAYOUT_VERSION} |"),
            "| 12–15 | kind |".to_owned(),
            "| 16– | for a segment: trust (0 trusted, 1 not), ring capacity, call table, number of classes, then slot \
             size and slots of each, then what a sender does without a free slot (0 fragments, 1 wait, 2 fail) |"
                .to_owned(),
        ];
        assert_table(PAGE, &rows.join("\n"));
        let docs = doc_comments(SOURCE).unwrap();
        let row = |message: &Message| {
            let shown = format!("{message:?}");
            let name = shown.split('(').next().unwrap_or(&shown);
            let doc = docs[&format!("Message::{name}")].strip_prefix("From ");
            let (from, meaning) = doc.and_then(|doc| doc.split_once(": ")).unwrap();
            let meaning = meaning.trim_end_matches('.');
            format!("| {} `{name}` | {from} | {meaning} |", message.kind())
        };
        let all = [
            Message::Hello,
            Message::Segment(SegmentConfig::default()),
            Message::Joined,
            Message::Refused,
            Message::Leash,
        ];
        let head = ["| kind | from | meaning |", "|---|---|---|"].map(str::to_owned);
        let rows = head.into_iter().chain(all.iter().map(row));
        assert_table(PAGE, &rows.collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn what_was_encoded_is_decoded() {
        let segment = Message::Segment(SegmentConfig::default().with_trust(Trust::Untrusted));
        let others = [
            Message::Hello,
            Message::Joined,
            Message::Refused,
            Message::Leash,
        ];
        let policies = [
            OnExhaustion::Fragment,
            OnExhaustion::Wait,
            OnExhaustion::Fail,
        ];
        let policies = policies.map(|policy| SegmentConfig::default().with_on_exhaustion(policy));
        let segments = policies.map(Message::Segment).into_iter().chain([segment]);
        for message in others.into_iter().chain(segments) {
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
