//! A flag that tells a handler that its call is over, with a way to wait for it.
//!
//! - CE1: once set, the flag stays set, and all waiters are woken.
//! - CE2: setting the flag takes no lock unless a waiter has registered.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Set when the caller no longer waits for the handler.
#[derive(Debug, Default)]
pub(crate) struct CallEnd {
    over: AtomicBool,
    watched: AtomicBool,
    changed: Notify,
}

impl CallEnd {
    /// If `set` and `wait` run at the same time, either `set` sees the waiter or `wait` sees the
    /// flag, since all four accesses are sequentially consistent.
    pub(crate) fn set(&self) {
        self.over.store(true, Ordering::SeqCst);
        if self.watched.load(Ordering::SeqCst) {
            self.changed.notify_waiters();
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) async fn wait(&self) {
        let notified = self.changed.notified();
        tokio::pin!(notified);
        // Registered before the check, so that no wake-up is lost.
        notified.as_mut().enable();
        self.watched.store(true, Ordering::SeqCst);
        if !self.is_set() {
            notified.await;
        }
    }
}
