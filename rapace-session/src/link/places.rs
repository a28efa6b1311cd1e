//! Permits for the resources that a session has a limited number of: channels to services, and
//! streams.
//!
//! - PL1: at most the limit is taken at any time.
//! - PL2: a caller that finds no free place waits only if one is leaving, that is, its owner
//!   dropped it and only the peer's answer is missing. If all places are held, waiting could last
//!   for ever, so that is an immediate error.
//! - PL3: every waiter checks again whenever a place starts or stops leaving, so none waits for a
//!   place that is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The places for one kind of resource.
#[derive(Debug)]
pub(crate) struct Places {
    most: u32,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    taken: u32,
    /// Of these, places whose owner dropped them.
    leaving: u32,
}

/// A place that is taken. Dropping it frees the place.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    /// Whether the place is counted as leaving.
    leaves: bool,
}

/// Why no place is free.
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

    /// Takes a place, and waits for one that is leaving if none is free. `None` if all are held
    /// (PL2).
    ///
    /// # Cancel safety
    /// Dropping the future takes no place.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Place> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the check, so that no wake-up is lost.
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
    /// Sets whether the place is leaving, or held.
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
        self.places.changed.notify_waiters(); // PL3
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

    /// PL1, PL2
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

    /// PL3
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
