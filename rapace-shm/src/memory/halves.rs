//! The two mapped halves, and the views of them that ring, slab and doorbell use.
//!
//! | view          | half  | is                                            |
//! |---------------|-------|-----------------------------------------------|
//! | [`RingOut`]   | both  | our ring and tail, the peer's head            |
//! | [`RingIn`]    | both  | the peer's ring and tail, our head            |
//! | [`ReturnsOut`]| own   | our return ring: the peer's slots going back  |
//! | [`ReturnsIn`] | peer  | the peer's return ring: our slots coming back |
//! | [`OwnWord`], [`PeerWord`] | one | an armed word                       |

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use nix::fcntl::{FallocateFlags, fallocate};

use crate::crash_points::point::CrashPoint;
use crate::layout::{
    DESCRIPTOR, HEAD, HEARTBEAT, Layout, Object, PAGE, PRODUCER_ARMED, RECEIVER_ARMED, RETURN,
    RETURNS_TAIL, START_MARKERS, SlotPlace, TAIL,
};
use crate::memory::mapping::{OwnMap, PeerMap};
use crate::ring::armed_flag::{ArmWord, PeerArmWord};
use crate::ring::descriptor::Entry;
use crate::ring::return_ring::ReturnMemory;
use crate::ring::spsc::{ConsumerMemory, ProducerMemory};
use crate::ring::start_markers::{PeerStartMarkers, StartMarkers};
use crate::sync::Ordering;
use crate::sync::orderings;

/// The half that this process writes.
#[derive(Debug)]
pub(crate) struct OwnHalf {
    pub(crate) layout: Arc<Layout>,
    pub(crate) control: OwnMap,
    pub(crate) large_slots: OwnMap,
    /// The object of the large-slot region, if its seals allow holes to be punched.
    pub(crate) reclaim: Option<OwnedFd>,
    /// Value of our heartbeat.
    pub(crate) heartbeats: AtomicU32,
}

/// The half that the other process writes.
#[derive(Debug)]
pub(crate) struct PeerHalf {
    pub(crate) layout: Arc<Layout>,
    pub(crate) control: PeerMap,
    pub(crate) large_slots: PeerMap,
    /// The objects, if payloads are copied out.
    pub(crate) files: Option<Files>,
}

/// The objects of the peer's half, for reading with `pread`. A page that was never written then reads as
/// zeros; through a mapping it would be allocated first, and charged to the reader.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) control: File,
    pub(crate) large_slots: File,
}

impl Files {
    pub(crate) fn new(control: &OwnedFd, large_slots: &OwnedFd) -> io::Result<Self> {
        Ok(Self {
            control: control.try_clone()?.into(),
            large_slots: large_slots.try_clone()?.into(),
        })
    }

    /// Appends bytes to `copy`, each read once, and returns how many.
    fn read(&self, object: Object, start: usize, len: usize, copy: &mut Vec<u8>) -> usize {
        let file = match object {
            Object::Control => &self.control,
            Object::LargeSlots => &self.large_slots,
        };
        let mut done = 0;
        while done < len {
            // A part that was just cleared is still in the caches when it is written.
            let part = (len - done).min(READ_AT_ONCE);
            let before = copy.len();
            copy.resize(before + part, 0);
            let place = copy.get_mut(before..).unwrap_or_default();
            let read = file.read_at(place, (start + done) as u64).unwrap_or(0);
            done += read;
            if read < part {
                copy.truncate(before + read);
                break;
            }
        }
        done
    }
}

impl OwnHalf {
    /// Increments our heartbeat.
    pub(crate) fn heartbeat(&self) {
        let heartbeats = self
            .heartbeats
            .fetch_add(1, orderings::RELAXED)
            .wrapping_add(1);
        let control = &self.control;
        control.store(
            CrashPoint::Heartbeat,
            HEARTBEAT,
            heartbeats,
            orderings::RELAXED,
        );
    }

    /// Gives the pages of a range of a free large slot back.
    pub(crate) fn punch(&self, place: SlotPlace, range: Range<u32>) {
        let Some(object) = &self.reclaim else { return };
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let start = place.offset as i64 + i64::from(range.start);
        let punched =
            CrashPoint::Hole.around(|| fallocate(object, hole, start, range.len() as i64));
        if let Err(error) = punched {
            tracing::warn!(%error, "an idle slot could not give its pages back");
        }
    }

    /// Commits the pages that every session touches at once: the words, and the starts of both rings and of the
    /// small classes.
    pub(crate) fn prefault(&self) {
        for (offset, len) in hot_ranges(&self.layout) {
            self.control.populate(offset, len);
        }
    }
}

impl PeerHalf {
    /// Returns the object that a slot lies in.
    pub(crate) fn object(&self, object: Object) -> &PeerMap {
        match object {
            Object::Control => &self.control,
            Object::LargeSlots => &self.large_slots,
        }
    }

    /// Appends bytes of a slot to `copy`, each read once, while the peer may be writing them.
    pub(crate) fn copy_out(&self, index: u32, offset: usize, len: usize, copy: &mut Vec<u8>) {
        let Some(place) = self.layout.slot(index) else {
            return;
        };
        let start = place.offset + offset;
        let read = match &self.files {
            Some(files) if place.size >= READ_FROM => files.read(place.object, start, len, copy),
            _ => 0,
        };
        // If the kernel refuses, the rest is copied as from a small slot.
        self.object(place.object)
            .copy_out(start + read, len - read, copy);
    }

    /// Returns the peer's heartbeat.
    pub(crate) fn heartbeat(&self) -> u32 {
        self.control.load(HEARTBEAT)
    }

    /// Like [`OwnHalf::prefault`], for our page tables.
    pub(crate) fn prefault(&self) {
        for (offset, len) in hot_ranges(&self.layout) {
            self.control.populate(offset, len);
        }
    }
}

/// Returns the pages that small calls use: those of the words, and the first pages of the start markers, of both
/// rings, and of the small classes. The first calls find these mapped; later ones take a page fault now and then.
/// An idle session should use little memory, and each of these pages counts on both sides. Adjacent pages become
/// one range, since each range is a system call at every start.
fn hot_ranges(layout: &Layout) -> Vec<(usize, usize)> {
    let starts = [0, START_MARKERS, layout.returns, layout.ring];
    let classes = layout.classes.iter();
    let slots = classes
        .filter(|place| place.class.slot_size as usize <= PAGE)
        .map(|place| place.offset);
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for start in starts.into_iter().chain(slots) {
        let start = start / PAGE * PAGE;
        match ranges.last_mut() {
            Some((first, len)) if start <= *first + *len => {
                *len = (start + PAGE - *first).max(*len)
            }
            _ => ranges.push((start, PAGE)),
        }
    }
    ranges
}

/// Slots of this size and above are read with `pread`. From 256 KiB on that takes as long as copying by words: 1.2
/// times a `memcpy` of pages that this process has not touched before, as copying does; and 1.4 to 1.8 times one in
/// the caches, where copying takes 1.7 to 2.1. Below, the system call and the page look-ups dominate: 1.35 against
/// 1.3 with 64 KiB, 2.4 against 1.1 with 4 KiB, 5 against 2.7 in the caches.
const READ_FROM: u32 = 256 << 10;

const READ_AT_ONCE: usize = 64 << 10;

/// Our ring, for publishing.
#[derive(Debug)]
pub(crate) struct RingOut {
    pub(crate) own: Arc<OwnHalf>,
    pub(crate) peer: Arc<PeerHalf>,
}

impl ProducerMemory for RingOut {
    type Entry = Entry;

    fn write(&self, place: u32, entry: &Entry) {
        let start = self.own.layout.ring + place as usize * DESCRIPTOR;
        self.own.control.store_wide(CrashPoint::Entry, start, entry);
    }

    fn store_tail(&self, tail: u32, ordering: Ordering) {
        let control = &self.own.control;
        control.store(CrashPoint::Tail, TAIL, tail, ordering);
    }

    fn load_head(&self) -> u32 {
        self.peer.control.load(HEAD)
    }
}

/// The peer's ring, for consuming.
#[derive(Debug)]
pub(crate) struct RingIn {
    pub(crate) own: Arc<OwnHalf>,
    pub(crate) peer: Arc<PeerHalf>,
}

impl ConsumerMemory for RingIn {
    type Entry = Entry;

    fn load_tail(&self) -> u32 {
        self.peer.control.load(TAIL)
    }

    fn read(&self, place: u32) -> Entry {
        let start = self.peer.layout.ring + place as usize * DESCRIPTOR;
        self.peer.control.load_wide(start)
    }

    fn store_head(&self, head: u32, ordering: Ordering) {
        let control = &self.own.control;
        control.store(CrashPoint::Head, HEAD, head, ordering);
    }
}

/// Our return ring.
#[derive(Debug)]
pub(crate) struct ReturnsOut(pub(crate) Arc<OwnHalf>);

impl ReturnMemory for ReturnsOut {
    fn write(&self, place: u32, entry: u64) {
        let place = self.0.layout.returns + place as usize * RETURN;
        let control = &self.0.control;
        control.store_wide(CrashPoint::ReturnEntry, place, &[entry]);
    }

    fn store_tail(&self, tail: u32, ordering: Ordering) {
        let control = &self.0.control;
        control.store(CrashPoint::ReturnsTail, RETURNS_TAIL, tail, ordering);
    }
}

/// The peer's return ring.
#[derive(Debug)]
pub(crate) struct ReturnsIn(pub(crate) Arc<PeerHalf>);

impl ConsumerMemory for ReturnsIn {
    type Entry = u64;

    fn load_tail(&self) -> u32 {
        self.0.control.load(RETURNS_TAIL)
    }

    fn read(&self, place: u32) -> u64 {
        let place = self.0.layout.returns + place as usize * RETURN;
        let [entry] = self.0.control.load_wide(place);
        entry
    }

    /// Does nothing: a return ring is never full, so nobody waits for room in it.
    fn store_head(&self, _: u32, _: Ordering) {}
}

/// Our start markers, for the peer's calls.
impl StartMarkers for OwnHalf {
    fn store(&self, call: u32, generation: u32) {
        let offset = START_MARKERS + call as usize * 4;
        let control = &self.control;
        control.store(
            CrashPoint::StartMarker,
            offset,
            generation,
            orderings::RELAXED,
        );
    }
}

/// The peer's start markers, for our calls.
impl PeerStartMarkers for PeerHalf {
    fn load(&self, call: u32) -> u32 {
        self.control.load(START_MARKERS + call as usize * 4)
    }
}

/// One of our armed words.
#[derive(Debug)]
pub(crate) struct OwnWord {
    half: Arc<OwnHalf>,
    point: CrashPoint,
    offset: usize,
}

impl OwnWord {
    /// The word of our receiver.
    pub(crate) fn receiver(half: &Arc<OwnHalf>) -> Self {
        Self {
            half: Arc::clone(half),
            point: CrashPoint::ReceiverArmed,
            offset: RECEIVER_ARMED,
        }
    }

    /// The word of our producers and of the waiters for slots.
    pub(crate) fn producer(half: &Arc<OwnHalf>) -> Self {
        Self {
            half: Arc::clone(half),
            point: CrashPoint::ProducerArmed,
            offset: PRODUCER_ARMED,
        }
    }
}

impl ArmWord for OwnWord {
    fn store(&self, epoch: u32) {
        let control = &self.half.control;
        control.store(self.point, self.offset, epoch, orderings::RELAXED);
    }
}

/// One of the peer's armed words.
#[derive(Debug)]
pub(crate) struct PeerWord {
    pub(crate) half: Arc<PeerHalf>,
    pub(crate) offset: usize,
}

impl PeerArmWord for PeerWord {
    fn load(&self) -> u32 {
        self.half.control.load(self.offset)
    }
}
