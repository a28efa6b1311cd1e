//! Buffers that travel in fragments, ahead of the frame that they belong to.
//!
//! A *transfer* is one such buffer. Its sender chooses a number that no other open transfer of its
//! direction has. Each [`Fragment`](crate::FrameType::Fragment) frame carries the next bytes; the
//! first one opens the transfer. A transfer is complete when all of its bytes have arrived. The
//! frame that takes it has the flag [`FRAGMENTED`](crate::Flags::FRAGMENTED):
//!
//! | the frame has | its payload |
//! |---|---|
//! | a table of buffers | is as usual, and entries of the table refer to transfers |
//! | no table of buffers | is the number of the transfer that is the payload, four bytes; then a byte, 1 if that payload begins with a table of buffers, otherwise 0 |
//!
//! An entry that refers to a transfer:
//!
//! | bytes | field |
//! |---|---|
//! | 0–3 | 2³² − 1, which is no slot's index |
//! | 4–7 | 2³¹, which is the number of no buffer of a request |
//! | 8–11 | the number of the transfer |
//! | 12–15 | 0 |
//!
//! - TF1: a transfer is taken once, by one frame, and only when it is complete. Then its number is
//!   free again.
//! - TF2: all transfers of a frame are complete before the frame is sent, so the receiver never
//!   waits for one.

use crate::wire::returned::Entry;

/// The number of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TransferId(pub(crate) u32);

impl TransferId {
    /// The entry of a table that refers to the transfer.
    pub(crate) fn to_entry(self) -> Entry {
        let mut entry = [0; size_of::<Entry>()];
        let (words, _) = entry.as_chunks_mut::<4>();
        let values = [MARK, TRANSFER, self.0.to_le_bytes()];
        words
            .iter_mut()
            .zip(values)
            .for_each(|(word, value)| *word = value);
        entry
    }

    /// The transfer that an entry refers to, if it refers to one.
    pub(crate) fn of_entry(entry: &Entry) -> Option<Self> {
        match entry.as_chunks::<4>().0 {
            [MARK, TRANSFER, number, [0, 0, 0, 0]] => Some(Self(u32::from_le_bytes(*number))),
            _ => None,
        }
    }
}

/// The payload of a frame whose payload is a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WholePayload {
    pub(crate) transfer: TransferId,
    /// Whether the payload begins with a table of buffers.
    pub(crate) has_table: bool,
}

impl WholePayload {
    pub(crate) fn to_bytes(self) -> [u8; 5] {
        let [a, b, c, d] = self.transfer.0.to_le_bytes();
        [a, b, c, d, u8::from(self.has_table)]
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Result<Self, &'static str> {
        let (number, rest) = bytes.split_first_chunk().ok_or(MALFORMED)?;
        let has_table = match rest {
            [0] => false,
            [1] => true,
            _ => return Err(MALFORMED),
        };
        Ok(Self {
            transfer: TransferId(u32::from_le_bytes(*number)),
            has_table,
        })
    }
}

const MALFORMED: &str = "a frame in fragments that does not name its payload";

const MARK: [u8; 4] = rapace_shm::NOT_ATTACHED;
const TRANSFER: [u8; 4] = (1_u32 << 31).to_le_bytes();

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::returned::is_returned;

    #[test]
    fn an_entry_refers_to_a_transfer_or_to_a_returned_buffer() {
        for number in [0, 1, u32::MAX] {
            let entry = TransferId(number).to_entry();
            assert_eq!(TransferId::of_entry(&entry), Some(TransferId(number)));
            assert!(!is_returned(&entry));
        }
        let mut returned = TransferId(3).to_entry();
        returned[7] = 0;
        assert_eq!(TransferId::of_entry(&returned), None);
        assert!(is_returned(&returned));
        assert_eq!(TransferId::of_entry(&[0; 16]), None);
    }

    #[test]
    fn a_whole_payload_survives_its_bytes_and_nothing_else_is_one() {
        let whole = WholePayload {
            transfer: TransferId(70_000),
            has_table: true,
        };
        assert_eq!(WholePayload::of_bytes(&whole.to_bytes()), Ok(whole));
        for wrong in [&[][..], &[1, 0, 0, 0], &[1, 0, 0, 0, 2], &[0; 6]] {
            assert!(WholePayload::of_bytes(wrong).is_err(), "{wrong:?}");
        }
    }
}
