//! The layout of a half: offsets computed from a [`SegmentConfig`].
//!
//! A half is two memory objects, both written by its owner alone:
//!
//! - the *control region*: the shared words, the ring, the slots of classes below [`LARGE_SLOT`], and the fragment
//!   slots;
//! - the *large-slot region*: the slots of all larger classes, which can give their pages back.
//!
//! The handbook's page `docs/memory.md` takes this table from here. `C` is the number of entries of the call table, `S`
//! the number of slots, fragment slots included, rounded up to a power of two, `R` the capacity of the ring:
//!
//! | offset | bytes | what | the owner stores it | the other side loads it |
//! |---|---|---|---|---|
//! | 0 | 4 | tail | publishing | receiving |
//! | 128 | 4 | head, in the other's ring | after each batch | when the ring seems full |
//! | 256 | 4 | armed: receiver | before sleeping, on waking | after publishing |
//! | 384 | 4 | armed: producer | before waiting for room or slots, when nobody waits | after consuming or returning |
//! | 512 | 4 | returns tail | returning a slot | collecting slots |
//! | 640 | 4 | heartbeat | four times a second | watching for an unresponsive peer |
//! | 4096 | 4 × `C` | start markers | beginning a call | after a death |
//! | next line | 8 × `S` | return ring | returning a slot | collecting slots |
//! | next line | 64 × `R` | descriptor ring | publishing | receiving |
//! | next page | | slots | writing a payload | reading it |
//! | next page | 8 × 64 KiB | fragment slots | writing a part of a payload | copying it out |
//!
//! - L1: every area starts on its own cache line and ends inside its object.
//! - L2: offsets depend on the configuration alone, never on a value in the segment.
//! - L3: words written by different parties lie on different pairs of cache lines, since processors
//!   fetch lines in pairs.
//! - L4: the fragment slots come after all other slots, in the control region and in the numbering. No length gets one.

use crate::config::{FRAGMENTS, SegmentConfig, SizeClass};

/// Version of everything that two processes must agree on: this module, the descriptor, the control
/// messages. Every change of these raises it.
pub const LAYOUT_VERSION: u32 = 3;

/// Slots of this size and above lie in the large-slot region.
pub(crate) const LARGE_SLOT: u32 = 1 << 20;

/// Producer cursor of the owner's ring.
pub(crate) const TAIL: usize = 0;
/// The owner's consumer cursor in the other half's ring.
pub(crate) const HEAD: usize = 128;
/// Epoch: the owner sleeps until the other side publishes.
pub(crate) const RECEIVER_ARMED: usize = 256;
/// Epoch: the owner waits for ring room or slots.
pub(crate) const PRODUCER_ARMED: usize = 384;
/// Producer cursor of the owner's return ring.
pub(crate) const RETURNS_TAIL: usize = 512;
/// Heartbeat of the owner's executor.
pub(crate) const HEARTBEAT: usize = 640;
/// First start marker.
pub(crate) const START_MARKERS: usize = 4096;

/// Bytes in a descriptor.
pub(crate) const DESCRIPTOR: usize = 64;
/// Bytes in an entry of the return ring: slot index, slot generation.
pub(crate) const RETURN: usize = 8;

const LINE: usize = 64;
pub(crate) const PAGE: usize = 4096;

/// One of the two objects of a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Object {
    /// The control region.
    Control,
    /// The large-slot region.
    LargeSlots,
}

/// One slot class in a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClassPlace {
    pub(crate) class: SizeClass,
    /// Index of its first slot.
    pub(crate) first: u32,
    pub(crate) object: Object,
    /// Offset of its first slot in the object.
    pub(crate) offset: usize,
}

/// The place of one slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotPlace {
    /// Index of its class.
    pub(crate) class: usize,
    pub(crate) object: Object,
    /// Offset of its first byte in the object.
    pub(crate) offset: usize,
    /// Size in bytes.
    pub(crate) size: u32,
}

/// The offsets of a half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) call_table: u32,
    pub(crate) ring_capacity: u32,
    /// Entries of the return ring: at least as many as slots, so that it is never full.
    pub(crate) returns_capacity: u32,
    pub(crate) returns: usize,
    pub(crate) ring: usize,
    /// The configured classes, and last that of the fragment slots (L4).
    pub(crate) classes: Vec<ClassPlace>,
    /// All slots, fragment slots included.
    pub(crate) slots: u32,
    pub(crate) control_len: usize,
    pub(crate) large_slots_len: usize,
}

impl Layout {
    /// Lays out a configuration that [`validate`](SegmentConfig::validate) accepted.
    pub(crate) fn of(config: &SegmentConfig) -> Self {
        let all_classes = || config.classes.iter().copied().chain([FRAGMENTS]); // L4
        let slots: u32 = all_classes().map(|class| class.slots).sum();
        let returns_capacity = slots.next_power_of_two();
        let returns = (START_MARKERS + config.call_table as usize * 4).next_multiple_of(LINE);
        let ring = (returns + returns_capacity as usize * RETURN).next_multiple_of(LINE);
        let ring_end = ring + config.ring_capacity as usize * DESCRIPTOR;
        let mut control_len = ring_end.next_multiple_of(PAGE);
        let mut large_slots_len = 0;
        let mut first = 0;
        let mut classes = Vec::with_capacity(config.classes.len() + 1);
        for class in all_classes() {
            let (object, end) = if class.slot_size < LARGE_SLOT {
                (Object::Control, &mut control_len)
            } else {
                (Object::LargeSlots, &mut large_slots_len)
            };
            classes.push(ClassPlace {
                class,
                first,
                object,
                offset: *end,
            });
            *end += (class.slot_size as usize * class.slots as usize).next_multiple_of(PAGE);
            first += class.slots;
        }
        Self {
            call_table: config.call_table,
            ring_capacity: config.ring_capacity,
            returns_capacity,
            returns,
            ring,
            classes,
            slots,
            control_len,
            // An empty object cannot be mapped.
            large_slots_len: large_slots_len.max(PAGE),
        }
    }

    /// Returns the class of a slot, if there is such a slot.
    pub(crate) fn class_of(&self, index: u32) -> Option<usize> {
        if index >= self.slots {
            return None;
        }
        let after = self.classes.partition_point(|place| place.first <= index);
        after.checked_sub(1)
    }

    /// Returns the place of a slot, if there is such a slot.
    pub(crate) fn slot(&self, index: u32) -> Option<SlotPlace> {
        let class = self.class_of(index)?;
        let place = self.classes.get(class)?;
        let size = place.class.slot_size;
        Some(SlotPlace {
            class,
            object: place.object,
            offset: place.offset + (index - place.first) as usize * size as usize,
            size,
        })
    }

    /// Returns the smallest configured class whose slots hold `len` bytes.
    pub(crate) fn class_for(&self, len: usize) -> Option<usize> {
        let (_, configured) = self.classes.split_last()?;
        let class = configured.partition_point(|place| (place.class.slot_size as usize) < len);
        (class < configured.len()).then_some(class)
    }

    /// Returns the class of the fragment slots (L4).
    pub(crate) fn fragments(&self) -> usize {
        self.classes.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use rapace_layering::{assert_table, module_tables};

    use super::*;
    use crate::config::{FRAGMENT_SIZE, FRAGMENT_SLOTS, MAX_SLOTS};

    const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/layout.rs");
    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/memory.md");

    /// Formats a number with commas between thousands.
    fn number(value: usize) -> String {
        match value {
            0..1000 => value.to_string(),
            _ => format!("{},{:03}", number(value / 1000), value % 1000),
        }
    }

    fn size(bytes: u32) -> String {
        match bytes {
            bytes if bytes < LARGE_SLOT => format!("{} KiB", bytes >> 10),
            bytes => format!("{} MiB", bytes >> 20),
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "reads files")]
    fn the_page_has_the_offsets_of_the_code() {
        let tables = module_tables(SOURCE).unwrap();
        assert_table(PAGE, &tables[0]);
        let first = |row: &str| row.split('|').nth(1).map(|cell| cell.trim().to_owned());
        let offsets = tables[0].lines().skip(2).filter_map(first);
        let offsets = offsets.filter_map(|cell| cell.parse().ok());
        let offsets_in_code = [
            TAIL,
            HEAD,
            RECEIVER_ARMED,
            PRODUCER_ARMED,
            RETURNS_TAIL,
            HEARTBEAT,
            START_MARKERS,
        ];
        assert_eq!(offsets.collect::<Vec<usize>>(), offsets_in_code);
        assert!(tables[0].contains(&format!("| {RETURN} × `S` |")));
        assert!(tables[0].contains(&format!("| {DESCRIPTOR} × `R` |")));
        let fragments = format!("| {FRAGMENT_SLOTS} × {} | fragment", size(FRAGMENT_SIZE));
        assert!(tables[0].contains(&fragments));
    }

    #[test]
    #[cfg_attr(miri, ignore = "reads files")]
    fn the_page_has_the_offsets_of_the_default_configuration() {
        let layout = Layout::of(&SegmentConfig::default());
        let Layout {
            call_table,
            ring_capacity,
            returns_capacity,
            returns,
            ring,
            slots,
            ..
        } = layout;
        let row = |what: String, from: usize, end: usize| {
            format!("| {what} | {} | {} |", number(from), number(end))
        };
        let mut rows = vec![
            "| what | begins at | ends at |".to_owned(),
            "|---|---|---|".to_owned(),
            row(
                format!("start markers, {call_table}"),
                START_MARKERS,
                START_MARKERS + call_table as usize * 4,
            ),
            row(
                format!("return ring, {returns_capacity} entries for {slots} slots"),
                returns,
                returns + returns_capacity as usize * RETURN,
            ),
            row(
                format!("descriptor ring, {ring_capacity} entries"),
                ring,
                ring + ring_capacity as usize * DESCRIPTOR,
            ),
        ];
        let mut large_slots = Vec::new();
        for (nth, place) in layout.classes.iter().enumerate() {
            let SizeClass {
                slot_size, slots, ..
            } = place.class;
            let kind = if nth == layout.fragments() {
                "fragment slots"
            } else {
                "slots"
            };
            match place.object {
                Object::Control => rows.push(row(
                    format!("{slots} {kind} of {}", size(slot_size)),
                    place.offset,
                    place.offset + slot_size as usize * slots as usize,
                )),
                Object::LargeSlots => large_slots.push(format!("{slots} × {}", size(slot_size))),
            }
        }
        rows.push(row(
            format!("in the large-slot region: {}", large_slots.join(", ")),
            0,
            layout.large_slots_len,
        ));
        assert_table(PAGE, &rows.join("\n"));
    }

    #[test]
    #[cfg_attr(miri, ignore = "two thousand slots, and nothing unsafe")]
    fn areas_and_slots_neither_overlap_nor_leave_their_object() {
        let layout = Layout::of(&SegmentConfig::default());
        let mut control = vec![
            (0, START_MARKERS),
            (START_MARKERS, layout.call_table as usize * 4),
            (layout.returns, layout.returns_capacity as usize * RETURN),
            (layout.ring, layout.ring_capacity as usize * DESCRIPTOR),
        ];
        let mut large_slots = Vec::new();
        for index in 0..layout.slots {
            let place = layout.slot(index).expect("index is in range");
            match place.object {
                Object::Control => control.push((place.offset, place.size as usize)),
                Object::LargeSlots => large_slots.push((place.offset, place.size as usize)),
            }
        }
        for (areas, len) in [
            (control, layout.control_len),
            (large_slots, layout.large_slots_len),
        ] {
            let mut end = 0;
            for (offset, size) in areas {
                assert!(offset >= end, "{offset} lies before {end}");
                assert_eq!(offset % LINE, 0);
                end = offset + size;
            }
            assert!(end <= len);
        }
    }

    /// L4
    #[test]
    fn fragment_slots_lie_behind_all_other_slots_and_are_numbered_after_them() {
        let class = |slot_size, slots| SizeClass { slot_size, slots };
        for config in [
            SegmentConfig::default(),
            SegmentConfig::default().with_classes([class(64, 3)]),
            SegmentConfig::default().with_classes([class(64 << 10, 1), class(1 << 20, 2)]),
            SegmentConfig::default().with_classes([class(1 << 20, 2)]),
        ] {
            let layout = Layout::of(&config);
            let (fragments, configured) = layout.classes.split_last().unwrap();
            // The configured slots begin behind the ring, as they would without fragment slots.
            let ring_end = layout.ring + layout.ring_capacity as usize * DESCRIPTOR;
            let mut ends = [ring_end.next_multiple_of(super::PAGE), 0];
            let mut first = 0;
            for (place, class) in configured.iter().zip(&config.classes) {
                let end = &mut ends[usize::from(place.object == Object::LargeSlots)];
                assert_eq!(
                    (place.class, place.first, place.offset),
                    (*class, first, *end)
                );
                let bytes = class.slot_size as usize * class.slots as usize;
                *end += bytes.next_multiple_of(super::PAGE);
                first += class.slots;
            }
            let [control_end, _] = ends;
            let expected = ClassPlace {
                class: class(64 << 10, 8),
                first,
                object: Object::Control,
                offset: control_end,
            };
            assert_eq!(*fragments, expected);
            assert_eq!(layout.control_len, control_end + (512 << 10));
            assert_eq!(layout.slots, first + 8);
            assert!(layout.returns_capacity >= layout.slots);
            for index in first..layout.slots {
                assert_eq!(layout.class_of(index), Some(layout.fragments()));
            }
            assert_eq!(layout.class_of(first - 1), Some(layout.fragments() - 1));
        }
    }

    /// C1
    #[test]
    fn the_largest_slab_has_room_for_all_its_returns() {
        let class = SizeClass {
            slot_size: 64,
            slots: MAX_SLOTS as u32,
        };
        let config = SegmentConfig::default().with_classes([class]);
        assert_eq!(config.validate(), Ok(()));
        let layout = Layout::of(&config);
        assert_eq!((layout.slots, layout.returns_capacity), (1 << 20, 1 << 20));
    }

    #[test]
    fn a_length_gets_the_smallest_class_that_holds_it() {
        let layout = Layout::of(&SegmentConfig::default());
        assert_eq!(layout.class_for(0), Some(0));
        assert_eq!(layout.class_for(1024), Some(0));
        assert_eq!(layout.class_for(1025), Some(1));
        assert_eq!(layout.class_for(64 << 20), Some(8));
        assert_eq!(layout.class_for((64 << 20) + 1), None);
        // No length gets a fragment slot, even if it fits one and no other.
        let class = SizeClass {
            slot_size: 1024,
            slots: 1,
        };
        let layout = Layout::of(&SegmentConfig::default().with_classes([class]));
        assert_eq!(layout.class_for(1024), Some(0));
        assert_eq!(layout.class_for(1025), None);
    }

    #[test]
    fn a_slot_that_does_not_exist_has_no_place() {
        let layout = Layout::of(&SegmentConfig::default());
        assert!(layout.slot(layout.slots - 1).is_some());
        assert_eq!(layout.slot(layout.slots), None);
        assert_eq!(layout.slot(u32::MAX), None);
    }
}
