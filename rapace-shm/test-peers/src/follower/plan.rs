//! The frames that the ends of a link send each other, generated from a seed.

/// Rounds with payloads. In the rounds after them, kept payloads are dropped.
pub(super) const ROUNDS: u32 = 40;
pub(super) const KEPT_AT_MOST: u32 = 3;

/// A frame of the list.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) nth: u32,
    /// Length of the inline payload, or of the payload in a slot.
    pub(super) inline: Option<usize>,
    pub(super) slot: Option<usize>,
    /// Lengths of further slots, which the payload names.
    pub(super) attachments: Vec<usize>,
    pub(super) priority: bool,
    /// Number of rounds for which the receiver keeps it.
    pub(super) keep: u32,
    /// Whether the sender keeps handles until the round is over.
    pub(super) keep_handle: bool,
}

/// Returns the frames that one end sends in one round.
pub(super) fn planned(seed: u64, side: u32, round: u32) -> Vec<Planned> {
    let mut rng = Rng(seed ^ u64::from(side) << 32 ^ u64::from(round) << 40);
    // At least one, so that the other end cannot be a round ahead while this one counts.
    let count = rng.below(20) + 1;
    let frames = (0..count).map(|nth| {
        let mut slot_len = || match rng.below(24) {
            0..12 => rng.below(64) + 1,
            12..18 => rng.below(512) + 1,
            18..23 => rng.below(4096) + 1,
            _ => rng.below(1 << 20) + 1,
        };
        let (first, second, third) = (slot_len(), slot_len(), slot_len());
        // A payload names its attachments at its start.
        let quiet = round >= ROUNDS;
        let keep = rng.below(KEPT_AT_MOST as usize + 1) as u32;
        let (inline, slot, attachments) = match rng.below(10) {
            _ if quiet => (None, None, vec![]),
            0 => (None, None, vec![]),
            1..4 => (Some(rng.below(25)), None, vec![]),
            4 => (Some(table_len(1) + rng.below(7)), None, vec![first]),
            5 => (None, Some(third + table_len(2)), vec![first, second]),
            6 => (None, Some(second + table_len(1)), vec![first]),
            _ => (None, Some(first), vec![]),
        };
        Planned {
            nth: nth as u32,
            inline,
            slot: slot.map(|len| len.min(1 << 20)),
            attachments,
            priority: rng.below(4) == 0,
            keep: if quiet { 0 } else { keep },
            keep_handle: rng.below(4) == 0,
        }
    });
    frames.collect()
}

/// Length in bytes of a table of attachments, at the start of a payload.
pub(super) fn table_len(attachments: usize) -> usize {
    match attachments {
        0 => 0,
        n => 2 + 16 * n,
    }
}

/// Returns the byte that fills a part of a frame.
pub(super) fn pattern(planned: &Planned, part: usize) -> u8 {
    (planned.nth as usize * 37 + planned.keep as usize * 11 + part * 101 + 1) as u8
}

pub(super) fn holds(bytes: &[u8], planned: &Planned, part: usize) {
    let expected = pattern(planned, part);
    let wrong = bytes.iter().position(|byte| *byte != expected);
    assert_eq!(wrong, None, "part {part} of {planned:?}");
}

/// Random numbers, the same at both ends.
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: usize) -> usize {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % limit as u64) as usize
    }
}
