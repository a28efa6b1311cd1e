//! Which slot comes next, and which has been idle: the slab's decisions, without its locks.
//!
//! - F1: each class is a stack, so the slot freed last, whose bytes are in the caches, is used first.
//! - F2: [`Lane::Data`] never takes the last slots of a class that its reserve keeps.
//! - F3: entries of a stack below its lowest height in a period were not used in that period.
//! - F4: of the idle slots of a class, one keeps its pages.
//! - F5: a slot's pages lie below the highest length it was taken for since it last had none.

use crate::config::Lane;
use crate::layout::{Layout, Object};

/// The free slots of all classes.
#[derive(Debug)]
pub(crate) struct FreeLists {
    classes: Vec<FreeList>,
}

#[derive(Debug)]
struct FreeList {
    /// Slot indices, the hottest last (F1).
    stack: Vec<u32>,
    reserve: usize,
    first: u32,
    /// For classes that give pages back: how many bytes of a slot may have some (F5). Empty for the
    /// others.
    committed: Vec<u32>,
    /// Lowest height of the stack in this period (F3).
    floor: usize,
}

/// A part of an idle slot that is to give its pages back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    pub(crate) index: u32,
    /// Bytes from the start of the slot that keep their pages.
    pub(crate) kept: u32,
    /// Bytes after those that lose them.
    pub(crate) emptied: u32,
}

impl FreeLists {
    pub(crate) fn new(layout: &Layout) -> Self {
        let classes = layout.classes.iter().map(|place| {
            let slots = place.class.slots;
            let gives_back = place.object == Object::Bulk;
            FreeList {
                stack: (place.first..place.first + slots).rev().collect(),
                reserve: place.class.reserve() as usize,
                first: place.first,
                committed: vec![0; if gives_back { slots as usize } else { 0 }],
                floor: slots as usize,
            }
        });
        Self {
            classes: classes.collect(),
        }
    }

    /// Takes a slot of this class for `len` bytes, unless it has none left for this lane (F2).
    pub(crate) fn take(&mut self, class: usize, lane: Lane, len: u32) -> Option<u32> {
        let list = self.classes.get_mut(class)?;
        let keep = match lane {
            Lane::Data => list.reserve,
            Lane::Priority => 0,
        };
        if list.stack.len() <= keep {
            return None;
        }
        let index = list.stack.pop()?;
        list.floor = list.floor.min(list.stack.len());
        if let Some(committed) = list.committed_mut(index) {
            *committed = len.next_multiple_of(PAGE).max(*committed);
        }
        Some(index)
    }

    /// Puts a slot back.
    pub(crate) fn give(&mut self, class: usize, index: u32) {
        if let Some(list) = self.classes.get_mut(class) {
            list.stack.push(index);
        }
    }

    /// Takes out a slot of this class that was idle all through the period and has pages to give
    /// back (F3, F4), to empty at most `budget` bytes of it, whole pages. It comes back through
    /// [`emptied`](Self::emptied).
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

    /// Puts back what [`take_idle`](Self::take_idle) took, coldest of its class.
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

    /// How many classes there are.
    pub(crate) fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// How many slots of a class are free.
    pub(crate) fn free(&self, class: usize) -> usize {
        self.classes.get(class).map_or(0, |list| list.stack.len())
    }
}

impl FreeList {
    fn committed(&self, index: u32) -> u32 {
        let place = index.wrapping_sub(self.first) as usize;
        self.committed.get(place).copied().unwrap_or(0)
    }

    fn committed_mut(&mut self, index: u32) -> Option<&mut u32> {
        let place = index.wrapping_sub(self.first) as usize;
        self.committed.get_mut(place)
    }
}

/// What pages are given back in, in bytes. On machines with larger pages, emptying a part of one
/// gives nothing back, and is not wrong.
const PAGE: u32 = 4096;
