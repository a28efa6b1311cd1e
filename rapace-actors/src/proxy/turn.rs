//! The send order: messages of one queue are sent in FIFO order.
//!
//! - TU1: a message holds its turn until it is sent; for an ask that is long before its answer.
//! - TU2: dropping a message passes its turn, or its place in the queue, to the next one.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A FIFO queue of messages to send.
#[derive(Clone)]
pub(crate) struct SendQueue(Arc<Semaphore>);

/// The right to send next, until the message has left (TU1).
#[derive(Default)]
pub(crate) struct Turn(Option<OwnedSemaphorePermit>);

impl SendQueue {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Waits for the turn; `None` if the deadline passes first. The first poll takes the place in the queue.
    pub(crate) async fn turn(self, deadline: Option<Instant>) -> Option<Turn> {
        // Unconstrained: if its task's budget is used up, the future would be pending before it has its place.
        let turn = tokio::task::unconstrained(self.0.acquire_owned());
        let turn = match deadline {
            None => turn.await,
            Some(at) => tokio::time::timeout_at(at.into(), turn).await.ok()?,
        };
        // The semaphore is never closed.
        turn.ok().map(|turn| Turn(Some(turn)))
    }
}

impl Turn {
    /// The turn of a message that is in no queue.
    pub(crate) fn free() -> Self {
        Self::default()
    }

    /// Whether other messages wait until this one is sent.
    pub(crate) fn matters(&self) -> bool {
        self.0.is_some()
    }

    /// Passes the turn on: the message was sent.
    pub(crate) fn pass(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use std::time::Duration;

    /// TU2
    #[tokio::test(start_paused = true)]
    async fn turns_come_in_order_and_who_leaves_holds_up_nobody() {
        let queue = SendQueue::new();
        let mut first = queue.clone().turn(None).await.expect("nobody is before it");
        let mut waits = Box::pin(queue.clone().turn(None));
        let mut late = Box::pin(queue.clone().turn(None));
        let soon = tokio::time::Instant::now() + Duration::from_millis(5);
        let mut hasty = Box::pin(queue.clone().turn(Some(soon.into_std())));
        for place in [&mut waits, &mut late, &mut hasty] {
            assert!(place.now_or_never().is_none());
        }
        assert!(hasty.await.is_none(), "its deadline passed");
        drop(waits);
        assert!((&mut late).now_or_never().is_none());
        first.pass();
        assert!(late.now_or_never().flatten().is_some());
    }
}
