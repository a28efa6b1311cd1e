//! The window of one direction of a stream, in items and in bytes.
//!
//! - SW1: an item may be sent if there is a credit for it, and fewer bytes are in flight than the
//!   window has. So an item of any length can be sent, and at most the window and one item wait for
//!   their reader.
//! - SW2: a stream has its window to itself: what other streams and calls keep waiting does not
//!   count.
//! - SW3: credits return when half of the window is taken, in items or in bytes. A sender that
//!   waits has the whole window in flight, so they return before its reader has taken all of it.
//! - SW4: credits return items in the order in which they were sent, and both sides know their
//!   lengths. So a `Credit` gives back the bytes of its items, too.
//! - SW5: the window in bytes grows ([`GrowingWindow`]) when half of its bytes are taken before half of
//!   its items: not for short items. A `Credit` says by how much.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::link::growing_window::{ByteLimits, GrowingWindow};
use crate::link::growth_budget::GrowthBudget;

/// What a sender may have in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) items: u32,
    pub(crate) bytes: ByteLimits,
}

impl Window {
    /// The window before the peer's hello has arrived.
    pub(crate) const MIN: Self = Self {
        items: 1,
        bytes: ByteLimits { first: 1, most: 1 },
    };
}

/// The sender's account of the bytes in flight.
#[derive(Debug)]
pub(crate) struct InFlight {
    window: u64,
    /// The lengths of the items in flight.
    lengths: VecDeque<u64>,
    /// Their sum.
    bytes: u64,
    /// How many items have returned, modulo 2³².
    returned: u32,
}

impl InFlight {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window: window.bytes.first.into(),
            lengths: VecDeque::new(),
            bytes: 0,
            returned: 0,
        }
    }

    /// Whether an item may be sent (SW1), after `returned` items have returned in total, modulo 2³².
    pub(crate) fn has_room(&mut self, returned: u32) -> bool {
        while self.returned != returned {
            // A peer may return a credit before its item was sent.
            let Some(length) = self.lengths.pop_front() else {
                break;
            };
            self.bytes -= length;
            self.returned = self.returned.wrapping_add(1);
        }
        self.bytes < self.window
    }

    /// Sets the size of the window.
    pub(crate) fn set_window(&mut self, bytes: u32) {
        self.window = bytes.into();
    }

    /// Counts an item that was sent.
    pub(crate) fn sent(&mut self, length: u64) {
        self.lengths.push_back(length);
        self.bytes += length;
    }
}

/// The receiver's account of what the peer may still send: credits in the upper bits, bytes in
/// flight in the lower ones.
#[derive(Debug)]
pub(crate) struct Allowance {
    pub(crate) window: GrowingWindow,
    account: AtomicU64,
}

impl Allowance {
    /// `None` for a direction that the method does not have.
    pub(crate) fn new(window: Option<Window>, budget: &Arc<GrowthBudget>) -> Self {
        let (items, bytes) = match window {
            Some(window) => (window.items, window.bytes),
            None => (0, ByteLimits { first: 0, most: 0 }),
        };
        Self {
            window: GrowingWindow::new(bytes, budget),
            account: AtomicU64::new(u64::from(items) << BYTES_BITS),
        }
    }

    /// Counts an item that arrived; false if it was not allowed (SW1).
    pub(crate) fn take(&self, length: u64) -> bool {
        let window = u64::from(self.window.size());
        let taken = self
            .account
            .try_update(Ordering::AcqRel, Ordering::Acquire, |account| {
                let (credits, bytes) = (account >> BYTES_BITS, account & BYTES);
                let taken = (bytes + length).min(BYTES);
                let credits = credits.checked_sub(1).filter(|_| bytes < window)?;
                Some(credits << BYTES_BITS | taken)
            });
        taken.is_ok()
    }

    /// Gives back what was taken. Returns by how much the window grows (SW5).
    pub(crate) fn give_back(&self, taken: Taken) -> u32 {
        let growth = match taken.bytes >= u64::from(self.window.size()) / 2 {
            true => self.window.grow(),
            false => 0,
        };
        self.account
            .update(Ordering::AcqRel, Ordering::Acquire, |account| {
                let (credits, bytes) = (account >> BYTES_BITS, account & BYTES);
                (credits + u64::from(taken.items)) << BYTES_BITS | bytes.saturating_sub(taken.bytes)
            });
        growth
    }
}

/// A slab has at most 2³⁶ bytes, and a window 2³².
const BYTES_BITS: u32 = 40;
const BYTES: u64 = (1 << BYTES_BITS) - 1;

/// Items that the consumer has taken, and whose credits it has not returned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Taken {
    pub(crate) items: u32,
    pub(crate) bytes: u64,
}

impl Taken {
    /// Counts an item, in a window of so many items and bytes. Returns what to give back now (SW3).
    pub(crate) fn take(&mut self, length: u64, items: u32, bytes: u32) -> Option<Self> {
        self.items += 1;
        self.bytes += length;
        let enough = self.items >= items.div_ceil(2) || self.bytes >= u64::from(bytes) / 2;
        enough.then(|| std::mem::take(self))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A window that does not grow.
    fn window(items: u32, bytes: u32) -> Window {
        let bytes = ByteLimits {
            first: bytes,
            most: bytes,
        };
        Window { items, bytes }
    }

    /// Both ends of a direction.
    struct Ends {
        window: Window,
        sender: InFlight,
        credits: u32,
        returned: u32,
        allowance: Allowance,
        waiting: VecDeque<u64>,
        taken: Taken,
        budget: u64,
    }

    impl Ends {
        fn new(window: Window, budget: u64) -> Self {
            let shared = Arc::new(GrowthBudget::new(budget));
            Self {
                window,
                budget,
                sender: InFlight::new(window),
                credits: window.items,
                returned: 0,
                allowance: Allowance::new(Some(window), &shared),
                waiting: VecDeque::new(),
                taken: Taken::default(),
            }
        }

        /// Whether the sender could send.
        fn send(&mut self, length: u64) -> bool {
            if self.credits == 0 || !self.sender.has_room(self.returned) {
                return false;
            }
            self.credits -= 1;
            self.sender.sent(length);
            assert!(self.allowance.take(length), "sent what was not allowed");
            self.waiting.push_back(length);
            true
        }

        /// Whether there was an item.
        fn read(&mut self) -> bool {
            let Some(length) = self.waiting.pop_front() else {
                return false;
            };
            let (items, bytes) = (self.window.items, self.allowance.window.size());
            if let Some(taken) = self.taken.take(length, items, bytes) {
                self.allowance.give_back(taken);
                self.sender.set_window(self.allowance.window.size());
                self.credits += taken.items;
                self.returned = self.returned.wrapping_add(taken.items);
            }
            true
        }

        /// Sends an item of this length, or reads one. Whether that was possible.
        fn step(&mut self, step: Option<u64>) -> bool {
            match step {
                Some(length) => self.send(length),
                None => self.read(),
            }
        }

        fn waits(&self) -> u64 {
            self.waiting.iter().sum()
        }

        fn state(&self) -> String {
            let (credits, taken, waiting) = (self.credits, self.taken, &self.waiting);
            let (sender, window) = (self.sender.bytes, &self.allowance.window);
            format!("{credits} {waiting:?} {taken:?} {sender} {window:?}")
        }

        /// The most that may wait (SW1, SW5).
        fn bound(&self, longest: u64) -> u64 {
            let size = self.allowance.window.size();
            assert!(u64::from(size - self.window.bytes.first) <= self.budget);
            u64::from(size) - 1 + longest
        }
    }

    /// All programs of sends and reads reach only states from which a reader that goes on reading lets the sender send
    /// again.
    #[test]
    fn a_sender_never_waits_for_a_reader_that_has_taken_everything() {
        const LENGTHS: [u64; 5] = [0, 1, 2, 5, 9];
        let fixed = [(1, 1), (1, 4), (2, 4), (3, 5), (4, 1), (4, 8)];
        let fixed = fixed.map(|(items, bytes)| (items, bytes, bytes, 0));
        let growing = [(2, 1, 6, 8), (4, 2, 9, 100), (3, 4, 9, 6)];
        for (items, first, most, budget) in fixed.into_iter().chain(growing) {
            let bytes = ByteLimits { first, most };
            let window = Window { items, bytes };
            let mut seen = HashSet::new();
            let mut programs = vec![Vec::new()];
            while let Some(program) = programs.pop() {
                let after = |program: &[Option<u64>]| {
                    let mut ends = Ends::new(window, budget);
                    assert!(program.iter().all(|step| ends.step(*step)));
                    ends
                };
                let mut ends = after(&program);
                assert!(ends.waits() <= ends.bound(LENGTHS[4]), "{program:?}");
                if !seen.insert(ends.state()) {
                    continue;
                }
                for step in LENGTHS.map(Some).into_iter().chain([None]) {
                    if after(&program).step(step) {
                        programs.push([program.as_slice(), &[step]].concat());
                    }
                }
                while ends.read() {}
                assert!(ends.send(1), "{program:?} in {window:?}"); // SW3
            }
            assert!(seen.len() > items as usize, "{}", seen.len());
        }
    }

    #[test]
    fn an_item_is_refused_without_a_credit_and_with_a_full_window() {
        let budget = Arc::new(GrowthBudget::new(0));
        let allowance = Allowance::new(Some(window(2, 8)), &budget);
        assert!(allowance.take(7) && allowance.take(100));
        assert!(!allowance.take(0), "no credit");
        let taken = Taken {
            items: 2,
            bytes: 99,
        };
        allowance.give_back(taken);
        assert!(!allowance.take(0), "8 bytes are in flight");
        allowance.give_back(Taken { items: 0, bytes: 1 });
        assert!(allowance.take(u64::MAX >> 1), "of any length");
        assert!(!allowance.take(0));
        assert!(!Allowance::new(None, &budget).take(0));
    }

    /// SW5
    #[test]
    fn a_window_grows_for_long_items_and_not_for_short_ones() {
        let budget = Arc::new(GrowthBudget::new(1 << 20));
        let bytes = ByteLimits::new(100, 1000);
        let allowance = Allowance::new(Some(Window { items: 4, bytes }), &budget);
        let taken = |bytes| Taken { items: 1, bytes };
        assert!(allowance.take(49) && allowance.take(50) && allowance.take(1));
        assert_eq!(allowance.give_back(taken(49)), 0);
        assert_eq!(allowance.give_back(taken(50)), 900);
        assert_eq!(allowance.give_back(taken(1)), 0);
        assert!(allowance.take(999) && allowance.take(1) && !allowance.take(1));
    }

    #[test]
    fn a_credit_for_an_item_that_was_not_sent_gives_back_the_next_one() {
        let mut sender = InFlight::new(window(4, 4));
        assert!(sender.has_room(1));
        sender.sent(9);
        assert!(sender.has_room(1) && sender.bytes == 0);
        sender.sent(9);
        assert!(!sender.has_room(1));
    }
}
