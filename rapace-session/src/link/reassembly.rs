//! Reassembly of buffers that arrive in fragments.
//!
//! - RA1: the lengths of all open transfers together are at most the window that this side
//!   announced. A transfer is open from its first fragment until a frame takes it, or until it is
//!   dropped.
//! - RA2: a fragment is copied when it arrives, so its slot is free again in the same turn.
//! - RA3: memory is committed as bytes arrive, not when a length is announced.

use std::collections::HashMap;
use std::sync::Arc;

use rapace_codec::Blob;

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
    arrived: SpareBuffer,
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
        transfer.arrived.append(piece);
        Ok(())
    }

    fn open(&mut self, id: TransferId, length: usize) -> Result<(), Fault> {
        let bytes = self.bytes + cost(length);
        if bytes > self.window {
            return Err("more bytes in fragments than this side allows");
        }
        // RA3: untouched pages cost address space only.
        let arrived = self.spare_buffers.empty(length);
        let arrived = arrived.ok_or("a buffer in fragments for which there is no memory here")?;
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
    /// other frame.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn complete(&mut self, mut frame: Frame) -> Result<Frame, Fault> {
        if !frame.header.flags.has(Flags::BLOBS) {
            let whole = WholePayload::of_bytes(frame.payload.bytes())?;
            frame.payload = Payload::Buffer(self.take(whole.transfer)?);
            frame.header.flags = frame.header.flags.and_if(Flags::BLOBS, whole.has_table);
        }
        frame.header.flags = frame.header.flags.without(Flags::FRAGMENTED);
        if frame.header.flags.has(Flags::BLOBS) {
            let mut in_slots = std::mem::take(&mut frame.blobs).into_iter();
            for entry in table(frame.payload.bytes())? {
                let blob = match TransferId::of_entry(entry) {
                    Some(id) => self.take(id)?,
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
        Ok(frame)
    }

    /// Takes a complete transfer (TF1).
    fn take(&mut self, id: TransferId) -> Result<Blob, Fault> {
        let transfer = self.transfers.remove(&id).ok_or(UNKNOWN)?;
        self.bytes -= cost(transfer.length);
        match transfer.arrived.len() == transfer.length {
            true => Ok(transfer.arrived.into_blob()),
            false => Err("a frame ahead of its fragments"),
        }
    }
}

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

    #[test]
    fn a_payload_is_put_together_from_fragments_that_interleave() {
        let mut parts = Reassembly::new(10_000, Arc::default());
        parts.add(fragment(1, 5), b"he").unwrap();
        parts.add(fragment(2, 3), b"abc").unwrap();
        parts.add(fragment(1, 5), b"llo").unwrap();
        let frame = parts.complete(whole(1, false)).unwrap();
        assert_eq!(frame.payload.bytes(), b"hello");
        assert_eq!(frame.header.flags, Flags::none());
        assert_eq!(
            parts.complete(whole(2, false)).unwrap().payload.bytes(),
            b"abc"
        );
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
        let frame = parts.complete(frame).unwrap();
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
        let frame = parts.complete(whole(1, true)).unwrap();
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
}
