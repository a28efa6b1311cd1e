//! Sharing of the peer's call table between the channels that the peer has open.
//!
//! - WB1: all windows together are at most the table, so a call with a credit finds an entry, and nobody waits for one.
//! - WB2: a window covers at most half of the entries that are neither covered nor reserved, and at least one. So the callers
//!   of a slow service leave entries for other callers.
//! - WB3: a quarter of the entries is reserved, one for each channel, so the first channels leave windows for many more.
//!   The channel after the last entry is refused. With the default of 1,024 entries none is.
//! - WB4: when a channel is closed, each window that is smaller than it would be if its channel
//!   were opened now grows to that size.

use std::collections::BTreeMap;

use crate::wire::frame::ChannelId;
use crate::wire::limits::MAX_CHANNELS;

/// The windows of the channels that the peer has open.
#[derive(Debug)]
pub(super) struct WindowBudget {
    call_table: u32,
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

/// The window of one of `channels` open ones, for which `left` entries are neither another's nor taken (WB2).
pub(super) fn fair_window(call_table: u32, left: u32, channels: u32) -> u32 {
    let reserved = (call_table / 4).min(MAX_CHANNELS);
    let spare = left.saturating_sub(reserved.saturating_sub(channels));
    (spare / 2).max(1).min(left)
}

impl WindowBudget {
    pub(super) fn new(call_table: u32) -> Self {
        Self {
            call_table,
            left: call_table,
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
        let granted = asked.min(fair_window(self.call_table, self.left, channels));
        if granted == 0 {
            return None;
        }
        self.left -= granted;
        self.windows.insert(id, Window { asked, granted });
        Some(granted)
    }

    /// Why no channel is opened any more.
    pub(super) fn full(&self) -> String {
        let (entries, channels) = (self.call_table, self.windows.len());
        format!(
            "the call table has {entries} entries, and each of the {channels} channels that are open in this session has one or \
             more: close some, or configure more entries (`SegmentConfig::with_call_table`)"
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
            let fair = window
                .asked
                .min(fair_window(self.call_table, left, channels));
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

    fn opened(n: u32) -> (WindowBudget, Vec<u32>) {
        let mut budget = WindowBudget::new(ALL);
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
        assert_eq!(WindowBudget::new(ALL).grant(ChannelId(1), 3), Some(3));
        assert!(budget.full().contains("64 entries"));
    }

    /// WB3: also in tables with hardly an entry.
    #[test]
    fn a_window_has_at_least_one_entry_and_the_channel_after_the_last_is_refused() {
        for table in 1..40 {
            let mut budget = WindowBudget::new(table);
            let granted = (1..).map_while(|id| budget.grant(ChannelId(id), 1000));
            let granted = granted.collect::<Vec<_>>();
            assert_eq!(granted.iter().sum::<u32>(), table, "{granted:?}");
            assert!(granted.iter().all(|window| *window > 0));
            budget.release(ChannelId(1));
            assert_eq!(budget.channels(), granted.len() - 1);
        }
        let fresh = || WindowBudget::new(1024);
        assert_eq!(fresh().grant(ChannelId(1), 1000), Some(384));
        let mut default = fresh();
        let of_64 = (1..).map_while(|id| default.grant(ChannelId(id), 64));
        assert_eq!(of_64.take_while(|window| *window == 64).count(), 11);
        let mut default = fresh();
        let all = (1..=MAX_CHANNELS).map(|id| default.grant(ChannelId(id), u32::MAX));
        assert!(all.into_iter().all(|window| window.is_some()));
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
