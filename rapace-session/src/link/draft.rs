//! A payload that lacks only its buffers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rapace_codec::{Blob, BlobMut, Writer};

use crate::link::encode::Encode;
use crate::link::payload_error::PayloadError;
use crate::link::prefix::Prefix;
use crate::link::spare_buffers::SpareBuffers;
use crate::transport::{AllocateError, Transport};
use crate::wire::frame::{ChannelId, INLINE_MAX, Payload};
use crate::wire::message_body::table_len;
use crate::wire::returned::{Entry, is_returned};
use crate::wire::transfer::{TransferId, WholePayload};

/// A payload that lacks only its buffers: one for its bytes, if these do not fit in the frame itself, and one for the
/// copy of each attached buffer that cannot be sent as it is.
pub(super) struct Draft<'a> {
    contents: Contents<'a>,
    /// The length of the table and the contents.
    total: usize,
    table: Vec<Entry>,
    blobs: Vec<Blob>,
    /// The attached buffers that must be copied.
    copies: Vec<Place>,
}

/// The place of an attached buffer.
#[derive(Clone, Copy)]
struct Place {
    /// Its index among the attached buffers.
    blob: usize,
    /// Its index in the table.
    entry: usize,
}

/// A payload of which parts travel in fragments.
pub(super) struct Parts {
    /// The payload as its receiver will have it, and what its frame carries.
    pub(super) whole: Payload,
    pub(super) sent: Payload,
    /// The attached buffers in slots, and all.
    pub(super) in_slots: Vec<Blob>,
    pub(super) blobs: Vec<Blob>,
    /// What travels in fragments.
    pub(super) transfers: Vec<Blob>,
}

/// The bytes of a payload after its table of buffers.
pub(super) enum Contents<'a> {
    /// Encoded bytes that would fit in a frame.
    Short { len: usize, bytes: [u8; INLINE_MAX] },
    /// Values, which are encoded where they are sent, after a prefix of `before` bytes. `len` is the length of both.
    Values {
        len: usize,
        before: usize,
        prefix: Prefix<'a>,
        body: &'a (dyn Encode + 'a),
    },
    /// The bytes of a frame that was encoded before. The number of the stream, if there is one, replaces the first.
    Encoded {
        bytes: &'a [u8],
        stream: Option<ChannelId>,
    },
}

impl Contents<'_> {
    fn len(&self) -> usize {
        match *self {
            Self::Short { len, .. } | Self::Values { len, .. } => len,
            Self::Encoded { bytes, .. } => bytes.len(),
        }
    }

    /// Writes them into `place`, which has exactly their length.
    fn write(&self, place: &mut [u8]) -> Result<(), PayloadError> {
        match *self {
            Self::Short { len, ref bytes } => place.copy_from_slice(&bytes[..len]),
            Self::Values {
                before,
                prefix,
                body,
                ..
            } => {
                let (head, rest) = place.split_at_mut(before);
                prefix.write(head)?;
                body.encode(&mut Writer::slice(rest, &mut Vec::new()))?;
            }
            Self::Encoded { bytes, stream } => {
                place.copy_from_slice(bytes);
                if let (Some(stream), Some(number)) = (stream, place.first_chunk_mut()) {
                    *number = stream.0.to_le_bytes();
                }
            }
        }
        Ok(())
    }
}

impl<'a> Draft<'a> {
    /// Fills in the entries of the attached buffers, `blobs`, that can be sent as they are. `table` has the entries of the
    /// returned ones.
    pub(super) fn new(
        transport: &dyn Transport,
        mut table: Vec<Entry>,
        blobs: Vec<Blob>,
        contents: Contents<'a>,
    ) -> Result<Self, PayloadError> {
        if u16::try_from(table.len()).is_err() {
            return Err(PayloadError::Encode(format!(
                "it has {} buffers, and a message has at most {}; join some of them",
                table.len(),
                u16::MAX
            )));
        }
        let mut copies = Vec::new();
        let attached = table.iter_mut().enumerate();
        let attached = attached.filter(|(_, entry)| !is_returned(entry));
        for ((at, entry), blob) in attached.zip(0..blobs.len()) {
            // Two buffers may lie in one slot: `reference` decides whether both can be sent.
            match transport.reference(&blobs[blob], &blobs[..blob]) {
                Some(reference) => *entry = reference,
                None => copies.push(Place { blob, entry: at }),
            }
        }
        Ok(Self {
            total: table_len(table.len()) + contents.len(),
            contents,
            table,
            blobs,
            copies,
        })
    }

    /// Bytes of the payload and the attached buffers, as [`Frame::carried`](crate::wire::frame::Frame::carried) counts them.
    pub(super) fn carried(&self) -> u64 {
        let blobs: usize = self.blobs.iter().map(|blob| blob.len()).sum();
        (self.total + blobs) as u64
    }

    /// Whether the bytes need a buffer.
    pub(super) fn is_large(&self) -> bool {
        self.total > INLINE_MAX
    }

    /// The length of the payload.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// The attached buffers that travel in fragments. If the payload does (`whole`), all do: there is no other
    /// payload with a table that could name their slots.
    fn fragmented(&self, whole: bool) -> Vec<Place> {
        if !whole {
            return self.copies.clone();
        }
        let attached = self.table.iter().enumerate();
        let attached = attached.filter(|(_, entry)| !is_returned(entry));
        let places = attached.zip(0..self.blobs.len());
        places
            .map(|((entry, _), blob)| Place { blob, entry })
            .collect()
    }

    /// The lengths of what travels in fragments: the payload, if it does, and then attached buffers.
    pub(super) fn lengths(&self, whole: bool) -> Vec<usize> {
        let blobs = self.fragmented(whole);
        let blobs = blobs.iter().map(|at| self.blobs[at.blob].len());
        whole
            .then_some(self.total)
            .into_iter()
            .chain(blobs)
            .collect()
    }

    /// Writes the payload into `buffer`, or on the heap if it travels in fragments itself. `ids` are the numbers of
    /// what travels in fragments, in the order of the [`lengths`](Self::lengths).
    pub(super) fn finish_in_fragments(
        mut self,
        buffer: Option<BlobMut>,
        ids: &[TransferId],
        spare_buffers: &Arc<SpareBuffers>,
    ) -> Result<Parts, PayloadError> {
        let whole = self.is_large() && buffer.is_none();
        let places = self.fragmented(whole);
        let own = whole.then(|| ids.first()).flatten().copied();
        let others = &ids[usize::from(whole)..];
        let mut transfers = Vec::with_capacity(ids.len());
        let mut in_slot = vec![true; self.blobs.len()];
        for (at, id) in places.iter().zip(others) {
            self.table[at.entry] = id.to_entry();
            transfers.push(self.blobs[at.blob].clone());
            in_slot[at.blob] = false;
        }
        let in_slots = self.blobs.iter().zip(in_slot);
        let in_slots = in_slots.filter(|(_, in_slot)| *in_slot);
        let in_slots = in_slots.map(|(blob, _)| blob.clone()).collect();
        let buffer = match buffer {
            None if whole => {
                let len = self.total;
                let none =
                    || PayloadError::Encode(format!("there is no memory for its {len} bytes"));
                Some(spare_buffers.writable(len).ok_or_else(none)?)
            }
            buffer => buffer,
        };
        let payload = self.payload(buffer)?;
        let sent = match (own, &payload) {
            (Some(transfer), Payload::Buffer(bytes)) => {
                transfers.insert(0, bytes.clone());
                let has_table = !self.table.is_empty();
                let whole = WholePayload {
                    transfer,
                    has_table,
                };
                Payload::inline(&whole.to_bytes()).ok_or(PayloadError::Closed)?
            }
            _ => payload.clone(),
        };
        Ok(Parts {
            whole: payload,
            sent,
            in_slots,
            blobs: self.blobs,
            transfers,
        })
    }

    /// Copies the attached buffers for which `allocate` has a buffer; the others remain to be copied, or travel in
    /// fragments.
    pub(super) fn copy_what_fits(
        &mut self,
        transport: &dyn Transport,
        mut allocate: impl FnMut(usize) -> Result<Option<BlobMut>, AllocateError>,
        copied: &AtomicU64,
    ) -> Result<(), PayloadError> {
        let mut remaining = Vec::new();
        for at in std::mem::take(&mut self.copies) {
            match allocate(self.blobs[at.blob].len())? {
                Some(copy) => self.copy(at, copy, transport, copied)?,
                None => remaining.push(at),
            }
        }
        self.copies = remaining;
        Ok(())
    }

    /// Replaces an attached buffer by a copy that can be sent as it is.
    fn copy(
        &mut self,
        at: Place,
        mut copy: BlobMut,
        transport: &dyn Transport,
        copied: &AtomicU64,
    ) -> Result<(), PayloadError> {
        copy.copy_from_slice(&self.blobs[at.blob]);
        copied.fetch_add(copy.len() as u64, Ordering::Relaxed);
        let copy = copy.freeze();
        let reference = transport.reference(&copy, &[]);
        self.table[at.entry] = reference.ok_or(PayloadError::Closed)?;
        self.blobs[at.blob] = copy;
        Ok(())
    }

    /// The sizes of the buffers that it lacks.
    pub(super) fn sizes(&self) -> impl Iterator<Item = usize> {
        let copies = self.copies.iter().map(|copy| self.blobs[copy.blob].len());
        let large = self.is_large().then_some(self.total);
        large.into_iter().chain(copies)
    }

    /// Writes the payload into `buffers`, which have these [`sizes`](Self::sizes). Adds the bytes of attached buffers
    /// that it copies to `copied`.
    pub(super) fn finish(
        mut self,
        transport: &dyn Transport,
        mut buffers: impl Iterator<Item = BlobMut>,
        copied: &AtomicU64,
    ) -> Result<(Payload, Vec<Blob>), PayloadError> {
        let buffer = match self.is_large() {
            true => Some(buffers.next().ok_or(PayloadError::Closed)?),
            false => None,
        };
        for (at, copy) in std::mem::take(&mut self.copies).into_iter().zip(buffers) {
            self.copy(at, copy, transport, copied)?;
        }
        let payload = self.payload(buffer)?;
        Ok((payload, self.blobs))
    }

    /// Writes the payload into `buffer`, or into the frame if there is none.
    fn payload(&self, buffer: Option<BlobMut>) -> Result<Payload, PayloadError> {
        match buffer {
            Some(mut buffer) => {
                self.write(&mut buffer)?;
                Ok(Payload::Buffer(buffer.freeze()))
            }
            None => {
                let mut bytes = [0; INLINE_MAX];
                self.write(&mut bytes[..self.total])?;
                Ok(Payload::Inline {
                    len: self.total as u8,
                    bytes,
                })
            }
        }
    }

    /// Writes the table and the contents.
    fn write(&self, place: &mut [u8]) -> Result<(), PayloadError> {
        let (table, contents) = place.split_at_mut(table_len(self.table.len()));
        if let Some((count, entries)) = table.split_first_chunk_mut::<2>() {
            *count = (self.table.len() as u16).to_le_bytes();
            entries.copy_from_slice(self.table.as_flattened());
        }
        self.contents.write(contents)
    }
}
