//! The window of a channel, as its callers see it: how many calls may be under way, and how many bytes of their requests may
//! wait for their handlers.
//!
//! - RW1: a request is admitted when it gets a credit and its bytes at once. While it waits, it has neither.
//! - RW2: requests are admitted in FIFO order, but one that needs no bytes passes those that wait for bytes.
//! - RW3: a request may be sent if fewer bytes are in flight than the window has; then its whole length counts (BY1 of
//!   [`byte_window`](crate::link::byte_window)).
//! - RW4: nothing is set aside for a waiter that is woken. A waiter that is woken and not polled is passed over when others
//!   have waited behind it for [`PASSED_OVER_AFTER`]; it has its place again when it is polled. So a future that its task holds
//!   and does not poll, like those in a `FuturesUnordered` whose owner is busy, stops no other caller. A task looks for such
//!   waiters only while one is woken and another waits behind it: a window that is used up wakes nobody.
//! - RW5: a closed window admits nobody. It is drained when all credits have returned, and does not grow any more.
//! - RW6: no waker is called or dropped under the lock.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::link::growing_window::ByteLimits;
use crate::sync::Mutex;
use crate::wire::limits::MAX_WINDOW;

/// How long a waiter that is woken may keep others waiting (RW4). Much longer than a runtime takes to poll a task.
pub(crate) const PASSED_OVER_AFTER: Duration = Duration::from_millis(20);

/// The window of a channel.
#[derive(Debug)]
pub(crate) struct RequestWindow {
    me: Weak<Self>,
    state: Mutex<State>,
    /// Why the window was closed. Set together with the phase, so that nobody who reads it is admitted.
    closed: OnceLock<Box<str>>,
    /// Notified when a closed window is drained, or will never be.
    drained: Notify,
    /// The session's runtime, which looks for waiters to pass over.
    runtime: Option<Handle>,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    /// All credits that the peer granted, and those of them that are free.
    window: u32,
    credits: u32,
    /// The bytes that the window may grow to; the most that were ever free, which is its size as far as it is known here, since
    /// bytes that come back and those by which it grows come in one sum; and the window without the bytes in flight, which is not
    /// positive if it is full.
    most: u32,
    known: u32,
    bytes: i64,
    /// Requests that wait for a credit only, and those that wait for bytes too, by their places in the queue.
    short: BTreeMap<u64, Waiter>,
    counted: BTreeMap<u64, Waiter>,
    next: u64,
    /// Whether a task looks for waiters to pass over.
    watched: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// Calls under way go on (RW5).
    Closed,
    /// The session is over.
    Ended,
}

#[derive(Debug)]
struct Waiter {
    waker: Waker,
    /// Since when it could be admitted.
    woken: Option<Instant>,
}

/// A request that may be sent. Dropping it gives back the credit and the bytes.
#[derive(Debug)]
#[must_use = "dropping it gives back what it has"]
pub(crate) struct Admitted<'a> {
    window: &'a RequestWindow,
    credit: bool,
    bytes: u64,
}

impl Admitted<'_> {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Leaves the credit and the bytes to somebody else, who returns them by [`refund`](RequestWindow::refund) if the request is
    /// not sent. Otherwise the credit comes back with the reply, and the bytes from the request's receiver.
    pub(crate) fn hand_over(mut self) {
        self.credit = false;
        self.bytes = 0;
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.credit || self.bytes > 0 {
            self.window.give_back(u32::from(self.credit), self.bytes);
        }
    }
}

impl RequestWindow {
    /// Makes the window of a channel. `bytes` are the limits in the peer's hello. To be called on the session's runtime.
    pub(crate) fn new(credits: u32, bytes: ByteLimits) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            state: Mutex::new(State {
                phase: Phase::Open,
                window: credits,
                credits,
                most: bytes.most,
                known: bytes.first,
                bytes: bytes.first.into(),
                short: BTreeMap::new(),
                counted: BTreeMap::new(),
                next: 0,
                watched: false,
            }),
            closed: OnceLock::new(),
            drained: Notify::new(),
            runtime: Handle::try_current().ok(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All credits that the peer granted, free or taken.
    pub(crate) fn size(&self) -> u32 {
        self.lock().window
    }

    /// How many calls may be under way from now on: all credits that the peer granted, and none once the window is drained.
    pub(crate) fn covers(&self) -> u32 {
        let state = self.lock();
        match state.phase {
            Phase::Open => state.window,
            Phase::Closed if state.credits < state.window => state.window,
            Phase::Closed | Phase::Ended => 0,
        }
    }

    /// How many bytes of requests may wait, and how many the window may grow to. The first is a lower bound until all bytes have
    /// come back once since the window grew.
    pub(crate) fn bytes(&self) -> (u32, u32) {
        let state = self.lock();
        (state.known, state.most)
    }

    /// Whether a request has to wait for bytes, not for a credit.
    pub(crate) fn lacks_bytes(&self) -> bool {
        let state = self.lock();
        state.credits > 0 && state.bytes <= 0
    }

    /// Whether a request of any length could be admitted now.
    pub(crate) fn has_room(&self) -> bool {
        self.lock().fits(1)
    }

    /// Admits a request that needs this many bytes. `None` if it would have to wait.
    pub(crate) fn try_admit(&self, bytes: u64) -> Option<Admitted<'_>> {
        let mut state = self.lock();
        let admitted = state.fits(bytes) && state.first().is_none();
        admitted.then(|| state.take(bytes))?;
        drop(state);
        Some(self.admitted(bytes))
    }

    /// Waits until a request that needs this many bytes is admitted. `None` once the window is closed.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the place in the queue.
    pub(crate) fn admit(&self, bytes: u64) -> Admission<'_> {
        Admission {
            window: self,
            bytes,
            place: None,
        }
    }

    /// The credit and the bytes of a request that was admitted before, and [handed over](Admitted::hand_over).
    pub(crate) fn admitted(&self, bytes: u64) -> Admitted<'_> {
        Admitted {
            window: self,
            credit: true,
            bytes,
        }
    }

    /// Gives back what a request took that was not sent.
    fn give_back(&self, credits: u32, bytes: u64) {
        let mut state = self.lock();
        state.credits += credits;
        state.bytes += bytes.cast_signed();
        state.learn();
        self.changed(state);
    }

    /// Gives back what a request was admitted with that was never sent.
    pub(crate) fn refund(&self, bytes: u64) {
        self.give_back(1, bytes);
    }

    /// Takes the credits that a reply returns; false if they are more than were taken.
    pub(crate) fn return_credits(&self, credits: u32) -> bool {
        let mut state = self.lock();
        if credits > state.window.saturating_sub(state.credits) {
            return false;
        }
        state.credits += credits;
        self.changed(state);
        true
    }

    /// Takes bytes that the receiver gives back, or by which the window grows; false if that is more than the window may have.
    pub(crate) fn return_bytes(&self, bytes: u32) -> bool {
        let mut state = self.lock();
        let free = state.bytes + i64::from(bytes);
        if free > state.most.into() {
            return false;
        }
        state.bytes = free;
        state.learn();
        self.changed(state);
        true
    }

    /// Adds credits; false if the window would exceed [`MAX_WINDOW`]. That of a closed channel stays as it is (RW5).
    pub(crate) fn grow(&self, credits: u32) -> bool {
        let mut state = self.lock();
        let window = state.window.checked_add(credits);
        let Some(window) = window.filter(|window| *window <= MAX_WINDOW) else {
            return false;
        };
        if state.phase == Phase::Open {
            state.window = window;
            state.credits += credits;
            self.changed(state);
        }
        true
    }

    /// Wakes whoever may go on now.
    fn changed(&self, mut state: MutexGuard<'_, State>) {
        if state.phase == Phase::Open {
            let woken = state.wake_first();
            self.watch(&mut state);
            drop(state);
            if let Some(waker) = woken {
                waker.wake(); // RW6
            }
        } else if state.credits == state.window {
            drop(state);
            self.drained.notify_waiters();
        }
    }

    /// Why the window was closed, if it was closed before the session's end.
    pub(crate) fn close_reason(&self) -> Option<&str> {
        self.closed.get().map(|why| &**why)
    }

    /// Admits nobody any more; false if the window was closed before.
    pub(crate) fn close(&self, why: &str) -> bool {
        let state = self.lock();
        let first = self.closed.set(why.into()).is_ok();
        let phase = match state.phase {
            Phase::Open | Phase::Closed => Phase::Closed,
            Phase::Ended => Phase::Ended,
        };
        Self::enter(state, phase);
        first
    }

    /// Ends all waits: the session is over.
    pub(crate) fn end(&self) {
        Self::enter(self.lock(), Phase::Ended);
        self.drained.notify_waiters();
    }

    fn enter(mut state: MutexGuard<'_, State>, phase: Phase) {
        state.phase = phase;
        let waiters = [
            std::mem::take(&mut state.short),
            std::mem::take(&mut state.counted),
        ];
        drop(state);
        let waiters = waiters.into_iter().flat_map(BTreeMap::into_values);
        waiters.for_each(|waiter| waiter.waker.wake()); // RW6
    }

    /// Waits until all credits of a closed window have returned; false if the session ends before.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn drain(&self) -> bool {
        loop {
            let mut drained = pin!(self.drained.notified());
            // Registered before the check, so that no wake-up is lost.
            drained.as_mut().enable();
            {
                let state = self.lock();
                if state.phase == Phase::Ended {
                    return false;
                }
                if state.credits == state.window {
                    return true;
                }
            }
            drained.await;
        }
    }

    /// Passes over a waiter that does not come (RW4). False if nobody is woken, or nobody waits behind him.
    fn pass_over(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let absent = state.first().and_then(|first| {
            let idle = state.waiter(first)?.woken? + PASSED_OVER_AFTER <= now;
            idle.then_some(first)
        });
        let passed = absent.and_then(|place| state.remove(place));
        let woken = state.wake_first();
        let watched = state.may_be_blocked();
        state.watched = watched;
        drop(state);
        drop(passed); // RW6
        if let Some(waker) = woken {
            waker.wake();
        }
        watched
    }

    /// Has a task look for waiters to pass over, as long as there may be one (RW4).
    fn watch(&self, state: &mut State) {
        if state.watched || !state.may_be_blocked() {
            return;
        }
        let Some(runtime) = &self.runtime else {
            return;
        };
        state.watched = true;
        let window = Weak::clone(&self.me);
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(PASSED_OVER_AFTER).await;
                let window = Weak::upgrade(&window);
                if !window.is_some_and(|window| window.pass_over(Instant::now())) {
                    return;
                }
            }
        });
    }
}

impl State {
    fn fits(&self, bytes: u64) -> bool {
        self.phase == Phase::Open && self.credits > 0 && (bytes == 0 || self.bytes > 0)
    }

    fn take(&mut self, bytes: u64) {
        self.credits -= 1;
        self.bytes -= bytes.cast_signed();
    }

    /// Learns how large the window is.
    fn learn(&mut self) {
        self.known = self.known.max(u32::try_from(self.bytes).unwrap_or(0));
    }

    /// The first place whose request fits (RW2).
    fn first(&self) -> Option<u64> {
        if self.credits == 0 {
            return None;
        }
        let place = |waiters: &BTreeMap<u64, Waiter>| waiters.keys().next().copied();
        let counted = place(&self.counted).filter(|_| self.bytes > 0);
        match (place(&self.short), counted) {
            (Some(short), Some(counted)) => Some(short.min(counted)),
            (short, counted) => short.or(counted),
        }
    }

    /// Whether somebody waits behind one who could go on.
    fn may_be_blocked(&self) -> bool {
        self.short.len() + self.counted.len() > 1 && self.first().is_some()
    }

    fn waiter(&mut self, place: u64) -> Option<&mut Waiter> {
        let short = self.short.get_mut(&place);
        short.or_else(|| self.counted.get_mut(&place))
    }

    fn remove(&mut self, place: u64) -> Option<Waiter> {
        let short = self.short.remove(&place);
        short.or_else(|| self.counted.remove(&place))
    }

    /// Returns the waker of the first request that fits, unless it was woken before.
    fn wake_first(&mut self) -> Option<Waker> {
        let first = self.first()?;
        let waiter = self.waiter(first)?;
        if waiter.woken.is_some() {
            return None;
        }
        waiter.woken = Some(Instant::now());
        Some(waiter.waker.clone())
    }
}

/// Waits until a request is admitted.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub(crate) struct Admission<'a> {
    window: &'a RequestWindow,
    bytes: u64,
    /// The place in the queue, from the first poll on.
    place: Option<u64>,
}

impl<'a> Future for Admission<'a> {
    type Output = Option<Admitted<'a>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let window = this.window;
        let waker = cx.waker().clone();
        let mut state = window.lock();
        if state.phase != Phase::Open {
            return Poll::Ready(None);
        }
        let next = state.next;
        let place = *this.place.get_or_insert(next);
        state.next = next.max(place + 1);
        let before = state.remove(place);
        if state.fits(this.bytes) && state.first().is_none_or(|first| first > place) {
            state.take(this.bytes);
            this.place = None;
            window.changed(state);
            drop(before); // RW6
            return Poll::Ready(Some(window.admitted(this.bytes)));
        }
        let waiter = Waiter { waker, woken: None };
        let waiters = match this.bytes {
            0 => &mut state.short,
            _ => &mut state.counted,
        };
        waiters.insert(place, waiter);
        window.watch(&mut state);
        drop(state);
        drop(before); // RW6
        Poll::Pending
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place else {
            return;
        };
        let mut state = self.window.lock();
        let left = state.remove(place);
        self.window.changed(state);
        drop(left); // RW6
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use futures_util::FutureExt;

    use super::*;
    use crate::link::byte_window::{ByteAllowance, charge};
    use crate::link::growing_window::GrowingWindow;
    use crate::link::growth_budget::GrowthBudget;
    use crate::wire::frame::INLINE_MAX;

    /// A window that does not grow.
    const FIXED: ByteLimits = ByteLimits {
        first: 100,
        most: 100,
    };

    /// A length that is counted.
    const SHORTEST: u64 = INLINE_MAX as u64 + 1;

    /// Both ends of a channel.
    struct Ends {
        limits: ByteLimits,
        budget: Arc<GrowthBudget>,
        sender: Arc<RequestWindow>,
        receiver: ByteAllowance,
        /// The bytes of requests that have taken them and are not on the ring.
        unsent: Vec<u64>,
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
                sender: RequestWindow::new(MAX_WINDOW, limits),
                receiver: ByteAllowance::new(window),
                unsent: Vec::new(),
                waiting: Vec::new(),
            }
        }

        /// Whether the step was possible.
        fn step(&mut self, step: Step) -> bool {
            match step {
                Step::Take(length) => match self.sender.try_admit(charge(length)) {
                    Some(admitted) => {
                        self.unsent.push(admitted.bytes);
                        admitted.hand_over();
                    }
                    None => return false,
                },
                Step::Arrive(end) => {
                    let Some(bytes) = end.remove(&mut self.unsent) else {
                        return false;
                    };
                    assert!(self.receiver.arrived(bytes), "sent what was not allowed");
                    self.waiting.push(bytes);
                }
                Step::GiveUp(end) => {
                    let Some(bytes) = end.remove(&mut self.unsent) else {
                        return false;
                    };
                    drop(Admitted {
                        window: &self.sender,
                        credit: true,
                        bytes,
                    });
                }
                Step::Begin(end) => {
                    let Some(bytes) = end.remove(&mut self.waiting) else {
                        return false;
                    };
                    let half = u64::from(self.receiver.size()) / 2;
                    if let Some(back) = self.receiver.taken(bytes) {
                        assert!(back >= half, "a frame for {back} bytes"); // BY4
                        assert!(self.sender.return_bytes(back as u32));
                    }
                }
            }
            true
        }

        fn state(&self) -> String {
            let (sender, receiver) = (self.sender.lock().bytes, &self.receiver);
            let (unsent, waiting) = (&self.unsent, &self.waiting);
            format!("{sender:?} {receiver:?} {unsent:?} {waiting:?}")
        }

        /// Whether what waits is at most the window and one request (BY1).
        fn is_bounded(&self) -> bool {
            let sum: u64 = self.waiting.iter().sum();
            let largest = self.waiting.iter().max().unwrap_or(&0);
            sum - largest < self.receiver.size().into()
        }

        /// Whether the window has grown, and by no more than the budget.
        fn has_grown(&self, budget: u64) -> bool {
            let size = self.receiver.size();
            let growth = u64::from(size - self.limits.first);
            assert!(growth <= budget && size <= self.limits.most);
            let (known, _) = self.sender.bytes();
            assert!((self.limits.first..=size).contains(&known), "{known}");
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

    fn window(credits: u32) -> Arc<RequestWindow> {
        RequestWindow::new(credits, FIXED)
    }

    fn take(window: &RequestWindow, bytes: u64) {
        let admitted = window.try_admit(bytes).expect("it need not wait");
        admitted.hand_over();
    }

    /// Begins to wait.
    fn waiting(window: &RequestWindow, bytes: u64) -> Pin<Box<Admission<'_>>> {
        let mut admission = Box::pin(window.admit(bytes));
        assert!(admission.as_mut().now_or_never().is_none());
        admission
    }

    fn ready(admission: &mut Pin<Box<Admission<'_>>>) -> bool {
        match admission.as_mut().now_or_never() {
            Some(Some(admitted)) => {
                admitted.hand_over();
                true
            }
            Some(None) => panic!("the window is closed"),
            None => false,
        }
    }

    /// RW3
    #[test]
    fn a_request_is_admitted_while_the_window_has_room_and_is_counted_whole() {
        let window = window(100);
        let long = window.try_admit(1 << 40).unwrap();
        assert!(window.try_admit(25).is_none(), "the window is full");
        take(&window, 0);
        drop(long);
        take(&window, 99);
        take(&window, 50);
        assert!(window.try_admit(25).is_none());
        assert!(window.return_bytes(49) && window.try_admit(25).is_none());
        assert!(window.return_bytes(1) && window.try_admit(100).is_some());
        assert!(window.return_bytes(99), "less than was sent");
        assert!(!window.return_bytes(1), "more than was sent");
    }

    #[test]
    fn a_sender_knows_the_size_of_its_window_once_nothing_is_in_flight() {
        let limits = ByteLimits {
            first: 100,
            most: 1000,
        };
        let window = RequestWindow::new(MAX_WINDOW, limits);
        take(&window, 60);
        take(&window, 60);
        assert_eq!(window.bytes(), (100, 1000));
        assert!(window.return_bytes(60 + 900));
        assert_eq!(window.bytes(), (940, 1000), "60 are in flight");
        assert!(window.return_bytes(60));
        assert_eq!(window.bytes(), (1000, 1000));
        take(&window, 500);
        assert_eq!(window.bytes(), (1000, 1000));
    }

    fn free(window: &RequestWindow) -> (u32, i64) {
        let state = window.lock();
        (state.credits, state.bytes)
    }

    /// RW1
    #[test]
    fn who_waits_has_neither_credit_nor_bytes() {
        let window = window(1);
        take(&window, 60);
        let mut credit = waiting(&window, 10);
        assert_eq!(free(&window), (0, 40));
        assert!(window.return_credits(1) && ready(&mut credit));
        let window = self::window(2);
        take(&window, 100);
        let mut bytes = waiting(&window, 10);
        assert_eq!(free(&window), (1, 0));
        assert!(window.return_bytes(1) && ready(&mut bytes));
    }

    /// RW2
    #[test]
    fn requests_are_admitted_in_order_and_short_ones_pass_those_that_wait_for_bytes() {
        let window = window(2);
        take(&window, 100);
        let mut long = waiting(&window, 80);
        let mut next = waiting(&window, 30);
        take(&window, 0);
        let mut short = waiting(&window, 0);
        assert!(window.return_bytes(50));
        assert!(!ready(&mut short) && !ready(&mut long), "no credit is free");
        assert!(window.return_credits(1));
        assert!(
            !ready(&mut short) && !ready(&mut next),
            "they would overtake"
        );
        assert!(window.try_admit(0).is_none(), "it would overtake");
        assert!(ready(&mut long));
        assert!(window.return_credits(1));
        assert!(!ready(&mut next), "it has no bytes");
        assert!(ready(&mut short));
        // Who gives up passes the turn on.
        assert!(window.return_bytes(50) && window.return_credits(1));
        let mut last = waiting(&window, 0);
        drop(next);
        assert!(ready(&mut last));
    }

    /// RW4
    #[tokio::test(start_paused = true)]
    async fn who_is_woken_and_not_polled_is_passed_over_and_keeps_its_place() {
        for bytes in [0, 60] {
            let window = window(1);
            take(&window, bytes);
            let mut absent = waiting(&window, bytes);
            let next = tokio::spawn({
                let window = Arc::clone(&window);
                async move { window.admit(bytes).await.expect("it is open").hand_over() }
            });
            let last = tokio::spawn({
                let window = Arc::clone(&window);
                async move { window.admit(bytes).await.expect("it is open").hand_over() }
            });
            tokio::task::yield_now().await;
            let back = || window.return_credits(1) && window.return_bytes(bytes as u32);
            let before = Instant::now();
            assert!(back());
            next.await.unwrap();
            assert!(before.elapsed() <= 3 * PASSED_OVER_AFTER);
            // It has its old place.
            assert!(!ready(&mut absent));
            assert!(back());
            tokio::task::yield_now().await;
            assert!(!last.is_finished() && ready(&mut absent));
            assert!(back());
            last.await.unwrap();
            assert!(!window.lock().may_be_blocked());
        }
    }

    /// RW4: nobody looks for those who do not come while nobody waits behind them.
    #[tokio::test(start_paused = true)]
    async fn who_waits_alone_is_not_passed_over() {
        let window = window(1);
        take(&window, 0);
        let mut alone = waiting(&window, 0);
        assert!(window.return_credits(1));
        assert!(!window.lock().watched);
        tokio::time::sleep(10 * PASSED_OVER_AFTER).await;
        assert!(window.try_admit(0).is_none(), "it would overtake");
        assert!(ready(&mut alone));
    }

    /// RW4
    #[tokio::test(start_paused = true)]
    async fn nobody_looks_at_a_window_that_is_used_up() {
        let window = window(1);
        take(&window, 0);
        let mut all = [0, 30, 0].map(|bytes| waiting(&window, bytes));
        assert!(!window.lock().watched);
        assert!(window.return_credits(1) && window.lock().watched);
        assert!(ready(&mut all[0]));
        tokio::time::sleep(2 * PASSED_OVER_AFTER).await;
        assert!(!window.lock().watched);
    }

    /// RW5
    #[tokio::test]
    async fn a_closed_window_admits_nobody_and_is_drained_when_all_credits_are_back() {
        let window = window(2);
        take(&window, 100);
        take(&window, 0);
        let (waits, counted) = (waiting(&window, 0), waiting(&window, 30));
        assert!(window.close("enough") && !window.close("again"));
        assert_eq!(window.close_reason(), Some("enough"));
        assert!(waits.await.is_none() && counted.await.is_none());
        let mut drain = Box::pin(window.drain());
        assert!(drain.as_mut().now_or_never().is_none());
        assert!(window.return_credits(1) && window.grow(3));
        assert!(window.try_admit(0).is_none() && window.admit(0).await.is_none());
        assert!(drain.as_mut().now_or_never().is_none());
        assert!(window.return_credits(1) && !window.return_credits(1));
        assert!(drain.await);
        assert!(!window.grow(MAX_WINDOW));
        let over = self::window(1);
        take(&over, 0);
        let waits = waiting(&over, 0);
        assert!(over.close("enough"));
        let drain = over.drain();
        over.end();
        assert!(!drain.await && waits.await.is_none());
    }

    #[test]
    fn a_window_grows_up_to_what_one_may_be() {
        let window = window(1);
        take(&window, 0);
        assert!(window.grow(1));
        take(&window, 0);
        assert!(window.return_credits(2) && !window.return_credits(1));
        assert!(!window.grow(u32::MAX) && !window.grow(MAX_WINDOW - 1));
        assert!(window.grow(MAX_WINDOW - 2));
    }
}
