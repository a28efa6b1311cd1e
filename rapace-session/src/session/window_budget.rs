//! Sharing of the peer's call table between the channels that the peer has open.
//!
//! - WB1: a window covers at most half of the entries that no other window covers, and at least
//!   one. So the callers of a slow service leave entries for other callers.
//! - WB2: when a channel is closed, each window that is smaller than it would be if its channel
//!   were opened now grows to that size.

use std::collections::BTreeMap;

use crate::wire::frame::ChannelId;

/// The windows of the channels that the peer has open.
#[derive(Debug)]
pub(super) struct WindowBudget {
    /// Entries of the peer's call table that no window covers.
    unpromised: u32,
    windows: BTreeMap<ChannelId, Window>,
}

#[derive(Debug)]
struct Window {
    /// The capacity of the service.
    asked: u32,
    granted: u32,
    /// How many entries it took of `unpromised`: fewer than granted if none were left.
    promised: u32,
}

impl WindowBudget {
    pub(super) fn new(call_table: u32) -> Self {
        Self {
            unpromised: call_table,
            windows: BTreeMap::new(),
        }
    }

    /// The number of channels that have a window.
    pub(super) fn channels(&self) -> usize {
        self.windows.len()
    }

    /// Grants a window to a channel that is opened, for a service with capacity `asked` (WB1).
    pub(super) fn grant(&mut self, id: ChannelId, asked: u32) -> u32 {
        let granted = asked.min((self.unpromised / 2).max(1));
        let promised = granted.min(self.unpromised);
        self.unpromised -= promised;
        let window = Window {
            asked,
            granted,
            promised,
        };
        self.windows.insert(id, window);
        granted
    }

    /// Releases the window of a closed channel. Returns the channels whose windows grow, and by how
    /// much (WB2).
    pub(super) fn release(&mut self, id: ChannelId) -> Vec<(ChannelId, u32)> {
        let Some(closed) = self.windows.remove(&id) else {
            return Vec::new();
        };
        self.unpromised += closed.promised;
        let mut grown = Vec::new();
        for (id, window) in &mut self.windows {
            let fair = window.asked.min((self.unpromised + window.promised) / 2);
            if fair > window.granted {
                grown.push((*id, fair - window.granted));
                self.unpromised -= fair - window.promised;
                window.granted = fair;
                window.promised = fair;
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
        let granted = (1..=n).map(|id| budget.grant(ChannelId(id), 1000));
        let granted = granted.collect();
        (budget, granted)
    }

    /// WB1
    #[test]
    fn each_window_takes_half_of_what_is_left_and_at_least_one() {
        let (budget, granted) = opened(9);
        assert_eq!(granted, [32, 16, 8, 4, 2, 1, 1, 1, 1]);
        assert_eq!((budget.unpromised, budget.channels()), (0, 9));
        assert_eq!(WindowBudget::new(ALL).grant(ChannelId(1), 3), 3);
    }

    /// WB2
    #[test]
    fn windows_grow_to_what_they_would_be_and_no_further() {
        let (mut budget, _) = opened(3);
        // 8 are left: the second would have (8 + 32 + 16) / 2 of them now.
        assert_eq!(
            budget.release(ChannelId(1)),
            [(ChannelId(2), 12), (ChannelId(3), 10)]
        );
        assert_eq!(budget.unpromised, 64 - 28 - 18);
        assert_eq!(budget.release(ChannelId(1)), []);
        let left = budget.unpromised;
        // Opened and closed again, it changes nothing.
        for id in 4..100 {
            budget.grant(ChannelId(id), 1000);
            assert_eq!(budget.release(ChannelId(id)), []);
        }
        assert_eq!(budget.unpromised, left);
    }

    /// WB2: a window that was granted when no entry was left is covered first.
    #[test]
    fn a_window_granted_beyond_the_table_is_covered_later() {
        let (mut budget, granted) = opened(8);
        let mut sizes = granted;
        for closed in 1..=7 {
            for (ChannelId(id), by) in budget.release(ChannelId(closed)) {
                sizes[id as usize - 1] += by;
            }
            let promised: u32 = budget.windows.values().map(|window| window.promised).sum();
            assert_eq!(promised + budget.unpromised, ALL);
        }
        assert_eq!(sizes[7], ALL / 2);
        assert_eq!(budget.release(ChannelId(8)), []);
        assert_eq!(budget.unpromised, ALL);
    }

    #[test]
    fn a_channel_that_takes_no_calls_does_not_grow() {
        let (mut budget, _) = opened(2);
        budget.withdraw(ChannelId(2));
        assert_eq!(budget.release(ChannelId(1)), []);
    }
}
