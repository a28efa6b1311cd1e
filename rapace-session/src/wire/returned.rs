//! AttachmentAllocator that go back in the answer of the call that brought them: named, not carried.
//!
//! A caller keeps the buffers of a request until the call is settled, since it may have to send them
//! again. So an answer need not carry one of them. It names it in its table of buffers, and the caller
//! puts its own in that place:
//!
//! | bytes | field |
//! |---|---|
//! | 0–3 | 2³² − 1, which is no slot's index |
//! | 4–7 | which of the request's buffers, from 0 on |
//! | 8–11 | first byte of it |
//! | 12–15 | length |
//!
//! - G1: a buffer is one of the request's if it lies in the same storage, inside what came along. The
//!   storage is known by its address, which is nobody else's as long as it is remembered.
//! - G2: who remembers a request's buffers keeps none of them: each goes back with its last user.
//! - G3: a name is the peer's word. It is checked against what was sent; anything else is a fault.

use std::ops::Range;
use std::ptr;
use std::sync::{Arc, Weak};

use rapace_codec::{Blob, BlobStorage};

/// Bytes of one entry of a table of buffers.
pub const BLOB_REF: usize = 16;

/// An entry of a table of buffers.
pub(crate) type Entry = [u8; BLOB_REF];

/// The buffers that came with a request, as its handler's side remembers them.
#[derive(Default)]
pub(crate) struct RequestAttachments(Box<[Part]>);

/// One of them: some bytes of a storage (G1, G2).
struct Part {
    storage: Weak<dyn BlobStorage>,
    range: Range<usize>,
}

impl RequestAttachments {
    /// Remembers these.
    pub(crate) fn of(blobs: &[Blob]) -> Self {
        let parts = blobs.iter().map(|blob| Part {
            storage: Arc::downgrade(blob.storage()),
            range: blob.range(),
        });
        Self(parts.collect())
    }

    /// What names `blob`, if it is one of these or a part of one (G1).
    fn name(&self, blob: &Blob) -> Option<ReturnedAttachment> {
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
            [MARK, which, start, len] => Some(Self {
                which: u32::from_le_bytes(which),
                start: u32::from_le_bytes(start),
                len: u32::from_le_bytes(len),
            }),
            _ => None,
        }
    }

    /// The buffer that it names (G3).
    fn find(self, sent: &[Blob]) -> Result<Blob, &'static str> {
        let whole = sent.get(self.which as usize);
        let whole = whole.ok_or("a name for a buffer that its request did not have")?;
        let (start, len) = (self.start as usize, self.len as usize);
        match start.checked_add(len) {
            Some(end) if end <= whole.len() => Ok(whole.slice(start..end)),
            _ => Err("a name for bytes past the end of its request's buffer"),
        }
    }
}

/// A table for these buffers. Those that can be named are, and leave the list; the entries of the others
/// are still to be filled.
pub(crate) fn table_for(
    blobs: &mut Vec<Blob>,
    attachments: Option<&RequestAttachments>,
) -> Vec<Entry> {
    let mut table = vec![[0; BLOB_REF]; blobs.len()];
    if let Some(attachments) = attachments.filter(|attachments| !attachments.0.is_empty()) {
        let mut entries = table.iter_mut();
        blobs.retain(|blob| match (entries.next(), attachments.name(blob)) {
            (Some(entry), Some(name)) => {
                *entry = name.to_entry();
                false
            }
            _ => true,
        });
    }
    table
}

/// Whether an entry names a buffer of the request's, and none that is carried.
pub(crate) fn is_returned(entry: &Entry) -> bool {
    entry.starts_with(&MARK)
}

/// All buffers of an answer in the order of its table: those that it carries, and of those `sent` with
/// its request the ones that it names (G3).
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

/// What a table and the buffers beside it that do not fit together are.
pub(crate) const OTHERS: &str = "other buffers than the table names";

/// Bytes of a number.
const WORD: usize = 4;
/// The first word of a name.
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
    fn what_was_brought_is_named_and_found_again() {
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
        assert_eq!(answer.len(), 1, "equal bytes are not the same buffer (G1)");
        assert!(Arc::ptr_eq(answer[0].storage(), other.storage()));
        let found = resolve(&table, answer, &sent).unwrap();
        for (found, wanted) in found.iter().zip(&wanted) {
            assert_eq!(found.range(), wanted.range());
            assert!(Arc::ptr_eq(found.storage(), wanted.storage()));
        }
        assert_eq!(found.len(), wanted.len());
    }

    #[test]
    fn bytes_of_the_storage_that_did_not_come_along_are_not_named() {
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
    fn names_past_what_was_sent_are_faults() {
        let sent = three();
        let find = |which, start, len| {
            let table = [ReturnedAttachment { which, start, len }.to_entry()];
            resolve(&table, Vec::new(), &sent)
        };
        assert_eq!(find(0, 10, 0).unwrap()[0].len(), 0);
        assert_eq!(find(2, 0, 40).unwrap()[0], sent[2]);
        assert!(find(3, 0, 0).unwrap_err().contains("did not have"));
        assert!(find(u32::MAX, 0, 0).unwrap_err().contains("did not have"));
        for (start, len) in [(0, 11), (10, 1), (11, 0), (1, u32::MAX), (u32::MAX, 1)] {
            assert!(find(0, start, len).unwrap_err().contains("past the end"));
        }
    }

    #[test]
    fn carried_buffers_that_the_table_does_not_name_are_faults() {
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
