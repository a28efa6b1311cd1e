//! Free lists: which slot is allocated next, and which slots are idle. Plain data, without locks.
//!
//! - F1: a class that gives pages back is a stack (LIFO), so that few of its slots are in use. In any other class free
//!   slots are reused in FIFO order: the bytes of the slot freed last are in the caches of its reader, and writing them
//!   fetches each line from there. A slot that was never used comes after all that were.
//! - F2: [`Lane::Data`] never takes the last slots of a class, which its reserve keeps.
//! - F3: entries of a stack below its lowest height in a period were idle in that period. Classes that keep their
//!   pages have no idle slots.
//! - F4: of the idle slots of a class, one keeps its pages.
//! - F5: a slot's committed pages lie below the greatest length that it was taken for since it was last emptied.

use std::collections::VecDeque;
use std::ops::Range;

use crate::config::Lane;
use crate::layout::{Layout, Object};

/// The free slots of all classes.
#[derive(Debug)]
pub(crate) struct FreeLists {
    classes: Vec<FreeList>,
}

#[derive(Debug)]
struct FreeList {
    /// For a class that gives pages back: its free slots, the hottest last (F1).
    stack: Vec<u32>,
    /// For any other class: free slots that were used before, the next one first, and the never used ones (F1).
    used: VecDeque<u32>,
    unused: Range<u32>,
    reserve: usize,
    first: u32,
    /// For classes that give pages back: how many bytes of a slot may be committed (F5). Empty for other
    /// classes.
    committed: Vec<u32>,
    /// Lowest height of the stack in this period (F3).
    floor: usize,
}

/// The part of an idle slot whose pages are to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    pub(crate) index: u32,
    /// Bytes from the start of the slot that keep their pages.
    pub(crate) kept: u32,
    /// Bytes after those, which lose their pages.
    pub(crate) emptied: u32,
}

impl FreeLists {
    pub(crate) fn new(layout: &Layout) -> Self {
        let classes = layout.classes.iter().map(|place| {
            let slots = place.class.slots;
            let gives_pages_back = place.object == Object::LargeSlots;
            let (all, none) = (place.first..place.first + slots, place.first..place.first);
            let (stacked, unused) = if gives_pages_back {
                (all, none)
            } else {
                (none, all)
            };
            FreeList {
                stack: stacked.rev().collect(),
                used: VecDeque::new(),
                unused,
                reserve: place.class.reserve() as usize,
                first: place.first,
                committed: vec![0; if gives_pages_back { slots as usize } else { 0 }],
                floor: slots as usize,
            }
        });
        Self {
            classes: classes.collect(),
        }
    }

    /// Takes a slot of this class for `len` bytes; `None` if none is left for this lane (F2).
    pub(crate) fn take(&mut self, class: usize, lane: Lane, len: u32) -> Option<u32> {
        let list = self.classes.get_mut(class)?;
        let keep = match lane {
            Lane::Data => list.reserve,
            Lane::Priority => 0,
        };
        if list.free() <= keep {
            return None;
        }
        let index = match list.gives_pages_back() {
            true => list.stack.pop(),
            false => list.used.pop_front().or_else(|| list.unused.next()),
        }?;
        list.floor = list.floor.min(list.stack.len());
        if let Some(committed) = list.committed_mut(index) {
            *committed = len.next_multiple_of(PAGE).max(*committed);
        }
        Some(index)
    }

    /// Puts a slot back.
    pub(crate) fn put_back(&mut self, class: usize, index: u32) {
        if let Some(list) = self.classes.get_mut(class) {
            if list.gives_pages_back() {
                list.stack.push(index);
            } else {
                list.used.push_back(index);
            }
        }
    }

    /// Takes out a slot of this class that was idle throughout the period and has committed pages (F3, F4),
    /// to empty at most `budget` bytes of it, whole pages. [`emptied`](Self::emptied) puts it back.
    pub(crate) fn take_idle(&mut self, class: usize, budget: u32) -> Option<Idle> {
        let list = self.classes.get_mut(class)?;
        let idle = list.floor.min(list.stack.len().saturating_sub(1));
        let (place, index, committed) = list
            .stack
            .iter()
            .take(idle)
            .enumerate()
            .map(|(place, &index)| (place, index, list.committed(index)))
            .find(|&(_, _, committed)| committed > 0)?;
        list.floor -= 1;
        list.stack.remove(place);
        let emptied = committed.min(budget);
        Some(Idle {
            index,
            kept: committed - emptied,
            emptied,
        })
    }

    /// Puts back a slot from [`take_idle`](Self::take_idle), as the coldest of its class.
    pub(crate) fn emptied(&mut self, class: usize, idle: Idle) {
        if let Some(list) = self.classes.get_mut(class) {
            if let Some(committed) = list.committed_mut(idle.index) {
                *committed = idle.kept;
            }
            list.stack.insert(0, idle.index);
            list.floor += 1;
        }
    }

    /// Starts a new period (F3).
    pub(crate) fn begin_period(&mut self) {
        for list in &mut self.classes {
            list.floor = list.stack.len();
        }
    }

    /// Returns the number of classes.
    pub(crate) fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// Returns how many slots of a class are free.
    pub(crate) fn free(&self, class: usize) -> usize {
        self.classes.get(class).map_or(0, FreeList::free)
    }
}

impl FreeList {
    fn free(&self) -> usize {
        self.stack.len() + self.used.len() + self.unused.len()
    }

    fn gives_pages_back(&self) -> bool {
        !self.committed.is_empty()
    }

    fn committed(&self, index: u32) -> u32 {
        let place = index.wrapping_sub(self.first) as usize;
        self.committed.get(place).copied().unwrap_or(0)
    }

    fn committed_mut(&mut self, index: u32) -> Option<&mut u32> {
        let place = index.wrapping_sub(self.first) as usize;
        self.committed.get_mut(place)
    }
}

/// Granularity in bytes in which pages are given back. On machines with larger pages, emptying a part of a
/// page gives nothing back, and is harmless.
const PAGE: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SegmentConfig, SizeClass};
    use crate::layout::LARGE_SLOT;

    /// Returns what is taken from a class of four slots of that size after the second and then the first came back.
    fn next_after_two(slot_size: u32) -> [Option<u32>; 2] {
        let class = SizeClass {
            slot_size,
            slots: 4,
        };
        let config = SegmentConfig::default().with_classes([class]);
        let mut lists = FreeLists::new(&Layout::of(&config));
        let first = lists.take(0, Lane::Priority, 1).unwrap();
        let second = lists.take(0, Lane::Priority, 1).unwrap();
        assert_eq!((first, second), (0, 1));
        lists.put_back(0, second);
        lists.put_back(0, first);
        assert_eq!(lists.free(0), 4);
        [(); 2].map(|()| lists.take(0, Lane::Priority, 1))
    }

    #[test]
    fn the_slot_freed_first_is_used_first_and_before_any_that_never_was() {
        assert_eq!(next_after_two(64 << 10), [Some(1), Some(0)]);
    }

    #[test]
    fn of_a_class_that_gives_pages_back_the_slot_freed_last_is_used_first() {
        assert_eq!(next_after_two(LARGE_SLOT), [Some(0), Some(1)]);
    }

    #[test]
    fn the_reserve_counts_used_and_unused_slots_alike() {
        let class = SizeClass {
            slot_size: 1 << 10,
            slots: 8,
        };
        let config = SegmentConfig::default().with_classes([class]);
        let mut lists = FreeLists::new(&Layout::of(&config));
        let taken = [(); 8].map(|()| lists.take(0, Lane::Data, 1));
        assert_eq!(taken.iter().flatten().count(), 7);
        assert!(lists.take(0, Lane::Priority, 1).is_some());
        lists.put_back(0, 3);
        assert_eq!(lists.take(0, Lane::Data, 1), None);
        lists.put_back(0, 4);
        assert_eq!(lists.take(0, Lane::Data, 1), Some(3));
    }
}
