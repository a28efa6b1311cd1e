//! Counters of one slot class.

/// How many slots of one class are in which use, and how often there were too few.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// Size of a slot in bytes.
    pub slot_size: u32,
    /// Number of slots.
    pub total: u32,
    /// Slots in the free list.
    pub free: u32,
    /// How many slots requests and stream items leave free, for replies and control frames.
    pub reserved: u32,
    /// Slots allocated and still being written.
    pub writing: u32,
    /// Slots that are frozen, referenced on this side, and not in flight.
    pub held: u32,
    /// Slots in flight: sent and not returned.
    pub in_flight: u32,
    /// How many payloads and attachments of this class were sent in fragments, because no slot was free.
    pub fragmented: u64,
}
