//! Returned buffers: a reply refers to a buffer of its request instead of carrying the bytes.
//!
//! A caller keeps the buffers of a request until the call is settled, since it may have to send
//! them again. So a reply need not carry such a buffer: an entry of its table refers to the buffer,
//! and the caller puts its own buffer in that place.
//!
//! | bytes | field |
//! |---|---|
//! | 0–3 | 2³² − 1, which is no slot's index |
//! | 4–7 | the number of the request's buffer, from 0 on; below 2³¹ |
//! | 8–11 | first byte |
//! | 12–15 | length |
//!
//! - RB1: a buffer belongs to the request if it lies in the same storage, inside the range that was
//!   sent. A storage is identified by its address. The [`Weak`] reference keeps that address from
//!   being reused.
//! - RB2: remembering a request's buffers keeps none of them alive: each slot returns when its last
//!   user drops it.
//! - RB3: an entry comes from the peer. It is checked against the buffers that were sent; any
//!   mismatch is a fault.

use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Weak};

use rapace_codec::{Blob, BlobStorage};

/// The length in bytes of an entry of a table of buffers.
pub const BLOB_REF: usize = 16;

/// An entry of a table of buffers.
pub(crate) type Entry = [u8; BLOB_REF];

/// The buffers of a request, as the side of the handler remembers them.
#[derive(Default)]
pub(crate) struct RequestAttachments(Box<[Part]>);

/// One buffer of a request: a range of a storage (RB1, RB2).
struct Part {
    storage: Weak<dyn BlobStorage>,
    range: Range<usize>,
}

impl RequestAttachments {
    /// Remembers these buffers.
    pub(crate) fn of(blobs: &[Blob]) -> Self {
        if blobs.is_empty() {
            return Self(Box::default());
        }
        let parts = blobs.iter().map(|blob| Part {
            storage: Arc::downgrade(blob.storage()),
            range: blob.range(),
        });
        Self(parts.collect())
    }

    /// Returns a reference to `blob`, if it is one of these buffers or a part of one (RB1).
    fn find(&self, blob: &Blob) -> Option<ReturnedAttachment> {
        let range = blob.range();
        let which = self.0.iter().position(|part| {
            ptr::addr_eq(part.storage.as_ptr(), Arc::as_ptr(blob.storage()))
                && part.range.start <= range.start
                && range.end <= part.range.end
        })?;
        let start = range.start - self.0.get(which)?.range.start;
        Some(ReturnedAttachment {
            which: u32::try_from(which).ok()?,
            start: u32::try_from(start).ok()?,
            len: u32::try_from(range.len()).ok()?,
        })
    }
}

/// A part of one of the request's buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ReturnedAttachment {
    which: u32,
    start: u32,
    len: u32,
}

impl ReturnedAttachment {
    fn to_entry(self) -> Entry {
        let mut entry = [0; BLOB_REF];
        let words = [self.which, self.start, self.len].map(u32::to_le_bytes);
        let (places, _) = entry.as_chunks_mut();
        for (place, word) in places.iter_mut().zip([MARK].into_iter().chain(words)) {
            *place = word;
        }
        entry
    }

    fn of(entry: &Entry) -> Option<Self> {
        let (words, _) = entry.as_chunks::<WORD>();
        match *words {
            [MARK, which, start, len] if which[WORD - 1] < 128 => Some(Self {
                which: u32::from_le_bytes(which),
                start: u32::from_le_bytes(start),
                len: u32::from_le_bytes(len),
            }),
            _ => None,
        }
    }

    /// Returns the caller's own buffer (RB3).
    fn find(self, sent: &[Blob]) -> Result<Blob, &'static str> {
        let whole = sent.get(self.which as usize);
        let whole = whole.ok_or("a returned buffer that its request did not have")?;
        let (start, len) = (self.start as usize, self.len as usize);
        match start.checked_add(len) {
            Some(end) if end <= whole.len() => Ok(whole.slice(start..end)),
            _ => Err("a returned buffer past the end of the one in its request"),
        }
    }
}

/// Makes the table of a payload with these buffers. Buffers of the request are returned by
/// reference and removed from `blobs`. The entries of the others are zero, to be filled in.
pub(crate) fn table_for(
    blobs: &mut Vec<Blob>,
    attachments: Option<&RequestAttachments>,
) -> Vec<Entry> {
    let mut table = vec![[0; BLOB_REF]; blobs.len()];
    if let Some(attachments) = attachments.filter(|attachments| !attachments.0.is_empty()) {
        let mut entries = table.iter_mut();
        blobs.retain(|blob| match (entries.next(), attachments.find(blob)) {
            (Some(entry), Some(name)) => {
                *entry = name.to_entry();
                false
            }
            _ => true,
        });
    }
    table
}

/// Whether an entry refers to a buffer of the request, not to an attached one.
pub(crate) fn is_returned(entry: &Entry) -> bool {
    // A larger number refers to a transfer.
    entry.starts_with(&MARK) && entry[2 * WORD - 1] < 128
}

/// Whether an entry refers to a buffer that lies in a slot of the frame itself.
pub(crate) fn is_in_slot(entry: &Entry) -> bool {
    !entry.starts_with(&MARK)
}

/// Returns all buffers of a reply in the order of its table: those that are attached, and those of
/// the request, `sent`, that the table refers to (RB3).
pub(crate) fn resolve(
    table: &[Entry],
    carried: Vec<Blob>,
    sent: &[Blob],
) -> Result<Vec<Blob>, &'static str> {
    let mut carried = carried.into_iter();
    let mut all = Vec::with_capacity(table.len());
    for entry in table {
        all.push(match ReturnedAttachment::of(entry) {
            Some(name) => name.find(sent)?,
            None => carried.next().ok_or(OTHERS)?,
        });
    }
    match carried.next() {
        None => Ok(all),
        Some(_) => Err(OTHERS),
    }
}

/// The fault of a table that does not match the attached buffers.
pub(crate) const OTHERS: &str = "other buffers than its table lists";

/// Bytes of a number.
const WORD: usize = 4;
/// The first word of an entry for a returned buffer.
const MARK: [u8; WORD] = rapace_shm::NOT_ATTACHED;

#[cfg(test)]
mod tests {
    use super::*;

    fn three() -> Vec<Blob> {
        let pages = Blob::from((0..100).collect::<Vec<u8>>());
        vec![
            pages.slice(10..20),
            Blob::from(vec![7; 5]),
            pages.slice(50..90),
        ]
    }

    #[test]
    fn buffers_of_the_request_are_referred_to_and_found_again() {
        let sent = three();
        let attachments = RequestAttachments::of(&sent);
        let other = Blob::from(vec![7; 5]);
        let mut answer = vec![
            sent[2].slice(5..9),
            other.clone(),
            sent[0].clone(),
            sent[0].clone(),
            sent[1].slice(5..),
        ];
        let wanted = answer.clone();
        let table = table_for(&mut answer, Some(&attachments));
        assert_eq!(answer.len(), 1, "equal bytes are not the same buffer (RB1)");
        assert!(Arc::ptr_eq(answer[0].storage(), other.storage()));
        let found = resolve(&table, answer, &sent).unwrap();
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found.range(), wanted.range());
            assert!(Arc::ptr_eq(found.storage(), wanted.storage()));
        }
        assert_eq!(found.len(), wanted.len());
    }

    #[test]
    fn bytes_of_the_storage_that_were_not_sent_are_not_referred_to() {
        let pages = Blob::from(vec![1; 100]);
        let attachments = RequestAttachments::of(&[pages.slice(10..20), pages.slice(20..30)]);
        let mut answer = vec![
            pages.slice(9..11),
            pages.slice(15..25),
            pages.slice(30..31),
            pages.clone(),
        ];
        let table = table_for(&mut answer, Some(&attachments));
        assert_eq!((answer.len(), table), (4, vec![[0; BLOB_REF]; 4]));
    }

    #[test]
    fn remembering_keeps_no_buffer() {
        let sent = Blob::from(vec![1; 10]);
        let attachments = RequestAttachments::of(std::slice::from_ref(&sent));
        assert_eq!(Arc::strong_count(sent.storage()), 1);
        drop(sent);
        assert!(attachments.0[0].storage.upgrade().is_none());
    }

    #[test]
    fn entries_past_the_end_of_the_sent_buffers_are_faults() {
        let sent = three();
        let find = |which, start, len| {
            let table = [ReturnedAttachment { which, start, len }.to_entry()];
            resolve(&table, Vec::new(), &sent)
        };
        assert_eq!(find(0, 10, 0).unwrap()[0].len(), 0);
        assert_eq!(find(2, 0, 40).unwrap()[0], sent[2]);
        assert!(find(3, 0, 0).unwrap_err().contains("did not have"));
        assert!(
            find(i32::MAX as u32, 0, 0)
                .unwrap_err()
                .contains("did not have")
        );
        for (start, len) in [(0, 11), (10, 1), (11, 0), (1, u32::MAX), (u32::MAX, 1)] {
            assert!(find(0, start, len).unwrap_err().contains("past the end"));
        }
    }

    #[test]
    fn attached_buffers_that_the_table_does_not_list_are_faults() {
        let sent = three();
        let name = ReturnedAttachment {
            which: 0,
            start: 0,
            len: 1,
        }
        .to_entry();
        let carried = || vec![Blob::from(vec![1])];
        assert!(resolve(&[name], carried(), &sent).is_err());
        assert!(resolve(&[name, [0; BLOB_REF]], Vec::new(), &sent).is_err());
        assert!(resolve(&[name, [0; BLOB_REF]], carried(), &sent).is_ok());
    }
}
