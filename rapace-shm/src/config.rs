//! The geometry of a segment, and its checks.
//!
//! - C1: what [`SegmentConfig::validate`] accepts can be laid out without overflow.
//! - C2: both halves of a segment have the same geometry.

/// How far a peer is trusted. Said of the joining side; the creating side is always trusted
/// by the process that joins it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trust {
    /// Payloads are borrowed in place, doorbells are eventfds, and idle large slots give their pages
    /// back. The peer is trusted not to write into a payload that it has sent.
    #[default]
    Trusted,
    /// Payloads are copied before they are handed out, doorbells are pipes (no file description is
    /// shared), and all of the creator's half is sealed against writing.
    Untrusted,
}

/// The priority of an allocation or a frame. [`Lane::Data`] leaves one part in [`RESERVE_DIVISOR`] of the ring
/// and of each slot class free, so that a reply or a control frame finds room when requests hold the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Requests and stream items.
    Data,
    /// Replies and control frames.
    Priority,
}

/// One part in this many of the ring, and of each slot class that has at least two slots, is reserved
/// for [`Lane::Priority`]: an eighth. Each reply answers a request that held room of its own, so the
/// share only has to cover the replies that one batch of requests produces, not all that are queued.
pub const RESERVE_DIVISOR: u32 = 8;

/// What a sender does with a payload for which no slot is free at once, neither of the smallest class that holds it nor of
/// the next one up. It is carried out by the layer that sends payloads, for both sides of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnExhaustion {
    /// The payload travels in fragments, which costs two copies and waits for nobody who keeps slots.
    #[default]
    Fragment,
    /// The sender waits for a slot, in FIFO order for each class, until its deadline or the end of the session.
    /// Whoever keeps payloads makes it wait, and may be waiting for it: programs that would deadlock do.
    Wait,
    /// Sending fails with an error that names the class.
    Fail,
}

/// Bytes in a fragment slot: 64 KiB. A small frame beside a large payload that travels in parts waits for the copy of
/// one part, not of the payload.
pub const FRAGMENT_SIZE: u32 = 64 << 10;

/// Fragment slots in each half, beside those of the configured classes: 8, so that the receiver copies parts out while
/// the sender writes the next ones. They take half a mebibyte of address space in each direction, committed only when
/// used.
pub const FRAGMENT_SLOTS: u32 = 8;

/// The class of fragment slots.
pub(crate) const FRAGMENTS: SizeClass = SizeClass {
    slot_size: FRAGMENT_SIZE,
    slots: FRAGMENT_SLOTS,
};

/// A class of equal slots, for payloads up to their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SizeClass {
    /// Size of a slot in bytes: a power of two.
    pub slot_size: u32,
    /// Number of slots.
    pub slots: u32,
}

impl SizeClass {
    /// Slots that [`Lane::Data`] must leave free.
    pub(crate) fn reserve(self) -> u32 {
        if self.slots < 2 {
            0
        } else {
            (self.slots / RESERVE_DIVISOR).max(1)
        }
    }
}

/// The geometry of a segment. The default suits plugins that exchange anything from a word to tens
/// of megabytes; it reserves half a gigabyte of address space in each direction and commits 24 KiB.
///
/// ```
/// use rapace_shm::{SegmentConfig, SizeClass, Trust};
///
/// let config = SegmentConfig::default()
///     .with_ring_capacity(256)
///     .with_classes([SizeClass { slot_size: 4096, slots: 64 }])
///     .with_trust(Trust::Untrusted);
/// assert!(config.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentConfig {
    /// Descriptors that fit in a ring: a power of two from 8 to 65536. Default 512: 32 KiB, twice the
    /// calls that keep two processes busy, and small enough to stay resident in every session.
    pub ring_capacity: u32,
    /// Entries of the call table, for start markers: 1 to 2²⁰. Default 1024. The services that are called share them, and each
    /// has at least one.
    pub call_table: u32,
    /// Slot classes, sizes strictly ascending. By default nine, each four times the last, from
    /// 1 KiB × 1020 to 64 MiB × 4: a payload wastes at most three quarters of a slot, in address
    /// space only. Each half has [`FRAGMENT_SLOTS`] more, which no configuration lists: 2048 by
    /// default, as many as a return ring of 16 KiB has entries.
    pub classes: Vec<SizeClass>,
    /// How far the joining side is trusted. Default [`Trust::Trusted`].
    pub trust: Trust,
    /// What a sender does with a payload for which no slot is free. Default [`OnExhaustion::Fragment`].
    pub on_exhaustion: OnExhaustion,
}

impl Default for SegmentConfig {
    fn default() -> Self {
        const KIB: u32 = 1 << 10;
        const MIB: u32 = 1 << 20;
        let class = |slot_size, slots| SizeClass { slot_size, slots };
        Self {
            ring_capacity: 512,
            call_table: 1024,
            classes: vec![
                class(KIB, 1020),
                class(4 * KIB, 512),
                class(16 * KIB, 256),
                class(64 * KIB, 128),
                class(256 * KIB, 64),
                class(MIB, 32),
                class(4 * MIB, 16),
                class(16 * MIB, 8),
                class(64 * MIB, 4),
            ],
            trust: Trust::Trusted,
            on_exhaustion: OnExhaustion::Fragment,
        }
    }
}

impl SegmentConfig {
    /// Sets [`ring_capacity`](Self::ring_capacity).
    #[must_use]
    pub fn with_ring_capacity(mut self, entries: u32) -> Self {
        self.ring_capacity = entries;
        self
    }

    /// Sets [`call_table`](Self::call_table).
    #[must_use]
    pub fn with_call_table(mut self, entries: u32) -> Self {
        self.call_table = entries;
        self
    }

    /// Replaces the slot classes.
    #[must_use]
    pub fn with_classes(mut self, classes: impl Into<Vec<SizeClass>>) -> Self {
        self.classes = classes.into();
        self
    }

    /// Sets [`trust`](Self::trust).
    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }

    /// Sets [`on_exhaustion`](Self::on_exhaustion).
    #[must_use]
    pub fn with_on_exhaustion(mut self, on_exhaustion: OnExhaustion) -> Self {
        self.on_exhaustion = on_exhaustion;
        self
    }

    /// Checks every rule that the layout relies on.
    ///
    /// # Errors
    /// [`ConfigError`] names the first value that cannot be used and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let ring = self.ring_capacity;
        if !ring.is_power_of_two() || !RING_CAPACITY.contains(&ring) {
            return Err(ConfigError::RingCapacity { got: ring });
        }
        if !CALL_TABLE.contains(&self.call_table) {
            return Err(ConfigError::CallTable {
                got: self.call_table,
            });
        }
        if self.classes.is_empty() || self.classes.len() > MAX_CLASSES {
            return Err(ConfigError::ClassCount {
                got: self.classes.len(),
            });
        }
        let mut last = 0;
        let mut slots = 0_u64;
        let mut bytes = 0_u64;
        for class in &self.classes {
            let size = class.slot_size;
            if !size.is_power_of_two() || !SLOT_SIZE.contains(&size) || size <= last {
                return Err(ConfigError::SlotSize { got: size });
            }
            if class.slots == 0 {
                return Err(ConfigError::NoSlots { slot_size: size });
            }
            last = size;
            slots += u64::from(class.slots);
            bytes += u64::from(class.slots) * u64::from(size);
        }
        if slots > MAX_SLOTS || bytes > MAX_SLAB_BYTES {
            return Err(ConfigError::SlabTooLarge { slots, bytes });
        }
        Ok(())
    }

    /// Returns the size of the largest slot of these classes in bytes: the length of the longest payload in one slot.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.classes
            .last()
            .map_or(0, |class| class.slot_size as usize)
    }

    /// Ring entries that [`Lane::Data`] must leave free.
    pub(crate) fn ring_reserve(&self, lane: Lane) -> u32 {
        match lane {
            Lane::Priority => 0,
            Lane::Data => self.ring_capacity / RESERVE_DIVISOR,
        }
    }
}

/// Why a [`SegmentConfig`] cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The ring capacity is not a power of two from 8 to 65536.
    #[error("a ring of {got} entries cannot be made: choose a power of two from {} to {}", RING_CAPACITY.start(), RING_CAPACITY.end())]
    RingCapacity {
        /// The value found.
        got: u32,
    },
    /// The call table has no entry or more than 2²⁰.
    #[error("a call table of {got} entries cannot be made: choose {} to {}", CALL_TABLE.start(), CALL_TABLE.end())]
    CallTable {
        /// The value found.
        got: u32,
    },
    /// There is no size class, or more than 16.
    #[error("{got} slot classes: choose 1 to {MAX_CLASSES}")]
    ClassCount {
        /// The number found.
        got: usize,
    },
    /// A slot size is not a power of two from 64 B to 1 GiB, or not larger than the class before.
    #[error("slots of {got} bytes cannot be made: sizes are powers of two from {} to {}, in ascending order", SLOT_SIZE.start(), SLOT_SIZE.end())]
    SlotSize {
        /// The value found.
        got: u32,
    },
    /// A class has no slots.
    #[error("the class of {slot_size} bytes has no slots: give it one or leave it out")]
    NoSlots {
        /// That class.
        slot_size: u32,
    },
    /// All classes together have more than 64 GiB, or more than 2²⁰ slots with the [`FRAGMENT_SLOTS`].
    #[error(
        "a slab of {slots} slots and {bytes} bytes is too large: at most {MAX_SLOTS} slots and {MAX_SLAB_BYTES} bytes"
    )]
    SlabTooLarge {
        /// Slots asked for.
        slots: u64,
        /// Bytes asked for.
        bytes: u64,
    },
}

const RING_CAPACITY: std::ops::RangeInclusive<u32> = 8..=1 << 16;
const CALL_TABLE: std::ops::RangeInclusive<u32> = 1..=1 << 20;
const SLOT_SIZE: std::ops::RangeInclusive<u32> = 64..=1 << 30;
pub(crate) const MAX_CLASSES: usize = 16;
/// Slots of all configured classes. With the fragment slots there are at most 2²⁰.
pub(crate) const MAX_SLOTS: u64 = (1 << 20) - FRAGMENT_SLOTS as u64;
const MAX_SLAB_BYTES: u64 = 64 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_used() {
        assert_eq!(SegmentConfig::default().validate(), Ok(()));
        assert_eq!(SegmentConfig::default().max_payload(), 64 << 20);
    }

    #[test]
    fn each_rule_has_its_error() {
        let base = SegmentConfig::default;
        let one = |slot_size, slots| base().with_classes([SizeClass { slot_size, slots }]);
        let pair = |a, b| {
            base().with_classes([a, b].map(|slot_size| SizeClass {
                slot_size,
                slots: 1,
            }))
        };
        let wrong = [
            (
                base().with_ring_capacity(0),
                ConfigError::RingCapacity { got: 0 },
            ),
            (
                base().with_ring_capacity(4),
                ConfigError::RingCapacity { got: 4 },
            ),
            (
                base().with_ring_capacity(100),
                ConfigError::RingCapacity { got: 100 },
            ),
            (base().with_call_table(0), ConfigError::CallTable { got: 0 }),
            (base().with_classes([]), ConfigError::ClassCount { got: 0 }),
            (one(32, 1), ConfigError::SlotSize { got: 32 }),
            (one(96, 1), ConfigError::SlotSize { got: 96 }),
            (one(64, 0), ConfigError::NoSlots { slot_size: 64 }),
            (pair(128, 128), ConfigError::SlotSize { got: 128 }),
            (
                one(64, 1 << 21),
                ConfigError::SlabTooLarge {
                    slots: 1 << 21,
                    bytes: 64 << 21,
                },
            ),
            (
                one(64, (1 << 20) - 7),
                ConfigError::SlabTooLarge {
                    slots: (1 << 20) - 7,
                    bytes: (64 << 20) - 7 * 64,
                },
            ),
            (
                one(1 << 30, 65),
                ConfigError::SlabTooLarge {
                    slots: 65,
                    bytes: 65 << 30,
                },
            ),
        ];
        for (config, error) in wrong {
            assert_eq!(config.validate(), Err(error));
        }
    }
}
