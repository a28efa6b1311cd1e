//! Attachments: slots that come with a message beside its payload, and the table that names them.
//!
//! A payload with attachments begins with their table:
//!
//! | bytes | field                                                                    |
//! |-------|--------------------------------------------------------------------------|
//! | 0–1   | number of entries                                                        |
//! | 2–    | 16 bytes for each: a [`SlotRef`] to an attachment, or an entry of the caller's own, which begins with [`NOT_ATTACHED`] |
//!
//! - AT1: the descriptor says whether there is a table. A payload whose descriptor says no has none,
//!   whatever its bytes are.
//! - AT2: the sender compares the table with the slots that it marks as in flight, and a payload cannot
//!   be changed afterwards (O2). So no bytes that safe code writes can name a slot that does not come with
//!   the message.
//! - AT3: the receiver leases all slots that the table names before it hands out the message. From then on
//!   no code can name a slot, and each is handed out once.

use crate::fault::PeerFault;
use crate::ring::descriptor::SlotRef;

/// The first bytes of a table entry that names no attachment, but means something to the layer above: they are
/// no slot's index.
pub const NOT_ATTACHED: [u8; 4] = [255; 4];

type Entry = [u8; SlotRef::ENCODED_LEN];

/// Encodes the table with which a payload with these attachments begins.
#[must_use]
pub fn attachment_table(attachments: &[SlotRef]) -> Vec<u8> {
    let count = u16::try_from(attachments.len()).unwrap_or(u16::MAX);
    let mut table = count.to_le_bytes().to_vec();
    for slot in attachments {
        table.extend_from_slice(&slot.to_bytes());
    }
    table
}

/// Returns the entries of a payload's table; `None` if it runs past the end of the payload.
fn entries(payload: &[u8]) -> Option<&[Entry]> {
    let (count, rest) = payload.split_first_chunk::<2>()?;
    let count = usize::from(u16::from_le_bytes(*count));
    let (entries, _) = rest.as_chunks();
    entries.get(..count)
}

/// Returns the length in bytes of the table of a payload that has one.
pub(crate) fn table_len(payload: &[u8]) -> usize {
    entries(payload).map_or(payload.len(), |entries| 2 + size_of_val(entries))
}

/// Returns the attachments among the entries.
fn attached(entries: &[Entry]) -> impl Iterator<Item = SlotRef> {
    let attached = entries
        .iter()
        .filter(|entry| !entry.starts_with(&NOT_ATTACHED));
    attached.map(|entry| SlotRef::from_bytes(*entry))
}

/// Returns whether a payload's table names these slots, in this order, and no others (AT2).
pub(crate) fn names(payload: &[u8], slots: impl Iterator<Item = SlotRef>) -> bool {
    entries(payload).is_some_and(|entries| attached(entries).eq(slots))
}

/// Returns the slots that a payload's table names. The descriptor says that there is a table (AT3).
pub(crate) fn named(payload: &[u8]) -> Result<impl Iterator<Item = SlotRef>, PeerFault> {
    entries(payload)
        .map(attached)
        .ok_or_else(|| PeerFault::TableOutsidePayload {
            entries: payload
                .first_chunk::<2>()
                .map_or(0, |count| u16::from_le_bytes(*count)),
            len: payload.len() as u32,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(index: u32) -> SlotRef {
        SlotRef {
            index,
            generation: 1,
            offset: 2,
            len: 3,
        }
    }

    /// AT2
    #[test]
    fn a_table_names_what_it_was_made_of_and_nothing_else() {
        let mut payload = attachment_table(&[slot(1), slot(2)]);
        payload.extend_from_slice(b"and more");
        let is = |slots: &[SlotRef]| names(&payload, slots.iter().copied());
        assert!(is(&[slot(1), slot(2)]));
        for other in [
            &[][..],
            &[slot(1)],
            &[slot(2), slot(1)],
            &[slot(1), slot(3)],
            &[slot(1), slot(2), slot(2)],
        ] {
            assert!(!is(other), "{other:?}");
        }
        assert!(!names(&payload[..33], [slot(1), slot(2)].into_iter()));
        assert!(!names(b"", [].into_iter()));
    }

    #[test]
    fn entries_of_the_callers_own_are_no_attachments() {
        let mut payload = attachment_table(&[slot(7), slot(u32::MAX), slot(8)]);
        payload.extend_from_slice(&[255; 20]);
        assert!(names(&payload, [slot(7), slot(8)].into_iter()));
        assert!(named(&payload).unwrap().eq([slot(7), slot(8)]));
    }

    #[test]
    fn a_table_that_runs_past_its_payload_is_a_fault() {
        let mut payload = attachment_table(&[slot(7)]);
        assert!(named(&payload).is_ok());
        payload[0] = 2;
        let fault = PeerFault::TableOutsidePayload {
            entries: 2,
            len: 18,
        };
        assert_eq!(named(&payload).err(), Some(fault));
        let fault = PeerFault::TableOutsidePayload { entries: 0, len: 1 };
        assert_eq!(named(&[3]).err(), Some(fault));
    }
}
