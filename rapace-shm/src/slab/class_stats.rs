//! What the slots of one class are doing, in numbers.

/// The slots of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassStats {
    /// Bytes in a slot.
    pub slot_size: u32,
    /// Slots there are.
    pub total: u32,
    /// In the free list.
    pub free: u32,
    /// Handed out and still being written.
    pub writing: u32,
    /// Frozen, held on this side, and not with the peer.
    pub held: u32,
    /// With the peer: sent and not returned.
    pub in_flight: u32,
}
