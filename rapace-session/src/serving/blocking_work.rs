//! The count of blocking work in progress, for which a service waits.
//!
//! - BW1: work is counted from the moment that it is submitted until it has run, panicked, or been
//!   dropped before it ran.
//! - BW2: all waiters are woken when the count reaches zero.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts the [`blocking`](crate::blocking) work of the calls whose contexts [count with
/// it](crate::CallContext::counting).
#[derive(Clone, Debug, Default)]
pub struct BlockingWork(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    under_way: AtomicUsize,
    none_left: Notify,
}

/// Counts a piece of work until dropped (BW1).
pub(super) struct Counted(BlockingWork);

impl BlockingWork {
    pub(super) fn begin(&self) -> Counted {
        self.0.under_way.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.0.under_way.load(Ordering::Relaxed)
    }

    /// Whether no work is in progress.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.0.under_way.load(Ordering::Acquire) == 0
    }

    /// Waits until no work is in progress.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn done(&self) {
        loop {
            let notified = self.0.none_left.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            if self.is_done() {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let count = &self.0.0;
        if count.under_way.fetch_sub(1, Ordering::AcqRel) == 1 {
            count.none_left.notify_waiters();
        }
    }
}
