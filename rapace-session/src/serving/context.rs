//! The context of the call that a handler handles, which its own calls inherit.

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

/// The context of the call being handled on this task.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// The deadline, on tokio's clock, which tests can pause: compare it with
    /// `tokio::time::Instant::now().into_std()`, or use [`time_left`](Self::time_left).
    pub deadline: Option<Instant>,
    /// The key-value pairs that the caller sent along.
    pub metadata: Metadata,
    call: Call,
    pub(super) blocking: Option<BlockingWork>,
}

/// The kind of call, which determines when it is over.
#[derive(Clone)]
enum Call {
    Remote(Arc<CallCell>, Arc<IncomingCalls>),
    Local(Arc<CallEnd>),
    /// Detached from a call that came over a session, or from one within this process (`None`).
    Detached(Option<Arc<IncomingCalls>>),
}

/// Cancels the context of a call when dropped.
#[derive(Debug)]
#[must_use = "dropping it cancels the context"]
pub struct CancelGuard(Option<Arc<CallEnd>>);

impl CancelGuard {
    /// Disarms the guard: only the deadline or another guard cancels the context then.
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
    /// Makes the context of a call within this process, and the guard that cancels it.
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

    /// Makes another guard, for the side of the handler. A call over a session needs none, so that
    /// guard does nothing.
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

    /// The incoming calls of the session that the call came over, if any.
    pub(crate) fn calls(&self) -> Option<&Arc<IncomingCalls>> {
        match &self.call {
            Call::Remote(_, calls) => Some(calls),
            Call::Local(_) => None,
            Call::Detached(calls) => calls.as_ref(),
        }
    }

    /// Counts [`blocking`](crate::blocking) work within this context with `work`, so that the
    /// service can wait for it.
    #[must_use]
    pub fn counting(mut self, work: &BlockingWork) -> Self {
        self.blocking = Some(work.clone());
        self
    }

    /// Makes a context for work that goes on after the reply, with the same metadata and session,
    /// and without deadline. It is cancelled when the session ends; for a call within this process,
    /// never.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            deadline: None,
            metadata: self.metadata.clone(),
            call: Call::Detached(self.calls().cloned()),
            blocking: None,
        }
    }

    /// Runs `future` within this context.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Runs `work` within this context, on threads that the handler has started.
    pub fn sync_scope<R>(self, work: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self, work)
    }

    /// Returns the context of the call being handled on this task, if any. This clones the
    /// metadata; [`with`](Self::with) does not.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::with(Clone::clone)
    }

    /// Calls `look` with the context of the call being handled on this task, if any.
    pub fn with<R>(look: impl FnOnce(&Self) -> R) -> Option<R> {
        CURRENT.try_with(look).ok()
    }

    /// Whether the caller no longer waits: the call was cancelled, its deadline passed, the session
    /// ended, or the handler itself has ended.
    ///
    /// A handler that awaits need not check, since it is dropped then. Loops that compute should,
    /// and threads: clone the context into them.
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

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true.
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

    /// The remaining time until the deadline: `None` without a deadline, zero past it.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|at| at.saturating_duration_since(now()))
    }

    /// Returns the deadline for a call made now: `asked`, or the deadline of the call being handled
    /// if that is earlier.
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

/// Allocates a buffer of `len` bytes for the result of the call being handled.
///
/// The buffer lies in the memory of the caller's session, so that sending it copies nothing. It
/// contains zeroes, or old bytes of this side. Outside a call, when the session has ended, or when no
/// slot is free, it lies on the heap; a session can be configured to wait or fail instead
/// ([`OnExhaustion`](rapace_shm::OnExhaustion)).
///
/// # Cancel safety
/// Dropping the future gives up its place in the queue.
///
/// # Errors
/// See [`BufferError`]: the buffer is too large to be sent, or the process is out of memory.
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
    async fn time_left_uses_the_clock_of_deadlines() {
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
