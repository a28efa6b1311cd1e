//! The stream of a call that may be sent again over another session.
//!
//! - MV1: halves belong to one session. A call that is sent again gets new halves in the next
//!   session, as soon as its request is on the ring there.
//! - MV2: items that were sent are lost with their session. So a call whose caller has sent items
//!   is not sent again.
//! - MV3: waiters for halves are notified when there will be no more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::streams::halves::StreamParts;
use crate::streams::state::StreamState;
use crate::streams::{StreamReceiver, StreamSender};

/// Follows the stream of a call from session to session. Cheap to clone.
///
/// If the sending half ends before it has sent an item, whatever the reason, its user continues
/// with [`next_sender`](Self::next_sender): the call may have been sent again, and its handler
/// waits for the items.
#[derive(Clone, Debug)]
pub struct Moves(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// The stream in the current session.
    stream: Arc<StreamState>,
    place: Place,
    /// How the call ended, if it has.
    over: Option<Over>,
}

/// Where the halves of the current session are.
#[derive(Debug)]
enum Place {
    /// The caller has had them from the start.
    First,
    /// The request is being sent over another session.
    Moving,
    /// Ready to be taken.
    Here(StreamParts),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The method replied; its stream goes on.
    Answered,
    /// The call failed; the stream is of no use.
    Failed,
}

impl Moves {
    pub(crate) fn new(stream: Arc<StreamState>) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                stream,
                place: Place::First,
                over: None,
            }),
            changed: Notify::new(),
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let state = self.0.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether items of this side were sent, or are being sent. After the session's end this never
    /// changes from false to true (MV2).
    pub(crate) fn has_sent(&self) -> bool {
        self.lock().stream.has_sent()
    }

    /// Records that the request is sent over another session, with this stream.
    pub(crate) fn leaves_for(&self, stream: Arc<StreamState>) {
        let before = {
            let mut state = self.lock();
            state.stream = stream;
            std::mem::replace(&mut state.place, Place::Moving)
        };
        drop(before);
    }

    /// Records that the request is on the ring of the other session (MV1).
    pub(crate) fn arrived(&self, parts: StreamParts) {
        let mut parts = Some(parts);
        {
            let mut state = self.lock();
            // Unless the call has moved on meanwhile.
            let here = parts.as_ref().and_then(StreamParts::state);
            let here = here.is_some_and(|stream| Arc::ptr_eq(stream, &state.stream));
            if here && state.over != Some(Over::Failed) {
                state.place = Place::Here(parts.take().unwrap_or_default());
            }
        }
        // Unused halves are dropped after the lock, since dropping them sends frames.
        drop(parts);
        self.0.changed.notify_waiters();
    }

    /// Records that the call is over, with a reply of the method or without one (MV3).
    pub(crate) fn over(&self, answered: bool) {
        let unwanted = {
            let mut state = self.lock();
            if state.over.is_some() {
                return;
            }
            state.over = Some(if answered {
                Over::Answered
            } else {
                Over::Failed
            });
            match answered {
                true => Place::First,
                false => std::mem::replace(&mut state.place, Place::First),
            }
        };
        drop(unwanted);
        self.0.changed.notify_waiters();
    }

    /// Waits for the sending half in the next session, after the previous half ended unused. `None`
    /// when the call will not be sent again.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_sender(&self) -> Option<StreamSender> {
        self.until(|state| match (&mut state.place, state.over) {
            (_, Some(Over::Failed)) => Some(None),
            (Place::Here(parts), over) => match parts.sender.take() {
                Some(sender) => Some(Some(sender)),
                None => over.map(|_| None),
            },
            // A reply can only come from the next session, so the halves arrive too.
            (Place::Moving, _) | (Place::First, None) => None,
            (Place::First, Some(Over::Answered)) => Some(None),
        })
        .await
    }

    /// Returns the receiving half in the session that replied. `first` is the half that the call
    /// began with.
    ///
    /// # Cancel safety
    /// Dropping the future drops `first`, and loses nothing else.
    pub async fn receiver(&self, first: Option<StreamReceiver>) -> Option<StreamReceiver> {
        let moved = self.until(|state| match (&mut state.place, state.over) {
            (Place::First, _) => Some(None),
            (Place::Here(parts), _) => Some(parts.receiver.take()),
            (Place::Moving, Some(Over::Failed)) => Some(None),
            (Place::Moving, _) => None,
        });
        moved.await.or(first)
    }

    /// Runs `look` after each change until it returns a value.
    async fn until<T>(&self, look: impl Fn(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // Registered before the check, so that no wake-up is lost.
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }
}
