//! Places of which a session has so many: channels to services, streams.
//!
//! - Q1: no more are taken than there are.
//! - Q2: who finds none waits only while one becomes free without the caller's doing: it was let go, and the peer has
//!   to answer first. When all are held, waiting would be for oneself, so that is an error at once.
//! - Q3: whoever waits looks again whenever that may have changed, so nobody waits for a place that is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The places of one kind.
#[derive(Debug)]
pub(crate) struct Places {
    most: u32,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    taken: u32,
    /// Of these, those that nobody holds any more, or perhaps will not.
    leaving: u32,
}

/// A place that is taken. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    /// Whether it is counted as leaving.
    leaves: bool,
}

/// Why there is no place at the moment.
#[derive(Debug, PartialEq, Eq)]
enum Full {
    Held,
    Leaving,
}

impl Places {
    pub(crate) fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            most,
            state: Mutex::default(),
            changed: Notify::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_take(self: &Arc<Self>) -> Result<Place, Full> {
        let mut state = self.lock();
        match (state.taken < self.most, state.leaving) {
            (true, _) => {
                state.taken += 1;
                Ok(Place {
                    places: Arc::clone(self),
                    leaves: false,
                })
            }
            (false, 0) => Err(Full::Held),
            (false, _) => Err(Full::Leaving),
        }
    }

    /// Takes a place, if need be as soon as one is free that leaves already. `None` if all are held (Q2).
    ///
    /// # Cancel safety
    /// Dropping the future takes none.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Place> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening starts before the look, so that a change between the two is not missed.
            changed.as_mut().enable();
            match self.try_take() {
                Ok(place) => return Some(place),
                Err(Full::Held) => return None,
                Err(Full::Leaving) => changed.await,
            }
        }
    }
}

impl Place {
    /// Whether it becomes free by itself from now on, or is held.
    pub(crate) fn set_leaving(&mut self, leaves: bool) {
        if std::mem::replace(&mut self.leaves, leaves) == leaves {
            return;
        }
        let mut state = self.places.lock();
        match leaves {
            true => state.leaving += 1,
            false => state.leaving -= 1,
        }
        drop(state);
        self.places.changed.notify_waiters(); // Q3
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.places.lock();
        state.taken -= 1;
        state.leaving -= u32::from(self.leaves);
        drop(state);
        self.places.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    /// Q1, Q2
    #[test]
    fn all_places_held_is_an_answer_and_one_that_leaves_is_waited_for() {
        let places = Places::new(2);
        let mut first = places.take().now_or_never().flatten().unwrap();
        let second = places.take().now_or_never().flatten().unwrap();
        assert!(places.take().now_or_never().expect("at once").is_none());
        first.set_leaving(true);
        first.set_leaving(true);
        let mut waits = Box::pin(places.take());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(first);
        assert!(waits.now_or_never().expect("there is one").is_some());
        drop(second);
        assert_eq!(places.lock().taken, 0);
        assert_eq!(places.lock().leaving, 0);
    }

    /// Q3
    #[test]
    fn a_place_that_is_held_after_all_is_not_waited_for() {
        let places = Places::new(1);
        let mut place = places.take().now_or_never().flatten().unwrap();
        place.set_leaving(true);
        let mut waits = [Box::pin(places.take()), Box::pin(places.take())];
        assert!(
            waits
                .iter_mut()
                .all(|one| one.as_mut().now_or_never().is_none())
        );
        place.set_leaving(false);
        for one in waits {
            assert!(one.now_or_never().expect("an answer").is_none());
        }
    }
}
