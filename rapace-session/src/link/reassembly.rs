//! Reassembly of buffers that arrive in fragments.
//!
//! - RA1: the lengths of all open transfers together are at most the window that this side
//!   announced. A transfer is open from its first fragment until a frame takes it, or until it is
//!   dropped.
//! - RA2: a fragment is copied when it arrives, so its slot is free again in the same turn.
//! - RA3: memory is committed as bytes arrive, not when a length is announced.
//! - RA4: a transfer for which there is no memory is counted and discarded ([`Discarded`]). RA1 and all rules of the peer
//!   hold for it. The message that takes it fails alone, and takes all transfers of its table, as any other does.

use std::collections::HashMap;
use std::sync::Arc;

use crate::link::discarded::{Discarded, Lost};
use crate::link::spare_buffers::{SpareBuffer, SpareBuffers};
use crate::wire::frame::{Flags, Frame, Header, Payload};
use crate::wire::message_body::table;
use crate::wire::returned::{OTHERS, is_in_slot, is_returned};
use crate::wire::transfer::{TransferId, WholePayload};

type Fault = &'static str;

/// The open transfers of one direction, on the receiving side.
#[derive(Debug)]
pub(crate) struct Reassembly {
    /// The most bytes of all open transfers (RA1).
    window: u64,
    /// Their lengths.
    bytes: u64,
    transfers: HashMap<TransferId, Transfer>,
    spare_buffers: Arc<SpareBuffers>,
}

#[derive(Debug)]
struct Transfer {
    length: usize,
    arrived: Arrived,
}

/// The bytes of a transfer that have arrived.
#[derive(Debug)]
enum Arrived {
    Kept(SpareBuffer),
    Discarded(Discarded),
}

impl Arrived {
    fn len(&self) -> usize {
        match self {
            Self::Kept(buffer) => buffer.len(),
            Self::Discarded(discarded) => discarded.len(),
        }
    }
}

impl Reassembly {
    pub(crate) fn new(window: u32, spare_buffers: Arc<SpareBuffers>) -> Self {
        Self {
            window: window.into(),
            bytes: 0,
            transfers: HashMap::new(),
            spare_buffers,
        }
    }

    /// Adds a fragment to its transfer (RA2).
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn add(&mut self, header: Header, piece: &[u8]) -> Result<(), Fault> {
        let (id, length) = (TransferId(header.method), header.credits as usize);
        if !self.transfers.contains_key(&id) {
            self.open(id, length)?;
        }
        let transfer = self.transfers.get_mut(&id).ok_or(UNKNOWN)?;
        if transfer.length != length {
            return Err("fragments of one buffer that do not agree on its length");
        }
        if transfer.length - transfer.arrived.len() < piece.len() {
            return Err("more fragments than their buffer has bytes");
        }
        if piece.is_empty() && length > 0 {
            return Err("an empty fragment");
        }
        match &mut transfer.arrived {
            Arrived::Kept(buffer) => buffer.append(piece),
            Arrived::Discarded(discarded) => discarded.append(piece, &self.spare_buffers),
        }
        Ok(())
    }

    fn open(&mut self, id: TransferId, length: usize) -> Result<(), Fault> {
        let bytes = self.bytes + cost(length);
        if bytes > self.window {
            return Err("more bytes in fragments than this side allows");
        }
        // RA3: untouched pages cost address space only.
        let arrived = match self.spare_buffers.empty(length) {
            Some(buffer) => Arrived::Kept(buffer),
            None => Arrived::Discarded(Discarded::new(length)), // RA4
        };
        self.bytes = bytes;
        self.transfers.insert(id, Transfer { length, arrived });
        Ok(())
    }

    /// Drops a transfer that no frame will take. One that had no fragment yet is not known.
    pub(crate) fn drop_transfer(&mut self, id: TransferId) {
        if let Some(transfer) = self.transfers.remove(&id) {
            self.bytes -= cost(transfer.length);
        }
    }

    /// Replaces the references to transfers in a frame with their buffers, so that it is like any
    /// other frame. If some of them were discarded, the frame has the beginning of its payload and empty buffers in their
    /// place, and what it lacks is returned beside it (RA4).
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn complete(&mut self, mut frame: Frame) -> Result<(Frame, Option<Lost>), Fault> {
        let mut lost = Lost::default();
        if !frame.header.flags.has(Flags::BLOBS) {
            let whole = WholePayload::of_bytes(frame.payload.bytes())?;
            let payload = match self.take(whole.transfer)? {
                Arrived::Kept(buffer) => buffer.into_blob(),
                Arrived::Discarded(discarded) => {
                    let read = whole.has_table || frame.header.flags.streams();
                    match lost.payload(discarded) {
                        None if read => return Err(NO_BEGINNING),
                        beginning => beginning.unwrap_or_default(),
                    }
                }
            };
            frame.payload = Payload::Buffer(payload);
            frame.header.flags = frame.header.flags.and_if(Flags::BLOBS, whole.has_table);
        }
        frame.header.flags = frame.header.flags.without(Flags::FRAGMENTED);
        if frame.header.flags.has(Flags::BLOBS) {
            let mut in_slots = std::mem::take(&mut frame.blobs).into_iter();
            for entry in table(frame.payload.bytes())? {
                let blob = match TransferId::of_entry(entry) {
                    Some(id) => match self.take(id)? {
                        Arrived::Kept(buffer) => buffer.into_blob(),
                        Arrived::Discarded(discarded) => lost.buffer(&discarded),
                    },
                    None if is_in_slot(entry) => in_slots.next().ok_or(OTHERS)?,
                    None if is_returned(entry) => continue,
                    None => return Err(UNKNOWN),
                };
                frame.blobs.push(blob);
            }
            if in_slots.next().is_some() {
                return Err(OTHERS);
            }
        }
        let lost = lost.of(&frame);
        Ok((frame, lost))
    }

    /// Takes a complete transfer (TF1).
    fn take(&mut self, id: TransferId) -> Result<Arrived, Fault> {
        let transfer = self.transfers.remove(&id).ok_or(UNKNOWN)?;
        self.bytes -= cost(transfer.length);
        match transfer.arrived.len() == transfer.length {
            true => Ok(transfer.arrived),
            false => Err("a frame ahead of its fragments"),
        }
    }
}

const NO_BEGINNING: &str =
    "a payload in fragments, of which there is no memory here even for the table of its buffers";
const UNKNOWN: &str = "a frame that refers to fragments which have not come";

/// What a transfer of this length takes of the window: also that of an empty buffer takes
/// something, so that the number of transfers is bounded.
pub(crate) fn cost(length: usize) -> u64 {
    length.max(OVERHEAD) as u64
}

/// The least that a transfer takes, in bytes: about what its entry costs.
const OVERHEAD: usize = 256;

#[cfg(test)]
mod tests {
    use rapace_codec::Blob;

    use super::*;
    use crate::wire::frame::{ChannelId, FrameType};

    fn fragment(id: u32, length: u32) -> Header {
        let mut header = Header::new(FrameType::Fragment, ChannelId(1));
        header.method = id;
        header.credits = length;
        header
    }

    fn item(flags: Flags, payload: &[u8], blobs: Vec<Blob>) -> Frame {
        let mut header = Header::new(FrameType::Item, ChannelId(1));
        header.flags = flags.and(Flags::FRAGMENTED);
        Frame {
            header,
            payload: Payload::Buffer(payload.to_vec().into()),
            blobs,
        }
    }

    fn whole(id: u32, has_table: bool) -> Frame {
        let transfer = TransferId(id);
        let payload = WholePayload {
            transfer,
            has_table,
        };
        item(Flags::none(), &payload.to_bytes(), Vec::new())
    }

    fn with_table(entries: &[[u8; 16]], rest: &[u8]) -> Vec<u8> {
        let mut bytes = (entries.len() as u16).to_le_bytes().to_vec();
        bytes.extend(entries.as_flattened());
        bytes.extend(rest);
        bytes
    }

    /// Completes a frame that lacks nothing.
    fn complete(parts: &mut Reassembly, frame: Frame) -> Frame {
        let (frame, lost) = parts.complete(frame).unwrap();
        assert_eq!(lost, None);
        frame
    }

    /// A window of 10,000 bytes, and no memory for buffers of this length and longer ones (RA4).
    fn without_memory_for(len: usize) -> Reassembly {
        let buffers = Arc::<SpareBuffers>::default();
        buffers.refuse(len);
        Reassembly::new(10_000, buffers)
    }

    #[test]
    fn a_payload_is_put_together_from_fragments_that_interleave() {
        let mut parts = Reassembly::new(10_000, Arc::default());
        parts.add(fragment(1, 5), b"he").unwrap();
        parts.add(fragment(2, 3), b"abc").unwrap();
        parts.add(fragment(1, 5), b"llo").unwrap();
        let frame = complete(&mut parts, whole(1, false));
        assert_eq!(frame.payload.bytes(), b"hello");
        assert_eq!(frame.header.flags, Flags::none());
        let frame = complete(&mut parts, whole(2, false));
        assert_eq!(frame.payload.bytes(), b"abc");
        assert_eq!(parts.bytes, 0);
    }

    #[test]
    fn buffers_come_in_the_order_of_the_table_wherever_they_travelled() {
        let mut parts = Reassembly::new(10_000, Arc::default());
        parts.add(fragment(7, 3), b"xyz").unwrap();
        parts.add(fragment(9, 0), b"").unwrap();
        let entries = [TransferId(9).to_entry(), [1; 16], TransferId(7).to_entry()];
        let bytes = with_table(&entries, b"!");
        let frame = item(Flags::BLOBS, &bytes, vec![vec![5].into()]);
        let frame = complete(&mut parts, frame);
        let blobs: Vec<&[u8]> = frame.blobs.iter().map(|blob| &**blob).collect();
        assert_eq!(blobs, [&[][..], &[5], b"xyz"]);
        assert_eq!(parts.bytes, 0);
    }

    #[test]
    fn a_payload_in_fragments_may_have_a_table_of_its_own() {
        let mut parts = Reassembly::new(10_000, Arc::default());
        let bytes = with_table(&[TransferId(2).to_entry()], b"rest");
        parts.add(fragment(1, bytes.len() as u32), &bytes).unwrap();
        parts.add(fragment(2, 2), b"ab").unwrap();
        let frame = complete(&mut parts, whole(1, true));
        assert_eq!((frame.blobs.len(), &*frame.blobs[0]), (1, &b"ab"[..]));
        assert!(frame.header.flags.has(Flags::BLOBS));
    }

    #[test]
    fn the_window_bounds_what_is_open_and_comes_back() {
        let mut parts = Reassembly::new(1000, Arc::default());
        parts.add(fragment(1, 600), &[0; 10]).unwrap();
        assert!(parts.add(fragment(2, 600), &[0]).is_err());
        parts.drop_transfer(TransferId(1));
        parts.drop_transfer(TransferId(1));
        parts.add(fragment(2, 1000), &[0]).unwrap();
        parts.drop_transfer(TransferId(2));
        for empty in 0..3 {
            parts.add(fragment(empty, 0), &[]).unwrap();
        }
        assert!(
            parts.add(fragment(3, 0), &[]).is_err(),
            "their number is bounded"
        );
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        let mut parts = Reassembly::new(10_000, Arc::default());
        parts.add(fragment(1, 4), b"ab").unwrap();
        assert!(parts.add(fragment(1, 5), b"c").is_err(), "another length");
        assert!(parts.add(fragment(1, 4), b"cde").is_err(), "too long");
        assert!(parts.add(fragment(1, 4), b"").is_err(), "empty");
        assert!(parts.complete(whole(2, false)).is_err(), "unknown");
        assert!(parts.complete(whole(1, false)).is_err(), "incomplete");
        let twice = [TransferId(3).to_entry(); 2];
        parts.add(fragment(3, 1), b"a").unwrap();
        let frame = item(Flags::BLOBS, &with_table(&twice, b""), Vec::new());
        assert!(parts.complete(frame).is_err(), "taken twice");
        let none = item(Flags::BLOBS, &with_table(&[[1; 16]], b""), Vec::new());
        assert!(parts.complete(none).is_err(), "no such buffer");
        let more = vec![Blob::from(vec![1]), Blob::from(vec![2])];
        let more = item(Flags::BLOBS, &with_table(&[[1; 16]], b""), more);
        assert!(parts.complete(more).is_err(), "one too many");
        let mut odd = TransferId(3).to_entry();
        odd[15] = 1;
        let odd = item(Flags::BLOBS, &with_table(&[odd], b""), Vec::new());
        assert!(parts.complete(odd).is_err(), "no entry of any kind");
        assert!(
            parts
                .complete(item(Flags::none(), b"abc", Vec::new()))
                .is_err()
        );
    }

    /// RA4
    #[test]
    fn what_finds_no_memory_is_counted_and_fails_its_own_message() {
        let mut parts = without_memory_for(500);
        parts.add(fragment(1, 600), &[5; 400]).unwrap();
        parts.add(fragment(2, 3), b"abc").unwrap();
        assert_eq!(parts.bytes, 600 + 256, "it takes of the window");
        parts.add(fragment(1, 600), &[5; 200]).unwrap();
        let (frame, lost) = parts.complete(whole(1, false)).unwrap();
        let (missing, carried) = (600, 600);
        assert_eq!(lost, Some(Lost { missing, carried }));
        assert!(!frame.header.flags.has(Flags::FRAGMENTED));
        let frame = complete(&mut parts, whole(2, false));
        assert_eq!(frame.payload.bytes(), b"abc");
        assert_eq!(parts.bytes, 0);
    }

    /// RA4
    #[test]
    fn a_message_that_lacks_a_part_takes_all_transfers_of_its_table() {
        let entries = [1, 2, 3, 4].map(|id| TransferId(id).to_entry());
        // The payload itself, or one of its buffers.
        for (rest, missing) in [(1000, 1000 + 2 + 4 * 16), (10, 500)] {
            let mut parts = without_memory_for(500);
            let bytes = with_table(&entries, &vec![1; rest]);
            let length = bytes.len() as u32;
            parts.add(fragment(0, length), &bytes[..1]).unwrap();
            parts.add(fragment(0, length), &bytes[1..]).unwrap();
            let long = if rest == 10 { 500 } else { 400 };
            for (id, length) in [(1, 3), (2, long), (3, 0), (4, 300)] {
                let piece = vec![7; length as usize];
                parts.add(fragment(id, length), &piece).unwrap();
            }
            let (frame, lost) = parts.complete(whole(0, true)).unwrap();
            let carried = u64::from(length) + 3 + u64::from(long) + 300;
            assert_eq!(lost, Some(Lost { missing, carried }));
            assert_eq!(frame.blobs.len(), 4);
            assert_eq!((parts.bytes, parts.transfers.len()), (0, 0));
        }
    }

    /// RA4
    #[test]
    fn without_memory_the_peer_is_held_to_the_same_rules() {
        let mut parts = without_memory_for(1);
        parts.add(fragment(1, 4), b"ab").unwrap();
        assert!(parts.add(fragment(1, 5), b"c").is_err(), "another length");
        assert!(parts.add(fragment(1, 4), b"cde").is_err(), "too long");
        assert!(parts.add(fragment(1, 4), b"").is_err(), "empty");
        assert!(parts.add(fragment(2, 9_745), b"a").is_err(), "the window");
        assert!(parts.complete(whole(1, false)).is_err(), "incomplete");
        assert_eq!(parts.bytes, 0);
        let bytes = with_table(&[TransferId(9).to_entry()], b"");
        let length = bytes.len() as u32;
        parts.add(fragment(2, length), &bytes).unwrap();
        assert!(parts.complete(whole(2, true)).is_err(), "unknown");
        parts.add(fragment(3, 600), &[0; 600]).unwrap();
        parts.drop_transfer(TransferId(3));
        assert_eq!(parts.bytes, 0);
        // There is memory for the beginning of a payload, in all but the worst case.
        parts.add(fragment(4, 9), &[0; 9]).unwrap();
        assert_eq!(parts.complete(whole(4, true)).unwrap_err(), NO_BEGINNING);
        parts.add(fragment(4, 9), &[0; 9]).unwrap();
        assert!(parts.complete(whole(4, false)).unwrap().1.is_some());
    }
}
