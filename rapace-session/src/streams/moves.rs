//! The stream of a call that may be sent again over another session.
//!
//! - V1: halves belong to one session. A call that had not begun when its session ended gets others in the
//!   next one, as soon as its request is on the ring there.
//! - V2: items that were sent are gone with their session. So a call of which some had been sent is not
//!   sent again.
//! - V3: who waits for halves is told when there will be none any more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::streams::halves::StreamParts;
use crate::streams::state::StreamState;
use crate::streams::{StreamReceiver, StreamSender};

/// The stream of a call as it moves from session to session. Cheap to clone.
///
/// Whoever sends the caller's items goes on with [`next_sender`](Self::next_sender) when its half has ended, whatever the
/// reason, and it has sent none: the call may have been sent again, and its handler waits for them.
#[derive(Clone, Debug)]
pub struct Moves(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    /// In the session of the moment.
    stream: Arc<StreamState>,
    place: Place,
    /// How the call ended, as far as its stream is concerned.
    over: Option<Over>,
}

/// Where the halves of the session of the moment are.
#[derive(Debug)]
enum Place {
    /// Their owner has had them from the start.
    First,
    /// The request is on its way into another session.
    Moving,
    /// To be fetched.
    Here(StreamParts),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    /// The method answered; its stream goes on.
    Answered,
    /// There is no answer: nobody wants the stream.
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

    /// Whether items of this side's were sent, or are being sent at this moment. It does not change from
    /// no to yes any more when the session has ended (V2).
    pub(crate) fn has_sent(&self) -> bool {
        self.lock().stream.has_sent()
    }

    /// The request goes to another session, where its stream is this one.
    pub(crate) fn leaves_for(&self, stream: Arc<StreamState>) {
        let before = {
            let mut state = self.lock();
            state.stream = stream;
            std::mem::replace(&mut state.place, Place::Moving)
        };
        drop(before);
    }

    /// The request is on the ring of the other session (V1).
    pub(crate) fn arrived(&self, parts: StreamParts) {
        let mut parts = Some(parts);
        {
            let mut state = self.lock();
            // Unless it has moved on meanwhile.
            let here = parts.as_ref().and_then(StreamParts::state);
            let here = here.is_some_and(|stream| Arc::ptr_eq(stream, &state.stream));
            if here && state.over != Some(Over::Failed) {
                state.place = Place::Here(parts.take().unwrap_or_default());
            }
        }
        // What nobody wants is dropped outside of the lock: it speaks to the peer.
        drop(parts);
        self.0.changed.notify_waiters();
    }

    /// The call is over, with an answer of the method's or without (V3).
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

    /// Waits for the sending half in another session, after the one before has come to nothing. `None` when
    /// the call will not be sent again.
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
            // An answer has come from where it goes, so it is there already.
            (Place::Moving, _) | (Place::First, None) => None,
            (Place::First, Some(Over::Answered)) => Some(None),
        })
        .await
    }

    /// The receiving half in the session that answered, `first` being the one that the call began with.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing but `first`.
    pub async fn receiver(&self, first: Option<StreamReceiver>) -> Option<StreamReceiver> {
        let moved = self.until(|state| match (&mut state.place, state.over) {
            (Place::First, _) => Some(None),
            (Place::Here(parts), _) => Some(parts.receiver.take()),
            (Place::Moving, Some(Over::Failed)) => Some(None),
            (Place::Moving, _) => None,
        });
        moved.await.or(first)
    }

    /// Looks at each change until there is an answer.
    async fn until<T>(&self, look: impl Fn(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // Listening starts before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            if let Some(found) = look(&mut self.lock()) {
                return found;
            }
            changed.await;
        }
    }
}
