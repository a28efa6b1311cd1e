//! One call as its caller sees it, from being entered to being settled.
//!
//! - P1: a call is settled at most once; whoever comes second finds that out.
//! - P2: a call may move to another session while its caller waits; the caller does not notice.
//! - P3: once its caller is gone, a call is never sent again.
//! - P4: one that nobody but its caller holds any more serves the caller's thread for another call, so that a call
//!   takes nothing from the allocator.
//! - P6: no waker, session or outcome is dropped under the lock: that may run anything.
//! - P5: it is in one session's table at a time, so it can never be sent twice at once.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::calls::failure::CallFailure;
use crate::sync::Mutex;
use crate::wire::frame::{CallId, Status};
use crate::wire::message_body::MessageBody;

/// A reply that the method itself gave.
#[derive(Debug)]
pub struct Reply {
    /// Whether the payload is the method's own error.
    pub is_error: bool,
    /// The result or the error, encoded.
    pub body: MessageBody,
}

impl Reply {
    pub(crate) fn new(status: Status, body: MessageBody) -> Self {
        Self {
            is_error: status == Status::HandlerError,
            body,
        }
    }

    /// Bytes carried: payload and buffers.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.body.carried()
    }
}

/// How a call ends.
pub type Outcome = Result<Reply, CallFailure>;

/// The table that a call is in, for a caller that leaves.
pub(crate) trait Table: Send + Sync {
    /// Cancels a call whose caller has left.
    fn cancel(&self, call: CallId);
}

/// One call.
pub(crate) struct Pending {
    state: Mutex<State>,
}

enum State {
    /// Not in any session's table: before it was sent, or between two sessions.
    Detached(Option<Waker>),
    /// In a session's table.
    Entered {
        table: Arc<dyn Table>,
        call: CallId,
        waker: Option<Waker>,
    },
    Settled(Outcome),
    /// The caller took the outcome, or left.
    Finished,
}

thread_local! {
    static SPARE: RefCell<Vec<Arc<Pending>>> = const { RefCell::new(Vec::new()) };
}

/// As many as a thread keeps (P4).
const SPARES: usize = 64;

impl Pending {
    pub(crate) fn new() -> Arc<Self> {
        // A thread that ends has none.
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        spare.ok().flatten().unwrap_or_else(|| {
            Arc::new(Self {
                state: Mutex::new(State::Detached(None)),
            })
        })
    }

    /// Its caller is about to let go of it (P4).
    pub(crate) fn keep(this: &mut Arc<Self>) {
        let Some(unshared) = Arc::get_mut(this) else {
            return;
        };
        let state = unshared.state.get_mut();
        *state.unwrap_or_else(PoisonError::into_inner) = State::Detached(None);
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARES {
                spare.push(Arc::clone(this));
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes where the call is now; false if its caller has left (P3), or it is in a table already (P5).
    pub(crate) fn enter<T: Table + 'static>(&self, table: &Arc<T>, call: CallId) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Detached(waker) => {
                let waker = waker.take();
                let entered = State::Entered {
                    table: Arc::<T>::clone(table),
                    call,
                    waker,
                };
                let before = std::mem::replace(&mut *state, entered);
                drop(state);
                drop(before); // P6
                true
            }
            State::Entered { .. } | State::Settled(_) | State::Finished => false,
        }
    }

    /// It is in no table any more: its session is over, or it was taken back before it was sent.
    pub(crate) fn detach(&self) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Detached(_) => true,
            State::Entered { waker, .. } => {
                let detached = State::Detached(waker.take());
                let before = std::mem::replace(&mut *state, detached);
                drop(state);
                drop(before); // P6
                true
            }
            State::Settled(_) | State::Finished => false,
        }
    }

    /// Whether somebody still waits for the outcome.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(*self.lock(), State::Detached(_) | State::Entered { .. })
    }

    /// Settles the call (P1).
    pub(crate) fn settle(&self, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let waker = match &mut *state {
            State::Detached(waker) | State::Entered { waker, .. } => waker.take(),
            State::Settled(_) | State::Finished => {
                drop(state);
                return false; // And the outcome is dropped (P6).
            }
        };
        let before = std::mem::replace(&mut *state, State::Settled(outcome));
        drop(state);
        drop(before); // P6
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Outcome> {
        let mut state = self.lock();
        match &mut *state {
            State::Detached(waker) | State::Entered { waker, .. } => {
                let before = match waker {
                    Some(held) if held.will_wake(cx.waker()) => None,
                    _ => waker.replace(cx.waker().clone()),
                };
                drop(state);
                drop(before); // P6
                Poll::Pending
            }
            State::Settled(_) => match std::mem::replace(&mut *state, State::Finished) {
                State::Settled(outcome) => Poll::Ready(outcome),
                _ => Poll::Pending,
            },
            State::Finished => Poll::Pending,
        }
    }

    /// The caller leaves: says where the call was, if it was not settled.
    pub(crate) fn cancel(&self) -> Option<(Arc<dyn Table>, CallId)> {
        let before = std::mem::replace(&mut *self.lock(), State::Finished);
        match before {
            State::Entered { table, call, .. } => Some((table, call)),
            State::Detached(_) | State::Settled(_) | State::Finished => None,
        }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::remote_error::RemoteError;

    fn failure() -> Outcome {
        Err(CallFailure::Failed(RemoteError::Dropped))
    }

    /// Asks about its call when it is woken or dropped.
    struct Nosy(std::sync::Weak<Pending>);

    impl std::task::Wake for Nosy {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Nosy {
        fn drop(&mut self) {
            if let Some(pending) = self.0.upgrade() {
                assert!(!pending.state.is_locked(), "dropped under the lock");
            }
        }
    }

    /// P6
    #[test]
    fn no_waker_is_dropped_under_the_lock() {
        let pending = Pending::new();
        let nosy = || Waker::from(Arc::new(Nosy(Arc::downgrade(&pending))));
        for _ in 0..3 {
            let waker = nosy();
            assert!(pending.poll(&Context::from_waker(&waker)).is_pending());
        }
        assert!(pending.detach());
        assert!(pending.settle(failure()));
        assert!(!pending.settle(failure()));
        let left = Pending::new();
        let waker = Waker::from(Arc::new(Nosy(Arc::downgrade(&left))));
        assert!(left.poll(&Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert!(left.cancel().is_none());
    }

    #[test]
    fn a_call_settles_once() {
        let pending = Pending::new();
        assert!(pending.settle(failure()));
        assert!(!pending.settle(failure()));
        let cx = Context::from_waker(Waker::noop());
        assert!(pending.poll(&cx).is_ready());
        assert!(pending.poll(&cx).is_pending());
    }

    /// P4
    #[test]
    fn what_somebody_else_holds_is_not_used_again() {
        let mut first = Pending::new();
        let held = Arc::clone(&first);
        Pending::keep(&mut first);
        let mut second = Pending::new();
        assert!(!Arc::ptr_eq(&held, &second));
        assert!(second.settle(failure()));
        Pending::keep(&mut second);
        let place = Arc::as_ptr(&second);
        drop(second);
        let third = Pending::new();
        assert_eq!(Arc::as_ptr(&third), place);
        assert!(third.is_wanted(), "it begins anew");
    }

    /// P1, P3, P5: each state by each event. A waker that is held is woken by what settles the call alone.
    #[test]
    fn every_event_has_one_effect_in_every_state() {
        let table = Arc::new(Nowhere);
        let call = |index| CallId {
            index,
            generation: 1,
        };
        let cx = Context::from_waker(Waker::noop());
        type Make<'a> = &'a dyn Fn() -> Arc<Pending>;
        let detached: Make<'_> = &|| {
            Arc::new(Pending {
                state: Mutex::new(State::Detached(None)),
            })
        };
        let entered: Make<'_> = &|| {
            let pending = detached();
            assert!(pending.enter(&table, call(1)));
            pending
        };
        let settled: Make<'_> = &|| {
            let pending = entered();
            assert!(pending.settle(failure()));
            pending
        };
        let taken: Make<'_> = &|| {
            let pending = settled();
            assert!(pending.poll(&cx).is_ready());
            pending
        };
        let left: Make<'_> = &|| {
            let pending = entered();
            assert!(pending.cancel().is_some());
            pending
        };
        let name = |pending: &Pending| match &*pending.lock() {
            State::Detached(_) => "detached",
            State::Entered { call, .. } if call.index == 2 => "entered again",
            State::Entered { .. } => "entered",
            State::Settled(_) => "settled",
            State::Finished => "finished",
        };
        let states = [detached, entered, settled, taken, left];
        let wanted = states.map(|state| state().is_wanted());
        assert_eq!(wanted, [true, true, false, false, false]);
        let enters = states.map(|state| {
            let pending = state();
            (pending.enter(&table, call(2)), name(&pending))
        });
        assert_eq!(enters[0], (true, "entered again"));
        assert_eq!(enters[1], (false, "entered"));
        assert_eq!(enters[2], (false, "settled"));
        assert_eq!(enters[3..], [(false, "finished"); 2]);
        let drifts = states.map(|state| {
            let pending = state();
            (pending.detach(), name(&pending))
        });
        assert_eq!(drifts[..2], [(true, "detached"); 2]);
        assert_eq!(drifts[2], (false, "settled"));
        assert_eq!(drifts[3..], [(false, "finished"); 2]);
        let settles = states.map(|state| {
            let pending = state();
            (pending.settle(failure()), name(&pending))
        });
        assert_eq!(settles[..2], [(true, "settled"); 2]);
        assert_eq!(settles[2], (false, "settled"));
        assert_eq!(settles[3..], [(false, "finished"); 2]);
        let polls = states.map(|state| {
            let pending = state();
            (pending.poll(&cx).is_ready(), name(&pending))
        });
        assert_eq!(polls[0], (false, "detached"));
        assert_eq!(polls[1], (false, "entered"));
        assert_eq!(
            polls[2..],
            [(true, "finished"), (false, "finished"), (false, "finished")]
        );
        let leaves = states.map(|state| {
            let pending = state();
            (pending.cancel().is_some(), name(&pending))
        });
        let told = [false, true, false, false, false];
        assert_eq!(leaves, told.map(|told| (told, "finished")));
    }

    struct Nowhere;

    impl Table for Nowhere {
        fn cancel(&self, _: CallId) {
            unreachable!("nobody who leaves cancels in this test");
        }
    }

    #[test]
    fn a_cancelled_call_is_not_wanted_any_more() {
        let pending = Pending::new();
        assert!(pending.detach());
        assert!(pending.cancel().is_none());
        assert!(!pending.is_wanted());
        assert!(!pending.detach());
        assert!(!pending.settle(failure()));
    }
}
