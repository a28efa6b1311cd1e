//! A scripted peer: it has joined a segment, and writes arbitrary values into its half.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tokio::io::Interest;

use crate::crash_points::point::CrashPoint;
use crate::doorbell::liveness::PeerWatch;
use crate::kernel;
use crate::layout::{DESCRIPTOR, Layout, Object, RETURN, RETURNS_TAIL, TAIL};
use crate::link::receiver::Receiver;
use crate::link::sender::Sender;
use crate::memory::halves::PeerHalf;
use crate::memory::mapping::{OwnMap, PeerMap};
use crate::memory::segment::{PeerA, Segment};
use crate::ring::descriptor::Entry;
use crate::{Link, SegmentConfig, SizeClass, Trust};

/// The host's end, as any user has it.
pub(crate) struct Host {
    pub(crate) out: Sender,
    pub(crate) inbound: Receiver,
    /// Keeps the link alive as a host does.
    #[cfg_attr(not(test), expect(dead_code, reason = "the unit tests watch"))]
    pub(crate) watch: PeerWatch,
}

/// The other end, which follows no rules.
pub(crate) struct Scripted {
    pub(crate) layout: Arc<Layout>,
    /// Its own half.
    pub(crate) control: OwnMap,
    pub(crate) large_slots: OwnMap,
    /// Its own half once more, for reading.
    pub(crate) mirror: PeerHalf,
    /// The host's half.
    pub(crate) theirs: PeerHalf,
    pub(crate) doorbells: Option<Doorbells>,
    pub(crate) socket: Option<OwnedFd>,
    /// Its cursors: where it publishes next, returns next, and reads next.
    pub(crate) tail: u32,
    pub(crate) returns: u32,
    pub(crate) head: u32,
    /// Whether it has lied about the host's entries or slots, so that the host may reuse slots that it
    /// still reads.
    pub(crate) lied: bool,
}

/// Its ends of the two doorbells.
pub(crate) struct Doorbells {
    /// Rings the host.
    pub(crate) ring: OwnedFd,
    /// The end at which it could wait.
    #[cfg_attr(not(test), expect(dead_code, reason = "held open"))]
    pub(crate) wait: OwnedFd,
}

pub(crate) fn small(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_call_table(4)
        .with_classes([class(64, 4), class(4096, 4), class(1 << 20, 2)])
        .with_trust(trust)
}

/// Index of the first fragment slot of [`small`].
#[cfg(test)]
pub(crate) const FIRST_FRAGMENT: u32 = 10;

/// Slots of a half of [`small`].
#[cfg(test)]
pub(crate) const SLOTS: u32 = FIRST_FRAGMENT + crate::FRAGMENT_SLOTS;

/// Entries of its return ring.
#[cfg(test)]
pub(crate) const RETURNS: u32 = SLOTS.next_power_of_two();

/// Creates a host, and a scripted peer. Needs a runtime.
pub(crate) fn against(trust: Trust) -> (Host, Scripted) {
    let (segment, fds) = Segment::<PeerA>::create(&small(trust)).unwrap();
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, socket) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    let layout = Arc::clone(&segment.own.layout);
    let view = |control, large_slots| PeerHalf {
        control: PeerMap::new(control, layout.control_len).unwrap(),
        large_slots: PeerMap::new(large_slots, layout.large_slots_len).unwrap(),
        files: None,
        layout: Arc::clone(&layout),
    };
    let scripted = Scripted {
        control: OwnMap::new(&fds.b_control, layout.control_len).unwrap(),
        large_slots: OwnMap::new(&fds.b_large_slots, layout.large_slots_len).unwrap(),
        mirror: view(&fds.b_control, &fds.b_large_slots),
        theirs: view(&fds.a_control, &fds.a_large_slots),
        layout,
        doorbells: Some(Doorbells {
            ring: fds.ring_a,
            wait: fds.wait_b,
        }),
        socket: Some(socket),
        tail: 0,
        returns: 0,
        head: 0,
        lied: false,
    };
    let ours = kernel::register(ours, Interest::READABLE).unwrap();
    let (out, inbound, watch) = Link::new(segment, ours, None).unwrap().split();
    let host = Host {
        out,
        inbound,
        watch,
    };
    (host, scripted)
}

impl Scripted {
    /// Stores any value in any word of its half.
    pub(crate) fn poke(&self, offset: usize, value: u32) {
        self.control
            .store(CrashPoint::Tail, offset, value, Ordering::SeqCst);
    }

    /// Publishes any 64 bytes.
    pub(crate) fn publish(&mut self, entry: &Entry) {
        self.overwrite(self.tail, entry);
        self.tail = self.tail.wrapping_add(1);
        self.poke(TAIL, self.tail);
    }

    /// Writes an entry of its ring.
    pub(crate) fn overwrite(&self, place: u32, entry: &Entry) {
        let place = place & (self.layout.ring_capacity - 1);
        let offset = self.layout.ring + place as usize * DESCRIPTOR;
        self.control.store_wide(CrashPoint::Entry, offset, entry);
    }

    /// Returns an entry of its ring.
    pub(crate) fn entry(&self, place: u32) -> Entry {
        let place = place & (self.layout.ring_capacity - 1);
        let offset = self.layout.ring + place as usize * DESCRIPTOR;
        self.mirror.control.load_wide(offset)
    }

    /// Returns any slot.
    pub(crate) fn return_slot(&mut self, index: u32, generation: u32) {
        let place = self.returns & (self.layout.returns_capacity - 1);
        let entry = u64::from(generation) << 32 | u64::from(index);
        let offset = self.layout.returns + place as usize * RETURN;
        self.control.store_wide(CrashPoint::Entry, offset, &[entry]);
        self.returns = self.returns.wrapping_add(1);
        self.poke(RETURNS_TAIL, self.returns);
    }

    /// Writes bytes into a slot of its own, as far as they fit.
    pub(crate) fn write(&self, index: u32, bytes: &[u8]) {
        let Some(place) = self.layout.slot(index) else {
            return;
        };
        let object = match place.object {
            Object::Control => &self.control,
            Object::LargeSlots => &self.large_slots,
        };
        for (nth, four) in bytes.chunks(4).enumerate() {
            if nth * 4 + 4 <= place.size as usize {
                let mut word = [0; 4];
                word[..four.len()].copy_from_slice(four);
                let at = place.offset + nth * 4;
                let word = u32::from_le_bytes(word);
                object.store(CrashPoint::Entry, at, word, Ordering::Relaxed);
            }
        }
    }

    /// Fills a slot of its own: its first page, and its last line.
    pub(crate) fn fill(&self, index: u32, byte: u8) {
        let Some(place) = self.layout.slot(index) else {
            return;
        };
        let object = match place.object {
            Object::Control => &self.control,
            Object::LargeSlots => &self.large_slots,
        };
        let word = u32::from_le_bytes([byte; 4]);
        let size = place.size as usize;
        let first = (0..size.min(4096)).step_by(4);
        for at in first.chain((size - 64..size).step_by(4)) {
            object.store(
                CrashPoint::Entry,
                place.offset + at,
                word,
                Ordering::Relaxed,
            );
        }
    }
}
