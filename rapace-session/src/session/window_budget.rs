//! Sharing of the peer's call table between the channels that the peer has open.
//!
//! - WB1: all windows together are at most the table, so a call with a credit finds an entry, and nobody waits for one.
//! - WB2: the entries that are neither covered nor reserved are shared equally by the services to which no channel is open yet. The
//!   window of an only service, or of a further channel, covers at most half of them, and each window covers at least one. So all
//!   services have about the same, in whatever order they are opened, and the callers of a slow service leave entries for
//!   other callers.
//! - WB3: entries are reserved for channels beyond the first of each service, one for each: with one for each service they are a
//!   quarter of the table. The channel after the last entry is refused. With the default of 1,024 entries none is.
//! - WB4: when a channel is closed, each window that is smaller than it would be if its channel
//!   were opened now grows to that size.

use std::collections::BTreeMap;

use crate::wire::frame::ChannelId;
use crate::wire::limits::MAX_CHANNELS;

/// The windows of the channels that the peer has open.
#[derive(Debug)]
pub(super) struct WindowBudget {
    share: Share,
    /// Entries of the peer's call table that no window covers.
    left: u32,
    windows: BTreeMap<ChannelId, Window>,
}

#[derive(Debug)]
struct Window {
    /// The capacity of the service.
    asked: u32,
    granted: u32,
}

/// What a window depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// Entries of the table.
    pub(super) call_table: u32,
    /// Services of the side that grants.
    pub(super) services: u32,
}

impl Share {
    /// The window of one of `channels` open ones, for which `left` entries are no other's (WB2).
    pub(super) fn window(self, left: u32, channels: u32) -> u32 {
        let further = (self.call_table / 4).min(MAX_CHANNELS);
        let further = further.saturating_sub(self.services);
        let (reserved, to_come) = match self.services.checked_sub(channels) {
            Some(others) if self.services > 1 => (further, others + 1),
            Some(_) => (further, 2),
            None => (further.saturating_sub(channels - self.services), 2),
        };
        let spare = left.saturating_sub(reserved);
        (spare / to_come).max(1).min(left)
    }
}

impl WindowBudget {
    pub(super) fn new(share: Share) -> Self {
        Self {
            share,
            left: share.call_table,
            windows: BTreeMap::new(),
        }
    }

    /// The number of channels that have a window.
    pub(super) fn channels(&self) -> usize {
        self.windows.len()
    }

    /// Grants a window to a channel that is opened, for a service with capacity `asked`. `None` if no entry is left (WB3).
    pub(super) fn grant(&mut self, id: ChannelId, asked: u32) -> Option<u32> {
        let channels = self.windows.len() as u32 + 1;
        let granted = asked.min(self.share.window(self.left, channels));
        if granted == 0 {
            return None;
        }
        self.left -= granted;
        self.windows.insert(id, Window { asked, granted });
        Some(granted)
    }

    /// Why no channel is opened any more.
    pub(super) fn full(&self) -> String {
        let (entries, channels) = (self.share.call_table, self.windows.len());
        format!(
            "the call table has {entries} entries, and the {channels} channels that are open in this session have them all: \
             configure more (`SegmentConfig::with_call_table`), as many as all services take calls at once, and a third more"
        )
    }

    /// Releases the window of a closed channel. Returns the channels whose windows grow, and by how
    /// much (WB4).
    pub(super) fn release(&mut self, id: ChannelId) -> Vec<(ChannelId, u32)> {
        let Some(closed) = self.windows.remove(&id) else {
            return Vec::new();
        };
        self.left += closed.granted;
        let channels = self.windows.len() as u32;
        let mut grown = Vec::new();
        for (id, window) in &mut self.windows {
            let left = self.left + window.granted;
            let fair = window.asked.min(self.share.window(left, channels));
            if fair > window.granted {
                grown.push((*id, fair - window.granted));
                self.left = left - fair;
                window.granted = fair;
            }
        }
        grown
    }

    /// Records that the channel takes no more calls, so that its window does not grow.
    pub(super) fn withdraw(&mut self, id: ChannelId) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.asked = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u32 = 64;

    fn budget(call_table: u32, services: u32) -> WindowBudget {
        WindowBudget::new(Share {
            call_table,
            services,
        })
    }

    fn opened(n: u32) -> (WindowBudget, Vec<u32>) {
        let mut budget = budget(ALL, 1);
        let granted = (1..=n).map_while(|id| budget.grant(ChannelId(id), 1000));
        let granted = granted.collect();
        (budget, granted)
    }

    /// WB1, WB2, WB3
    #[test]
    fn each_window_takes_half_of_what_is_left_and_the_last_ones_one_each() {
        let (budget, granted) = opened(100);
        assert_eq!(granted[..6], [24, 13, 7, 4, 2, 2]);
        assert!(granted[6..].iter().all(|window| *window == 1));
        assert_eq!(granted.iter().sum::<u32>(), ALL);
        assert_eq!((budget.left, budget.channels()), (0, granted.len()));
        assert_eq!(granted.len() as u32, 6 + ALL - 52);
        assert_eq!(self::budget(ALL, 1).grant(ChannelId(1), 3), Some(3));
        assert!(budget.full().contains("64 entries"));
    }

    /// WB3: also in tables with hardly an entry.
    #[test]
    fn a_window_has_at_least_one_entry_and_the_channel_after_the_last_is_refused() {
        for table in 1..40 {
            let mut budget = budget(table, 1);
            let granted = (1..).map_while(|id| budget.grant(ChannelId(id), 1000));
            let granted = granted.collect::<Vec<_>>();
            assert_eq!(granted.iter().sum::<u32>(), table, "{granted:?}");
            assert!(granted.iter().all(|window| *window > 0));
            budget.release(ChannelId(1));
            assert_eq!(budget.channels(), granted.len() - 1);
        }
        let mut default = budget(1024, MAX_CHANNELS);
        let all = (1..=MAX_CHANNELS).map(|id| default.grant(ChannelId(id), u32::MAX));
        assert!(all.into_iter().all(|window| window.is_some()));
    }

    /// WB2, WB3: the figures of the handbook.
    #[test]
    fn services_share_a_table_equally_and_one_with_an_entry_for_each_has_room_for_all() {
        let windows = |table, services, asked| {
            let mut budget = budget(table, services);
            let granted = (1..=services).map(|id| budget.grant(ChannelId(id), asked));
            let granted = granted.map(|window| window.expect("an entry"));
            granted.collect::<Vec<_>>()
        };
        assert_eq!(windows(1024, 1, 1000), [384]);
        assert_eq!(windows(1024, 12, 64), [64; 12]);
        let twenty = windows(1024, 20, 64);
        assert!(twenty.iter().all(|window| (39..=40).contains(window)));
        for services in 2..=40 {
            for table in services..=200 {
                let all = windows(table, services, 64);
                let (least, most) = (all.iter().min().unwrap(), all.iter().max().unwrap());
                assert!(most - least <= 1, "{table}: {all:?}");
            }
        }
    }

    /// WB4
    #[test]
    fn windows_grow_to_what_they_would_be_and_no_further() {
        let (mut budget, granted) = opened(3);
        assert_eq!(granted, [24, 13, 7]);
        // 20 are left and 14 of them reserved: the second would have half of 6 + 24 + 13 now.
        assert_eq!(
            budget.release(ChannelId(1)),
            [(ChannelId(2), 8), (ChannelId(3), 7)]
        );
        assert_eq!(budget.left, ALL - 21 - 14);
        assert_eq!(budget.release(ChannelId(1)), []);
        let left = budget.left;
        // Opened and closed again, it changes nothing.
        for id in 4..100 {
            assert!(budget.grant(ChannelId(id), 1000).is_some());
            assert_eq!(budget.release(ChannelId(id)), []);
        }
        assert_eq!(budget.left, left);
    }

    /// WB1, WB4: in any order.
    #[test]
    fn windows_that_grow_stay_within_the_table() {
        let (mut budget, granted) = opened(18);
        let mut sizes = granted;
        for closed in 1..=17 {
            for (ChannelId(id), by) in budget.release(ChannelId(closed)) {
                sizes[id as usize - 1] += by;
            }
            sizes[closed as usize - 1] = 0;
            assert_eq!(sizes.iter().sum::<u32>() + budget.left, ALL);
        }
        assert_eq!(sizes[17], (ALL - 15) / 2);
        assert_eq!(budget.release(ChannelId(18)), []);
        assert_eq!(budget.left, ALL);
    }

    #[test]
    fn a_channel_that_takes_no_calls_does_not_grow() {
        let (mut budget, _) = opened(2);
        budget.withdraw(ChannelId(2));
        assert_eq!(budget.release(ChannelId(1)), []);
    }
}
