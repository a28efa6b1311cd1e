//! Who may send next: messages of one line leave one after the other, in the order in which they joined it.
//!
//! - TU1: a turn is held until its message has left, which for an ask is long before its answer.
//! - TU2: dropping a message gives its turn, or its place in the line, to the next one.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Messages that leave one after the other.
#[derive(Clone)]
pub(crate) struct Line(Arc<Semaphore>);

/// The right to send next, until the message has left (TU1).
#[derive(Default)]
pub(crate) struct Turn(Option<OwnedSemaphorePermit>);

impl Line {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Waits for the turn; `None` if the deadline passes first. The place in the line is taken at the first poll.
    pub(crate) async fn turn(self, deadline: Option<Instant>) -> Option<Turn> {
        // Unconstrained: a future that used up its task's budget would be told to wait before it had its place.
        let turn = tokio::task::unconstrained(self.0.acquire_owned());
        let turn = match deadline {
            None => turn.await,
            Some(at) => tokio::time::timeout_at(at.into(), turn).await.ok()?,
        };
        // Nobody closes the semaphore.
        turn.ok().map(|turn| Turn(Some(turn)))
    }
}

impl Turn {
    /// Of a message that stands in no line.
    pub(crate) fn free() -> Self {
        Self::default()
    }

    /// Whether somebody waits until the message has left.
    pub(crate) fn matters(&self) -> bool {
        self.0.is_some()
    }

    /// The message has left.
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
        let line = Line::new();
        let mut first = line.clone().turn(None).await.expect("nobody is before it");
        let mut waits = Box::pin(line.clone().turn(None));
        let mut late = Box::pin(line.clone().turn(None));
        let soon = tokio::time::Instant::now() + Duration::from_millis(5);
        let mut hasty = Box::pin(line.clone().turn(Some(soon.into_std())));
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
