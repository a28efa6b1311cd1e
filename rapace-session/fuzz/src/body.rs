//! The payload of a request, a reply or an item.

use rapace_codec::Blob;
use rapace_session::Flags;

use crate::limits::{MAX_PAYLOAD, MOST_BUFFERS};
use crate::part::{Bytes, Number, parts};

parts! {
    /// The end of a payload, with the table of buffers at its beginning.
    pub enum Body {
        Empty,
        Raw { bytes: Bytes },
        /// A text of this length.
        Text { len: Number },
        /// A number.
        Count { count: Number },
        /// Buffers of this length, and a value that refers to one of them.
        Buffers { count: u8, len: Number, refers: u8 },
        /// A table with these entries, and so many buffers.
        Table { entries: Bytes, buffers: u8, len: Number },
        /// The number of a transfer that is the payload, and the byte after it.
        Whole { id: Number, table: u8 },
    }
}

/// A payload and its buffers.
#[derive(Debug, Default)]
pub(crate) struct Built {
    pub(crate) bytes: Vec<u8>,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) flags: Flags,
}

impl Body {
    /// Lays out a payload: the table of buffers, the number of the stream and metadata as `flags` say, and the rest.
    pub(crate) fn build(&self, flags: u8, stream: u32) -> Built {
        let mut built = Built::default();
        let mut rest = Vec::new();
        match self {
            Self::Empty => {}
            Self::Raw { bytes } => rest.extend(&bytes.0),
            Self::Text { len } => rest = encoded(&text(*len)),
            Self::Count { count } => rest = encoded(&count.0),
            Self::Buffers { count, len, refers } => {
                built.attach(1 + count % MOST_BUFFERS, *len);
                built.table(&vec![[0; 16]; built.blobs.len()]);
                rest = encoded(&u32::from(*refers));
            }
            Self::Table {
                entries,
                buffers,
                len,
            } => {
                built.attach(buffers % (MOST_BUFFERS + 1), *len);
                let entries = entries.0.iter().map(|byte| entry(*byte));
                built.table(&entries.collect::<Vec<_>>());
                if built.has_transfers() {
                    built.flags = built.flags.and(Flags::FRAGMENTED);
                }
                rest.push(0);
            }
            Self::Whole { id, table } => {
                built.bytes.extend(id.0.to_le_bytes());
                built.bytes.push(*table);
                built.flags = Flags::FRAGMENTED;
                return built.with(flags);
            }
        }
        built = built.with(flags);
        if built.flags.streams() {
            built.bytes.extend(stream.to_le_bytes());
        }
        if built.flags.has(Flags::METADATA) {
            let pairs = encoded(&vec![("key".to_owned(), "value".to_owned())]);
            built.bytes.extend((pairs.len() as u32).to_le_bytes());
            built.bytes.extend(pairs);
        }
        built.bytes.extend(rest);
        built.bytes.truncate(MAX_PAYLOAD);
        built
    }
}

impl Built {
    /// Adds the flags that say something about a request.
    fn with(mut self, flags: u8) -> Self {
        let of_requests = [
            Flags::ONEWAY,
            Flags::METADATA,
            Flags::CLIENT_STREAM,
            Flags::SERVER_STREAM,
        ];
        for flag in of_requests {
            self.flags = self.flags.and_if(flag, flags & flag.bits() != 0);
        }
        self
    }

    fn attach(&mut self, count: u8, len: Number) {
        let len = (len.0 as usize).min(MAX_PAYLOAD);
        self.blobs = (0..count).map(|fill| vec![fill; len].into()).collect();
    }

    fn table(&mut self, entries: &[[u8; 16]]) {
        self.flags = self.flags.and(Flags::BLOBS);
        self.bytes.extend((entries.len() as u16).to_le_bytes());
        self.bytes.extend(entries.as_flattened());
    }

    fn has_transfers(&self) -> bool {
        let (entries, _) = self.bytes[2..].as_chunks::<16>();
        let is_transfer = |entry: &[u8; 16]| entry.starts_with(&[255; 4]) && entry[7] == 128;
        entries.iter().any(is_transfer)
    }
}

/// An entry of a table: what it refers to, and a number below 64.
pub(crate) fn entry(byte: u8) -> [u8; 16] {
    let number = byte / 4;
    let words = match byte % 4 {
        // A slot of the frame.
        0 => [0; 4],
        // A buffer of the request: its first bytes, or bytes past its end.
        1 => [u32::MAX, u32::from(number % 4), 0, u32::from(number) / 4],
        // A transfer.
        2 => [u32::MAX, 1 << 31, number.into(), 0],
        // None of these.
        _ => [u32::MAX, 1 << 31, 0, number.into()],
    };
    let mut bytes = [0; 16];
    for (place, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    bytes
}

/// A text that fits in a payload.
pub(crate) fn text(len: Number) -> String {
    "x".repeat((len.0 as usize).min(MAX_PAYLOAD - 3))
}

fn encoded<T: rapace_codec::Wire>(value: &T) -> Vec<u8> {
    rapace_codec::to_vec(value).expect("it can be encoded").0
}
