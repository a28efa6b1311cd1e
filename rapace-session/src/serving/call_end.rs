//! Whether a call is over for its handler, and the way to wait for that.
//!
//! - E1: it is set at most once for good, and whoever waits is told.
//! - E2: setting it touches no lock unless somebody has waited.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Set when nobody waits for what a handler does any more.
#[derive(Debug, Default)]
pub(crate) struct CallEnd {
    over: AtomicBool,
    watched: AtomicBool,
    told: Notify,
}

impl CallEnd {
    /// Of a `set` and a `wait` at the same time, either this one sees that it is watched, or that one that it is
    /// set: all four accesses have one order.
    pub(crate) fn set(&self) {
        self.over.store(true, Ordering::SeqCst);
        if self.watched.load(Ordering::SeqCst) {
            self.told.notify_waiters();
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) async fn wait(&self) {
        let told = self.told.notified();
        tokio::pin!(told);
        // Listening starts before the look, so that what happens between the two is not missed.
        told.as_mut().enable();
        self.watched.store(true, Ordering::SeqCst);
        if !self.is_set() {
            told.await;
        }
    }
}
