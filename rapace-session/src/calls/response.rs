//! The caller's end of a call: waits for the outcome, and cancels the call when dropped before.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::calls::failure::CallFailure;
use crate::calls::pending::{Outcome, Pending};
use crate::link::deadline::now;
use crate::streams::moves::Moves;
use crate::wire::remote_error::RemoteError;

/// Cancels the call when dropped before its outcome was taken.
///
/// It exists before the request is sent, and cancels whatever stage the call has reached: not in
/// the table, waiting for room, sent, or detached between two sessions.
#[derive(Debug)]
pub(crate) struct CallGuard {
    pending: Arc<Pending>,
    armed: bool,
}

impl CallGuard {
    pub(crate) fn new(pending: Arc<Pending>) -> Self {
        Self {
            pending,
            armed: true,
        }
    }

    pub(crate) fn pending(&self) -> &Arc<Pending> {
        &self.pending
    }

    /// Lets the call go on without its caller.
    pub(crate) fn disarm(mut self) {
        self.armed = false;
    }

    /// Cancels the call, if it is not over.
    fn cancel(&mut self) {
        if std::mem::take(&mut self.armed)
            && let Some((table, call)) = self.pending.cancel()
        {
            table.cancel(call);
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.cancel();
        Pending::keep(&mut self.pending);
    }
}

/// Waits for a call's outcome. Dropping it cancels the call.
#[derive(Debug)]
#[must_use = "dropping it cancels the call"]
pub struct ResponseFuture {
    guard: CallGuard,
    deadline: Option<Pin<Box<tokio::time::Sleep>>>,
    moves: Option<Moves>,
}

impl ResponseFuture {
    pub(crate) fn of(guard: CallGuard) -> Self {
        Self {
            guard,
            deadline: None,
            moves: None,
        }
    }

    pub(crate) fn moving(mut self, moves: Option<Moves>) -> Self {
        self.moves = moves;
        self
    }

    /// Follows the call's stream if the call is sent again: the halves that the call began with end
    /// with their session, and halves of the next session take their place. `None` if the call has
    /// no stream.
    #[must_use]
    pub fn moves(&self) -> Option<Moves> {
        self.moves.clone()
    }

    fn over(&mut self, answered: bool) {
        if let Some(moves) = self.moves.take() {
            moves.over(answered);
        }
    }

    pub(crate) fn by(mut self, deadline: Option<Instant>) -> Self {
        self.deadline = deadline.map(|at| Box::pin(tokio::time::sleep_until(at.into())));
        self
    }
}

impl Future for ResponseFuture {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if !self.guard.armed {
            return Poll::Ready(Err(CallFailure::Failed(RemoteError::Dropped)));
        }
        if let Poll::Ready(outcome) = self.guard.pending.poll(cx) {
            self.guard.armed = false;
            self.over(outcome.is_ok());
            return Poll::Ready(outcome);
        }
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            self.guard.cancel();
            self.over(false);
            return Poll::Ready(Err(CallFailure::Failed(RemoteError::DeadlineExceeded)));
        }
        Poll::Pending
    }
}

impl Drop for ResponseFuture {
    fn drop(&mut self) {
        self.over(false);
    }
}

/// Runs `work` until the deadline; not at all if the deadline has passed. The caller pins `work`,
/// so that no future is moved into another.
pub(crate) async fn within<T>(
    deadline: Option<Instant>,
    work: Pin<&mut impl Future<Output = Result<T, CallFailure>>>,
) -> Result<T, CallFailure> {
    match deadline {
        None => work.await,
        Some(at) if at <= now() => Err(CallFailure::Failed(RemoteError::DeadlineExceeded)),
        Some(at) => tokio::time::timeout_at(at.into(), work)
            .await
            .unwrap_or(Err(CallFailure::Failed(RemoteError::DeadlineExceeded))),
    }
}
