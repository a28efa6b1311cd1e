//! A peer that follows a script: it joined a segment, and writes whatever it likes into its half.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use tokio::io::Interest;

use crate::descriptor::Entry;
use crate::effect::Effect;
use crate::inbound::Inbound;
use crate::kernel;
use crate::layout::{DESCRIPTOR, Layout, RETURN, RETURNS_TAIL, TAIL};
use crate::liveness::PeerWatch;
use crate::outbound::Outbound;
use crate::raw::OwnMap;
use crate::segment::{Invitation, PeerA, Segment};
use crate::{Link, SegmentConfig, SizeClass, Trust};

/// The host's end, as everybody uses it.
pub(crate) struct Host {
    pub(crate) out: Outbound,
    pub(crate) inbound: Inbound,
    pub(crate) watch: PeerWatch,
}

/// The other end, without any rules.
pub(crate) struct Scripted {
    pub(crate) layout: Arc<Layout>,
    /// Its own half.
    pub(crate) words: OwnMap,
    pub(crate) invitation: Invitation,
    pub(crate) socket: OwnedFd,
    tail: u32,
    returns: u32,
}

pub(crate) fn small(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_call_table(4)
        .with_classes([class(64, 4), class(4096, 4), class(1 << 20, 2)])
        .with_trust(trust)
}

/// A host, and a scripted peer. Needs a runtime.
pub(crate) fn against(trust: Trust) -> (Host, Scripted) {
    let (segment, invitation) = Segment::<PeerA>::create(&small(trust)).unwrap();
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, socket) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    let layout = Arc::clone(&segment.own.layout);
    let words = OwnMap::new(&invitation.b_words, layout.words_len).unwrap();
    let ours = kernel::register(ours, Interest::READABLE).unwrap();
    let (out, inbound, watch) = Link::new(segment, ours, None).unwrap().split();
    let host = Host {
        out,
        inbound,
        watch,
    };
    let scripted = Scripted {
        layout,
        words,
        invitation,
        socket,
        tail: 0,
        returns: 0,
    };
    (host, scripted)
}

impl Scripted {
    /// Stores any value in any of its words.
    pub(crate) fn poke(&self, offset: usize, value: u32) {
        self.words
            .store(Effect::Tail, offset, value, Ordering::SeqCst);
    }

    /// Publishes any 64 bytes.
    pub(crate) fn publish(&mut self, entry: &Entry) {
        let place = self.tail & (self.layout.ring_capacity - 1);
        let offset = self.layout.ring + place as usize * DESCRIPTOR;
        self.words.store_wide(Effect::Entry, offset, entry);
        self.tail = self.tail.wrapping_add(1);
        self.poke(TAIL, self.tail);
    }

    /// Returns any slot.
    pub(crate) fn give_back(&mut self, index: u32, generation: u32) {
        let place = self.returns & (self.layout.returns_capacity - 1);
        let entry = u64::from(generation) << 32 | u64::from(index);
        let offset = self.layout.returns + place as usize * RETURN;
        self.words.store_wide(Effect::Entry, offset, &[entry]);
        self.returns = self.returns.wrapping_add(1);
        self.poke(RETURNS_TAIL, self.returns);
    }
}
