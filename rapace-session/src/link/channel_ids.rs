//! The channel numbers of a session, for channels to services and streams alike.
//!
//! - CI1: a number in use is not given to a second channel, whichever side or thread asks.
//! - CI2: the side that created the transport chooses odd numbers, the other side even ones. So two
//!   sides that open channels at the same time never choose the same number.

use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::transport::Side;
use crate::wire::frame::ChannelId;

/// The numbers in use, and the next number that this side chooses.
#[derive(Debug)]
pub(crate) struct ChannelIds {
    side: Side,
    next: AtomicU32,
    used: DashMap<ChannelId, ()>,
}

impl ChannelIds {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            next: AtomicU32::new(match side {
                Side::Creator => 1,
                Side::Joiner => 2,
            }),
            used: sharded(FEW_SHARDS),
        }
    }

    /// Returns the next number of this side that is not in use (CI2).
    pub(crate) fn next(&self) -> ChannelId {
        loop {
            let id = ChannelId(self.next.fetch_add(2, Ordering::Relaxed));
            if id != ChannelId::SESSION && !self.used.contains_key(&id) {
                return id;
            }
        }
    }

    /// Takes the next number of this side that is not in use (CI1, CI2).
    pub(crate) fn take_next(&self) -> ChannelId {
        loop {
            let id = self.next();
            if self.take(id) {
                return id;
            }
        }
    }

    /// Whether a number is in use.
    pub(crate) fn is_used(&self, id: ChannelId) -> bool {
        self.used.contains_key(&id)
    }

    /// Whether the number is one that the peer chooses (CI2).
    pub(crate) fn is_peers(&self, id: ChannelId) -> bool {
        let odd = id.0 % 2 == 1;
        id != ChannelId::SESSION && odd == (self.side == Side::Joiner)
    }

    /// Whether the peer may open a channel with this number.
    pub(crate) fn is_free_for_peer(&self, id: ChannelId) -> bool {
        self.is_peers(id) && !self.used.contains_key(&id)
    }

    /// Marks a number as in use; false if it is already (CI1).
    pub(crate) fn take(&self, id: ChannelId) -> bool {
        match self.used.entry(id) {
            Entry::Occupied(_) => false,
            Entry::Vacant(vacant) => {
                vacant.insert(());
                true
            }
        }
    }

    /// Releases a number.
    pub(crate) fn release(&self, id: ChannelId) {
        self.used.remove(&id);
    }
}

/// Makes a map with a fixed number of shards, each of which takes two cache lines in every session.
/// DashMap would read files to find the number of processors, at each start of a plugin.
pub(crate) fn sharded<V>(shards: usize) -> DashMap<ChannelId, V> {
    DashMap::with_shard_amount(shards)
}

/// Shards of a map that is read only when a channel opens or closes, or when a request is for another
/// channel than the one before it.
pub(crate) const FEW_SHARDS: usize = 2;

/// Shards of a map that is read for each item: DashMap's default on a machine with two processors.
pub(crate) const MANY_SHARDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// CI1, CI2
    #[test]
    fn a_number_is_taken_once_and_each_side_has_its_own() {
        let (creator, joiner) = (
            ChannelIds::new(Side::Creator),
            ChannelIds::new(Side::Joiner),
        );
        assert_eq!(
            (creator.next(), creator.next()),
            (ChannelId(1), ChannelId(3))
        );
        assert_eq!(joiner.next(), ChannelId(2));
        assert!(joiner.is_free_for_peer(ChannelId(1)) && !joiner.is_peers(ChannelId(2)));
        assert!(!joiner.is_peers(ChannelId::SESSION) && !creator.is_peers(ChannelId::SESSION));
        assert!(joiner.take(ChannelId(1)) && !joiner.take(ChannelId(1)));
        assert!(!joiner.is_free_for_peer(ChannelId(1)));
        joiner.release(ChannelId(1));
        assert!(joiner.is_free_for_peer(ChannelId(1)));
    }

    /// CI1: numbers wrap after two billion channels.
    #[test]
    fn a_number_that_comes_round_and_is_in_use_is_left_out() {
        let joiner = ChannelIds::new(Side::Joiner);
        assert!(joiner.take(ChannelId(2)));
        joiner.next.store(u32::MAX - 1, Ordering::Relaxed);
        assert_eq!(joiner.next(), ChannelId(u32::MAX - 1));
        assert_eq!(
            joiner.next(),
            ChannelId(4),
            "0 is the session, and 2 is in use"
        );
    }
}
