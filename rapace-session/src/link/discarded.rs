//! A buffer that arrived in fragments and found no memory, and what a message lacks because of that.
//!
//! - DC1: of a payload, the table of buffers and the number of the stream are kept, if it has them: whoever fails the message
//!   must know which other transfers, and which stream, it takes.

use rapace_codec::Blob;

use crate::link::spare_buffers::SpareBuffers;
use crate::wire::frame::{ChannelId, Frame};
use crate::wire::message_body::table_len;

/// A buffer whose bytes are counted as they arrive, and are not kept.
#[derive(Debug)]
pub(crate) struct Discarded {
    length: usize,
    arrived: usize,
    /// Its first bytes (DC1). `None` if there was no memory for them either.
    beginning: Option<Vec<u8>>,
}

/// What a message lacks, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Those for which there was no memory.
    pub(crate) missing: u64,
    /// All that the message carries, as its sender counts them.
    pub(crate) carried: u64,
}

impl Discarded {
    pub(crate) fn new(length: usize) -> Self {
        Self {
            length,
            arrived: 0,
            beginning: Some(Vec::new()),
        }
    }

    /// How many bytes have arrived.
    pub(crate) fn len(&self) -> usize {
        self.arrived
    }

    /// Counts bytes, and keeps those of the beginning (DC1).
    pub(crate) fn append(&mut self, piece: &[u8], memory: &SpareBuffers) {
        self.arrived += piece.len();
        let mut rest = piece;
        while let Some(beginning) = &mut self.beginning {
            let wanted = beginning_len(beginning, self.length) - beginning.len();
            let (kept, behind) = rest.split_at(wanted.min(rest.len()));
            if kept.is_empty() {
                return;
            }
            match memory.reserve(beginning, kept.len()) {
                true => beginning.extend_from_slice(kept),
                false => self.beginning = None,
            }
            rest = behind;
        }
    }
}

impl Lost {
    /// Adds a payload. Returns its beginning, `None` if that was not kept.
    pub(crate) fn payload(&mut self, discarded: Discarded) -> Option<Blob> {
        let beginning = discarded.beginning.as_ref().map_or(0, Vec::len);
        self.add(discarded.length, beginning);
        discarded.beginning.map(Blob::from)
    }

    /// Adds an attached buffer. Returns an empty one in its place.
    pub(crate) fn buffer(&mut self, discarded: &Discarded) -> Blob {
        self.add(discarded.length, 0);
        Blob::default()
    }

    fn add(&mut self, length: usize, kept: usize) {
        self.missing += length as u64;
        self.carried += (length - kept) as u64;
    }

    /// What a message lacks that has this frame, with the beginning of its payload and empty buffers. `None` if it is
    /// whole.
    pub(crate) fn of(mut self, frame: &Frame) -> Option<Self> {
        self.carried += frame.carried();
        (self.missing > 0).then_some(self)
    }
}

/// How many bytes of a payload are kept that begins with these (DC1). One without a table may begin with anything.
fn beginning_len(bytes: &[u8], length: usize) -> usize {
    let Some(count) = bytes.first_chunk::<2>() else {
        return length.min(2);
    };
    let table = table_len(u16::from_le_bytes(*count).into());
    let table = if table <= length { table } else { 0 };
    length.min(table + size_of::<ChannelId>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(payload: &[u8], piece: usize) -> Vec<u8> {
        let memory = SpareBuffers::default();
        let mut discarded = Discarded::new(payload.len());
        for piece in payload.chunks(piece) {
            discarded.append(piece, &memory);
        }
        assert_eq!(discarded.len(), payload.len());
        let mut lost = Lost::default();
        let beginning = lost.payload(discarded).unwrap();
        assert_eq!(lost.missing, payload.len() as u64);
        assert_eq!(lost.carried, (payload.len() - beginning.len()) as u64);
        beginning.to_vec()
    }

    /// DC1
    #[test]
    fn the_table_and_the_stream_of_a_payload_are_kept_however_it_is_cut() {
        let mut with_table = 3_u16.to_le_bytes().to_vec();
        with_table.extend([7; 3 * 16]);
        with_table.extend([1, 2, 3, 4]);
        let all = with_table.clone();
        with_table.extend([9; 100]);
        let without = [255; 90];
        for piece in [1, 2, 3, 49, 50, 51, 53, 54, 55, 1000] {
            assert_eq!(kept(&with_table, piece), all, "{piece}");
            assert_eq!(kept(&without, piece), [255; 4], "{piece}");
            for len in 0..6 {
                let short = [0, 0, 5, 6, 7, 8];
                assert_eq!(kept(&short[..len], piece), short[..len.min(4)]);
            }
        }
    }
}
