//! What a handler can know of the call that it handles, and what its own calls inherit.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapace_codec::BlobMut;

use crate::link::buffer_error::BufferError;
use crate::link::deadline::now;
use crate::serving::blocking_work::BlockingWork;
use crate::serving::call_end::CallEnd;
use crate::serving::cell::CallCell;
use crate::serving::incoming::IncomingCalls;
use crate::transport::Lane;
use crate::wire::message_body::Metadata;

tokio::task_local! {
    static CURRENT: CallContext;
}

/// The call being handled on this task.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// When the answer is of no use to the caller any more. On tokio's clock, which tests can pause: compare it with
    /// `tokio::time::Instant::now().into_std()`, or ask for the [time left](Self::time_left).
    pub deadline: Option<Instant>,
    /// Pairs that the caller sent along.
    pub metadata: Metadata,
    call: Call,
    pub(super) blocking: Option<BlockingWork>,
}

/// What says that the call is over.
#[derive(Clone)]
enum Call {
    Remote(Arc<CallCell>, Arc<IncomingCalls>),
    Local(Arc<CallEnd>),
    /// Of a call that came over a session, or of one from within this process.
    Detached(Option<Arc<IncomingCalls>>),
}

/// Cancels a call's context when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it cancels the context"]
pub struct CancelGuard(Option<Arc<CallEnd>>);

impl CancelGuard {
    /// Leaves the context to its deadline, and to another guard.
    pub fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            end.set();
        }
    }
}

impl CallContext {
    /// The context of a call from within this process, and what cancels it.
    pub fn local(deadline: Option<Instant>, metadata: Metadata) -> (Self, CancelGuard) {
        let end = Arc::<CallEnd>::default();
        let context = Self {
            deadline,
            metadata,
            call: Call::Local(Arc::clone(&end)),
            blocking: None,
        };
        (context, CancelGuard(Some(end)))
    }

    /// One more guard, for the handler's side; that of a call over a session needs none.
    pub fn guard(&self) -> CancelGuard {
        CancelGuard(match &self.call {
            Call::Local(end) => Some(Arc::clone(end)),
            Call::Remote(..) | Call::Detached(_) => None,
        })
    }

    pub(super) fn remote(
        calls: &Arc<IncomingCalls>,
        cell: &Arc<CallCell>,
        metadata: Metadata,
    ) -> Self {
        Self {
            deadline: cell.deadline,
            metadata,
            call: Call::Remote(Arc::clone(cell), Arc::clone(calls)),
            blocking: None,
        }
    }

    /// The calls that this one came with, if it came over a session.
    pub(crate) fn calls(&self) -> Option<&Arc<IncomingCalls>> {
        match &self.call {
            Call::Remote(_, calls) => Some(calls),
            Call::Local(_) => None,
            Call::Detached(calls) => calls.as_ref(),
        }
    }

    /// The same context, in which [`blocking`](crate::blocking) work is counted, for its service to wait for.
    #[must_use]
    pub fn counting(mut self, work: &BlockingWork) -> Self {
        self.blocking = Some(work.clone());
        self
    }

    /// The context for what goes on after the answer: the same call's metadata and session, and no deadline. It is
    /// cancelled when the session ends, and that of a call from within this process never is.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            deadline: None,
            metadata: self.metadata.clone(),
            call: Call::Detached(self.calls().cloned()),
            blocking: None,
        }
    }

    /// Runs `future` as the handling of this call.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Runs `work` as the handling of this call: for threads that the handler has started.
    pub fn sync_scope<R>(self, work: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self, work)
    }

    /// The call being handled on this task, if it is handling one. Clones the metadata;
    /// [`with`](Self::with) does not.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::with(Clone::clone)
    }

    /// Looks at the call being handled on this task, if it is handling one.
    pub fn with<R>(look: impl FnOnce(&Self) -> R) -> Option<R> {
        CURRENT.try_with(look).ok()
    }

    /// Whether nobody waits for what the handler does any more: the caller has given the call up, its deadline has
    /// passed, the session has ended, or the handler itself has.
    ///
    /// A handler that awaits need not ask, since it is dropped then. This is for loops that compute, and for threads:
    /// clone the context into them.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let over = match &self.call {
            Call::Remote(cell, _) => cell.end.is_set(),
            Call::Local(end) => end.is_set(),
            Call::Detached(calls) => {
                let link = calls.as_ref().map(|calls| &calls.link);
                link.is_some_and(|link| link.end.is_settled())
            }
        };
        over || self.deadline.is_some_and(|at| at <= now())
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled).
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) {
        let over = async {
            match &self.call {
                Call::Remote(cell, _) => cell.end.wait().await,
                Call::Local(end) => end.wait().await,
                Call::Detached(Some(calls)) => drop(calls.link.end.wait().await),
                Call::Detached(None) => std::future::pending().await,
            }
        };
        match self.deadline {
            None => over.await,
            // Boxed, since a timer would make every handler's future larger.
            Some(at) => drop(Box::pin(tokio::time::timeout_at(at.into(), over)).await),
        }
    }

    /// How long the answer is still of use; `None` without a deadline, zero past it.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(now()))
    }

    /// The deadline of a call made now: what was asked for, or the handled call's if earlier.
    #[must_use]
    pub fn earliest(asked: Option<Instant>) -> Option<Instant> {
        let inherited = Self::with(|context| context.deadline).flatten();
        match (asked, inherited) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Remote(..) => "Remote",
            Self::Local(_) => "Local",
            Self::Detached(_) => "Detached",
        })
    }
}

/// A buffer of `len` bytes, zeroes or left-overs of this side's, for the result of the call being
/// handled: it lies in the caller's session, so that sending it copies nothing. Outside a call, or
/// when the session has ended, it lies on the heap.
///
/// # Cancel safety
/// Dropping the future gives up its turn.
///
/// # Errors
/// See [`BufferError`]: the length is more than can be sent, or than there is memory for.
pub async fn allocate(len: usize) -> Result<BlobMut, BufferError> {
    let calls = CallContext::with(|context| context.calls().cloned()).flatten();
    match calls {
        Some(calls) => calls.link.allocate(len, Lane::Priority).await,
        None => BufferError::on_the_heap(len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test(start_paused = true)]
    async fn time_left_is_told_by_the_clock_that_deadlines_are_on() {
        let (mut context, _guard) = CallContext::local(None, Metadata::new());
        assert_eq!(context.time_left(), None);
        let hour = Duration::from_secs(3600);
        context.deadline = Some(now() + hour);
        assert_eq!(context.time_left(), Some(hour));
        tokio::time::advance(hour / 2).await;
        assert_eq!(context.time_left(), Some(hour / 2));
        tokio::time::advance(hour).await;
        assert_eq!(context.time_left(), Some(Duration::ZERO));
    }

    #[tokio::test]
    async fn a_call_made_by_a_handler_inherits_the_earlier_deadline() {
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let later = now + Duration::from_secs(2);
        assert_eq!(CallContext::earliest(None), None);
        let (context, _guard) = CallContext::local(Some(soon), Metadata::new());
        context
            .scope(async {
                assert_eq!(CallContext::earliest(None), Some(soon));
                assert_eq!(CallContext::earliest(Some(later)), Some(soon));
                assert_eq!(CallContext::earliest(Some(now)), Some(now));
            })
            .await;
    }

    #[tokio::test]
    async fn a_context_is_cancelled_when_its_guard_is_dropped() {
        let (context, guard) = CallContext::local(None, Metadata::new());
        let copy = context.clone();
        let mut cancelled = Box::pin(copy.cancelled());
        assert!((&mut cancelled).now_or_never().is_none());
        assert!(!context.is_cancelled());
        drop(guard);
        assert!(context.is_cancelled() && copy.is_cancelled());
        cancelled.await;
        context.cancelled().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_context_is_cancelled_by_its_deadline_and_a_detached_one_is_not() {
        let soon = now() + Duration::from_secs(1);
        let (context, guard) = CallContext::local(Some(soon), Metadata::new());
        let detached = context.detached();
        assert!(!context.is_cancelled());
        context.cancelled().await;
        assert!(now() >= soon && context.is_cancelled());
        drop(guard);
        assert!(!detached.is_cancelled());
        assert!(detached.cancelled().now_or_never().is_none());
    }
}
