//! One call from the caller's side, from its request to its outcome.
//!
//! - PC1: a call is settled at most once; a second attempt returns false.
//! - PC2: a call may move to another session while its caller waits, without the caller noticing.
//! - PC3: after its caller has cancelled, a call is never sent again.
//! - PC4: a `Pending` that only its caller still holds is reused for another call of the same
//!   thread, so that a call allocates nothing.
//! - PC5: no waker, session or outcome is dropped under the lock, since dropping it may run any
//!   code.
//! - PC6: a call is in at most one session's table, so it is never sent twice at the same time.

use std::cell::RefCell;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::calls::failure::CallFailure;
use crate::sync::Mutex;
use crate::wire::frame::{CallId, Status};
use crate::wire::message_body::MessageBody;

/// A reply of the method itself.
#[derive(Debug)]
pub struct Reply {
    /// Whether the payload is the method's own error.
    pub is_error: bool,
    /// The encoded result or error.
    pub body: MessageBody,
}

impl Reply {
    pub(crate) fn new(status: Status, body: MessageBody) -> Self {
        Self {
            is_error: status == Status::HandlerError,
            body,
        }
    }

    /// Bytes of payload and buffers together.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.body.carried()
    }
}

/// The outcome of a call.
pub type Outcome = Result<Reply, CallFailure>;

/// The table that a call is in, for its cancellation.
pub(crate) trait Table: Send + Sync {
    /// Cancels a call.
    fn cancel(&self, call: CallId);
}

/// A call that waits for its outcome.
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
    /// The caller took the outcome, or cancelled.
    Finished,
}

thread_local! {
    static SPARE: RefCell<Vec<Arc<Pending>>> = const { RefCell::new(Vec::new()) };
}

/// How many a thread keeps for reuse (PC4).
const SPARES: usize = 64;

impl Pending {
    pub(crate) fn new() -> Arc<Self> {
        // A thread that is ending has none.
        let spare = SPARE.try_with(|spare| spare.borrow_mut().pop());
        spare.ok().flatten().unwrap_or_else(|| {
            Arc::new(Self {
                state: Mutex::new(State::Detached(None)),
            })
        })
    }

    /// Keeps it for reuse, before its caller drops it (PC4).
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

    /// Records the table that the call is in; false if the call was cancelled (PC3), or is in a
    /// table already (PC6).
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
                drop(before); // PC5
                true
            }
            State::Entered { .. } | State::Settled(_) | State::Finished => false,
        }
    }

    /// Records that the call is in no table: its session ended, or the request was taken back
    /// before it was sent.
    pub(crate) fn detach(&self) -> bool {
        let mut state = self.lock();
        match &mut *state {
            State::Detached(_) => true,
            State::Entered { waker, .. } => {
                let detached = State::Detached(waker.take());
                let before = std::mem::replace(&mut *state, detached);
                drop(state);
                drop(before); // PC5
                true
            }
            State::Settled(_) | State::Finished => false,
        }
    }

    /// Whether the caller still waits for the outcome.
    pub(crate) fn is_wanted(&self) -> bool {
        matches!(*self.lock(), State::Detached(_) | State::Entered { .. })
    }

    /// Settles the call and wakes its caller; false if it was settled or cancelled before (PC1).
    pub(crate) fn settle(&self, outcome: Outcome) -> bool {
        let mut state = self.lock();
        let waker = match &mut *state {
            State::Detached(waker) | State::Entered { waker, .. } => waker.take(),
            State::Settled(_) | State::Finished => {
                drop(state);
                return false; // And the outcome is dropped (PC5).
            }
        };
        let before = std::mem::replace(&mut *state, State::Settled(outcome));
        drop(state);
        drop(before); // PC5
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
                drop(before); // PC5
                Poll::Pending
            }
            State::Settled(_) => match std::mem::replace(&mut *state, State::Finished) {
                State::Settled(outcome) => Poll::Ready(outcome),
                _ => Poll::Pending,
            },
            State::Finished => Poll::Pending,
        }
    }

    /// Cancels the call. Returns the table that it was in, if it was not settled.
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

    /// A waker that locks its call when it is dropped.
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

    /// PC5
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

    /// PC4
    #[test]
    fn a_shared_pending_call_is_not_reused() {
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

    /// PC1, PC3, PC6: each state by each event. Only settling wakes a registered waker.
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
        let detaches = states.map(|state| {
            let pending = state();
            (pending.detach(), name(&pending))
        });
        assert_eq!(detaches[..2], [(true, "detached"); 2]);
        assert_eq!(detaches[2], (false, "settled"));
        assert_eq!(detaches[3..], [(false, "finished"); 2]);
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
        let cancels = states.map(|state| {
            let pending = state();
            (pending.cancel().is_some(), name(&pending))
        });
        let told = [false, true, false, false, false];
        assert_eq!(cancels, told.map(|told| (told, "finished")));
    }

    struct Nowhere;

    impl Table for Nowhere {
        fn cancel(&self, _: CallId) {
            unreachable!("no call is cancelled in its table in this test");
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
