//! How many bytes of the requests of a channel may wait for their handlers.
//!
//! - BY1: a request may be sent if fewer bytes are in flight than the window has; then its whole
//!   length counts. So a request of any length can be sent, and at most the window and one request
//!   wait for their handlers. Senders that wait are served in FIFO order.
//! - BY2: a request that fits in a frame without buffers holds no memory, and is not counted.
//! - BY3: a request is in flight from before its buffers are allocated until its bytes return, or
//!   until it is given up unsent. Its receiver gives them back when a handler has taken the request,
//!   or when it discards the request: so no handler holds bytes that a request of its own needs.
//! - BY4: bytes return when half of the window has come together, so small requests cost no frame.
//!   A sender that waits has the whole window in flight, so bytes return before handlers have taken
//!   all of it.
//! - BY5: requests may arrive in another order than that in which they took their bytes. So the
//!   receiver refuses a request if those in flight fill the window without the largest one that
//!   arrived since nothing was in flight.
//! - BY6: a window grows ([`GrowingWindow`]) by bytes that are given back beyond those that were taken.
//!   It does so if it was filled, or if further requests wait: not for short requests one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tokio::sync::{Notify, Semaphore};

use crate::link::growing_window::{ByteLimits, GrowingWindow};
use crate::wire::frame::INLINE_MAX;

/// The sender's account of the bytes in flight.
#[derive(Debug)]
pub(crate) struct ByteWindow {
    /// The most that the window may grow to.
    most: i64,
    /// The window without the bytes in flight: not positive if the next request must wait.
    free: AtomicI64,
    /// The place at the head of the queue. It is free if nobody waits.
    head: Semaphore,
    /// Wakes the head of the queue.
    room: Notify,
}

/// What a request takes of its window. Dropping it before the request is sent gives that back.
#[derive(Debug)]
pub(crate) struct Charge {
    window: Arc<ByteWindow>,
    bytes: u64,
}

impl Charge {
    /// Records that the request is sent: its bytes return from its receiver.
    pub(crate) fn sent(mut self) {
        self.bytes = 0;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.window.add(self.bytes);
        }
    }
}

impl ByteWindow {
    pub(crate) fn new(limits: ByteLimits) -> Self {
        Self {
            most: limits.most.into(),
            free: AtomicI64::new(limits.first.into()),
            head: Semaphore::new(1),
            room: Notify::new(),
        }
    }

    /// Takes what a request of this length needs, which may be nothing. `None` if the request must
    /// wait.
    pub(crate) fn try_take(self: &Arc<Self>, length: u64) -> Option<Option<Charge>> {
        let bytes = charge(length);
        if bytes == 0 {
            return Some(None);
        }
        let waits = self.head.available_permits() == 0 || self.head.is_closed();
        let taken = !waits && self.take_if_free(bytes);
        taken.then(|| Some(self.charge(bytes)))
    }

    /// Waits for what a request of this length needs, which may be nothing. `None` once the window is
    /// closed.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue.
    pub(crate) async fn take(self: Arc<Self>, length: u64) -> Option<Option<Charge>> {
        let bytes = charge(length);
        if bytes == 0 {
            return Some(None);
        }
        let _head = self.head.acquire().await.ok()?;
        while !self.head.is_closed() {
            if self.take_if_free(bytes) {
                return Some(Some(self.charge(bytes)));
            }
            // A notification that comes before this waits for it.
            self.room.notified().await;
        }
        None
    }

    /// BY1
    fn take_if_free(&self, bytes: u64) -> bool {
        let bytes = bytes.cast_signed();
        let take = |free| (free > 0).then(|| free - bytes);
        let (acquires, relaxed) = (Ordering::AcqRel, Ordering::Relaxed);
        self.free.try_update(acquires, relaxed, take).is_ok()
    }

    fn charge(self: &Arc<Self>, bytes: u64) -> Charge {
        Charge {
            window: Arc::clone(self),
            bytes,
        }
    }

    /// Adds bytes that the receiver gives back, or by which the window grows; false if that is more
    /// than the window may have.
    pub(crate) fn returned(&self, bytes: u32) -> bool {
        let too_many = self.free.load(Ordering::Relaxed) + i64::from(bytes) > self.most;
        if !too_many {
            self.add(bytes.into());
        }
        !too_many
    }

    fn add(&self, bytes: u64) {
        let bytes = bytes.cast_signed();
        let before = self.free.fetch_add(bytes, Ordering::AcqRel);
        if before <= 0 && before + bytes > 0 {
            self.room.notify_one();
        }
    }

    /// Ends all waits, and serves nobody any more.
    pub(crate) fn close(&self) {
        self.head.close();
        self.room.notify_one();
    }
}

/// The receiver's account of what the peer may still send.
#[derive(Debug)]
pub(crate) struct ByteAllowance {
    window: GrowingWindow,
    /// The bytes of requests that arrived, without those that were given back.
    in_flight: AtomicU64,
    /// The largest request since nothing was in flight.
    largest: AtomicU64,
    /// Bytes that handlers have taken, and that are not given back yet.
    taken: AtomicU64,
}

impl ByteAllowance {
    pub(crate) fn new(window: GrowingWindow) -> Self {
        Self {
            window,
            in_flight: AtomicU64::new(0),
            largest: AtomicU64::new(0),
            taken: AtomicU64::new(0),
        }
    }

    /// Counts a request that arrived; false if it was not allowed (BY5). Called by one thread at a
    /// time.
    pub(crate) fn arrived(&self, bytes: u64) -> bool {
        if bytes == 0 {
            return true;
        }
        let before = self.in_flight.load(Ordering::Acquire);
        let largest = match before {
            0 => bytes,
            _ => self.largest.load(Ordering::Relaxed).max(bytes),
        };
        let allowed = (before + bytes).saturating_sub(largest) < self.window.size().into();
        if allowed {
            self.largest.store(largest, Ordering::Relaxed);
            self.in_flight.fetch_add(bytes, Ordering::AcqRel);
        }
        allowed
    }

    /// Counts a request that a handler has taken, or that was discarded. Returns what to give back
    /// now (BY4), and by how much the window has grown. The peer may send as much then.
    pub(crate) fn taken(&self, bytes: u64) -> Option<u64> {
        let half = u64::from(self.window.size()) / 2;
        let enough = |taken: u64| taken >= half;
        if !enough(self.taken.fetch_add(bytes, Ordering::AcqRel) + bytes) {
            return None;
        }
        let all = |taken| enough(taken).then_some(0);
        let (acquires, acquire) = (Ordering::AcqRel, Ordering::Acquire);
        // Another thread may give back what this one counted.
        let all = self.taken.try_update(acquires, acquire, all).ok()?;
        let before = self.in_flight.fetch_sub(all, Ordering::AcqRel);
        let growth = match before > all || before >= 2 * half {
            true => self.window.grow(),
            false => 0,
        };
        Some(all + u64::from(growth))
    }

    /// Records that the channel is closed.
    pub(crate) fn end(&self) {
        self.window.end();
    }
}

/// How much of a window a request of this length takes (BY2).
pub(crate) fn charge(length: u64) -> u64 {
    match length {
        0..=INLINE => 0,
        // Longer than any payload: the sums of what the peer says cannot overflow.
        _ => length.min(1 << 56),
    }
}

const INLINE: u64 = INLINE_MAX as u64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures_util::FutureExt;

    use super::*;
    use crate::link::growth_budget::GrowthBudget;

    /// A window that does not grow.
    const FIXED: ByteLimits = ByteLimits {
        first: 100,
        most: 100,
    };

    /// A length that is counted: 25 bytes are the shortest.
    const SHORTEST: u64 = INLINE + 1;

    /// Both ends of a channel.
    struct Ends {
        limits: ByteLimits,
        budget: Arc<GrowthBudget>,
        sender: Arc<ByteWindow>,
        receiver: ByteAllowance,
        /// Requests that have taken their bytes and are not on the ring.
        unsent: Vec<Charge>,
        /// Requests that no handler has taken.
        waiting: Vec<u64>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Step {
        Take(u64),
        /// The request that took its bytes first, or last, arrives.
        Arrive(End),
        /// The same, but its sender gives it up.
        GiveUp(End),
        /// A handler takes the request that arrived first, or last.
        Begin(End),
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum End {
        First,
        Last,
    }

    impl End {
        fn remove<T>(self, from: &mut Vec<T>) -> Option<T> {
            match self {
                Self::First if !from.is_empty() => Some(from.remove(0)),
                _ => from.pop(),
            }
        }
    }

    impl Ends {
        fn new(limits: ByteLimits, budget: u64) -> Self {
            let budget = Arc::new(GrowthBudget::new(budget));
            let window = GrowingWindow::new(limits, &budget);
            Self {
                limits,
                budget,
                sender: Arc::new(ByteWindow::new(limits)),
                receiver: ByteAllowance::new(window),
                unsent: Vec::new(),
                waiting: Vec::new(),
            }
        }

        /// Whether the step was possible.
        fn step(&mut self, step: Step) -> bool {
            match step {
                Step::Take(length) => match self.sender.try_take(length) {
                    Some(charge) => self.unsent.extend(charge),
                    None => return false,
                },
                Step::Arrive(end) => {
                    let Some(charge) = end.remove(&mut self.unsent) else {
                        return false;
                    };
                    let bytes = charge.bytes;
                    assert!(self.receiver.arrived(bytes), "sent what was not allowed");
                    charge.sent();
                    self.waiting.push(bytes);
                }
                Step::GiveUp(end) => return end.remove(&mut self.unsent).is_some(),
                Step::Begin(end) => {
                    let Some(bytes) = end.remove(&mut self.waiting) else {
                        return false;
                    };
                    let half = u64::from(self.receiver.window.size()) / 2;
                    if let Some(back) = self.receiver.taken(bytes) {
                        assert!(back >= half, "a frame for {back} bytes"); // BY4
                        assert!(self.sender.returned(back as u32));
                    }
                }
            }
            true
        }

        fn state(&self) -> String {
            let unsent = self.unsent.iter().map(|charge| charge.bytes);
            let (sender, receiver) = (&self.sender.free, &self.receiver);
            let (unsent, waiting) = (unsent.collect::<Vec<_>>(), &self.waiting);
            format!("{sender:?} {receiver:?} {unsent:?} {waiting:?}")
        }

        /// Whether what waits is at most the window and one request (BY1).
        fn is_bounded(&self) -> bool {
            let sum: u64 = self.waiting.iter().sum();
            let largest = self.waiting.iter().max().unwrap_or(&0);
            sum - largest < self.receiver.window.size().into()
        }

        /// Whether the window has grown, and by no more than the budget.
        fn has_grown(&self, budget: u64) -> bool {
            let size = self.receiver.window.size();
            let growth = u64::from(size - self.limits.first);
            assert!(growth <= budget && size <= self.limits.most);
            growth > 0
        }
    }

    /// All programs of requests that are sent in any order, given up, and begun in any order, reach
    /// only states from which handlers that begin all requests let the sender send again.
    #[test]
    fn a_sender_never_waits_for_handlers_that_have_begun_everything() {
        let lengths = [0, 1, 60].map(|more| SHORTEST + more);
        let mut steps = lengths.map(Step::Take).to_vec();
        for end in [End::First, End::Last] {
            steps.extend([Step::Arrive(end), Step::GiveUp(end), Step::Begin(end)]);
        }
        let windows = [
            (1, 1, 0),
            (30, 30, 0),
            (51, 51, 0),
            (80, 80, 0),
            (30, 80, 100),
            (1, 60, 80),
        ];
        for (first, most, budget) in windows {
            let limits = ByteLimits { first, most };
            let mut grown = false;
            let mut seen = HashSet::new();
            let mut programs = vec![Vec::new()];
            while let Some(program) = programs.pop() {
                let after = |program: &[Step]| {
                    let mut ends = Ends::new(limits, budget);
                    assert!(program.iter().all(|step| ends.step(*step)));
                    ends
                };
                let mut ends = after(&program);
                assert!(ends.is_bounded(), "{program:?} in {limits:?}");
                grown |= ends.has_grown(budget);
                if !seen.insert(ends.state()) {
                    continue;
                }
                for step in &steps {
                    if after(&program).step(*step) {
                        programs.push([program.as_slice(), &[*step]].concat());
                    }
                }
                while ends.step(Step::Arrive(End::First)) {}
                while ends.step(Step::Begin(End::Last)) {}
                let goes_on = ends.step(Step::Take(lengths[2]));
                assert!(goes_on, "{program:?} in {limits:?}"); // BY4
                drop(ends.receiver);
                let left = u64::from(ends.budget.take(u32::MAX));
                assert_eq!(left, budget / 2, "all of it is back"); // GB3
            }
            assert!(seen.len() > 10, "{}", seen.len());
            assert_eq!(grown, budget > 0);
        }
    }

    #[test]
    fn a_request_is_sent_while_the_window_has_room_and_is_counted_whole() {
        let window = Arc::new(ByteWindow::new(FIXED));
        let take = |length| window.try_take(length).flatten();
        let long = take(1 << 40).unwrap();
        assert!(window.try_take(25).is_none(), "the window is full");
        assert!(window.try_take(24).unwrap().is_none(), "it holds no memory");
        drop(long);
        take(99).unwrap().sent();
        take(50).unwrap().sent();
        assert!(window.try_take(25).is_none());
        assert!(window.returned(49) && window.try_take(25).is_none());
        assert!(window.returned(1) && take(100).is_some());
        assert!(
            window.returned(99) && !window.returned(1),
            "more than was sent"
        );
    }

    #[test]
    fn waiters_are_served_in_order_and_end_with_the_window() {
        let window = Arc::new(ByteWindow::new(FIXED));
        let first = window.try_take(100).flatten().unwrap();
        let mut long = Box::pin(Arc::clone(&window).take(80));
        let mut next = Box::pin(Arc::clone(&window).take(30));
        assert!(long.as_mut().now_or_never().is_none());
        assert!(next.as_mut().now_or_never().is_none());
        drop(first);
        assert!(window.try_take(30).is_none(), "it would overtake");
        assert!(next.as_mut().now_or_never().is_none(), "it would overtake");
        // Who gives up passes the turn on.
        drop(long);
        let next = next.now_or_never().flatten().flatten().unwrap();
        let full = window.try_take(70).flatten().unwrap();
        let mut head = Box::pin(Arc::clone(&window).take(30));
        let mut waits = Box::pin(Arc::clone(&window).take(30));
        assert!(head.as_mut().now_or_never().is_none());
        assert!(waits.as_mut().now_or_never().is_none());
        window.close();
        assert!(head.now_or_never().flatten().is_none());
        assert!(waits.now_or_never().flatten().is_none());
        drop((next, full));
        assert!(window.try_take(30).is_none());
    }

    /// BY6
    #[test]
    fn a_window_grows_if_requests_wait_and_not_for_short_ones_in_turn() {
        let budget = Arc::new(GrowthBudget::new(1 << 20));
        let limits = ByteLimits::new(100, 1000);
        let allowance = || ByteAllowance::new(GrowingWindow::new(limits, &budget));
        let in_turn = allowance();
        for turn in 1..=20 {
            assert!(in_turn.arrived(30));
            assert_eq!(in_turn.taken(30), (turn % 2 == 0).then_some(60));
        }
        assert!(in_turn.arrived(100));
        assert_eq!(in_turn.taken(100), Some(100 + 900), "it filled the window");
        let queued = allowance();
        assert!(queued.arrived(60) && queued.arrived(30));
        assert_eq!(queued.taken(60), Some(60 + 900), "another waits");
        assert!(queued.arrived(900) && queued.arrived(900) && !queued.arrived(900));
    }

    /// BY5
    #[test]
    fn more_than_the_window_and_one_request_is_refused() {
        let budget = Arc::new(GrowthBudget::new(0));
        let allowance = ByteAllowance::new(GrowingWindow::new(FIXED, &budget));
        assert!(allowance.arrived(99) && allowance.arrived(1 << 40));
        assert!(!allowance.arrived(1) && allowance.arrived(0));
        assert_eq!(allowance.taken(49), None);
        assert_eq!(allowance.taken(1), Some(50));
        assert!(allowance.arrived(50) && !allowance.arrived(1));
        assert_eq!(allowance.taken(99 + (1 << 40)), Some(99 + (1 << 40)));
        // What was the largest once does not count any more.
        assert!(allowance.arrived(60) && allowance.arrived(60) && !allowance.arrived(60));
    }
}
