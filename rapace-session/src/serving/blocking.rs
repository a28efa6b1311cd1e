//! Blocking work, on threads of its own.
//!
//! - BL1: work whose future is dropped before the work has begun never begins.
//! - BL2: a result or a panic payload that no future waits for may panic when it is dropped. That
//!   panic is caught here, since it would end a thread of the runtime.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use rapace_codec::{guarded, panic_message};

use crate::serving::blocking_work::BlockingWork;
use crate::serving::context::CallContext;

/// Runs `work` on a thread where it may block or compute for long, and waits for its result.
///
/// In a handler, the service takes its next message only when `work` has ended, even if the handler
/// is dropped earlier: by its caller, its deadline, or a `select!`. So a service never has more
/// blocking work in progress than its current message started. Work that has begun cannot be
/// stopped from outside: long work should check [`CallContext::is_cancelled`] from time to time.
/// `work` runs within the context of the call.
///
/// Outside a handler, and in the producer of a returned stream, this is the same as
/// [`tokio::task::spawn_blocking`], and only the future waits for the work.
///
/// # Cancel safety
/// Dropping the future drops work that has not begun. Work that has begun runs to its end, and its
/// result is dropped.
///
/// # Panics
/// With the panic of `work`; in a handler, that counts as a panic of the handler. If the future was
/// dropped earlier, only the panic hook reports it. Also panics outside a tokio runtime, and if the
/// runtime shuts down before `work` has begun.
pub async fn blocking<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let context = CallContext::current();
    let counted = CallContext::with(|context| context.blocking.as_ref().map(BlockingWork::begin));
    let waits = Arc::new(Mutex::new(Some((work, counted.flatten()))));
    let takes = Arc::clone(&waits);
    let thread = tokio::task::spawn_blocking(move || {
        // BL1: either this thread or the dropped future takes the work.
        let (work, counted) = take(&takes)?;
        let ended = catch_unwind(AssertUnwindSafe(|| match context {
            Some(context) => context.sync_scope(work),
            None => work(),
        }));
        drop(counted);
        Some(Ended(Some(ended)))
    });
    let _unbegun = Unbegun(waits);
    match thread.await.ok().flatten().and_then(Ended::taken) {
        Some(Ok(result)) => result,
        Some(Err(panic)) => resume_unwind(panic),
        None => panic!("the runtime shut down before blocking work had begun"),
    }
}

/// The result of work that has begun (BL2).
struct Ended<R>(Option<Result<R, Box<dyn Any + Send>>>);

impl<R> Ended<R> {
    fn taken(mut self) -> Option<Result<R, Box<dyn Any + Send>>> {
        self.0.take()
    }
}

impl<R> Drop for Ended<R> {
    fn drop(&mut self) {
        let message = match self.0.take() {
            None => return,
            Some(Ok(result)) => match guarded(move || drop(result)) {
                Ok(()) => return,
                Err(message) => message,
            },
            Some(Err(panic)) => panic_message(panic),
        };
        tracing::debug!(message, "blocking work that nobody waited for panicked");
    }
}

fn take<T>(waits: &Mutex<Option<T>>) -> Option<T> {
    waits.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Drops work that has not begun.
struct Unbegun<T>(Arc<Mutex<Option<T>>>);

impl<T> Drop for Unbegun<T> {
    fn drop(&mut self) {
        drop(take(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message_body::Metadata;
    use std::sync::mpsc;

    fn counting() -> (
        CallContext,
        BlockingWork,
        crate::serving::context::CancelGuard,
    ) {
        let work = BlockingWork::default();
        let (context, guard) = CallContext::local(None, Metadata::new());
        (context.counting(&work), work, guard)
    }

    #[tokio::test]
    async fn work_is_counted_until_it_ends_also_when_nobody_waits_for_it() {
        let (context, count, _guard) = counting();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let (open, opened) = mpsc::channel::<()>();
        let handler = context.scope(blocking(move || {
            let _ = begun.send(());
            opened.recv()
        }));
        {
            let mut handler = Box::pin(handler);
            tokio::select! {
                _ = &mut handler => panic!("it waits"),
                begun = begins => begun.unwrap(),
            }
        }
        assert!(!count.is_done());
        let done = count.done();
        tokio::pin!(done);
        assert!(futures_util::poll!(&mut done).is_pending());
        open.send(()).unwrap();
        done.await;
    }

    /// BL1
    #[test]
    fn work_whose_future_is_dropped_before_it_begins_never_begins() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (context, count, _guard) = counting();
            let (open, opened) = mpsc::channel::<()>();
            // It occupies the only thread, outside any call.
            let holds = tokio::task::spawn_blocking(move || opened.recv());
            let (ran, runs) = mpsc::channel();
            let mut waits = Box::pin(context.scope(blocking(move || ran.send(()))));
            assert!(futures_util::poll!(&mut waits).is_pending());
            assert!(!count.is_done());
            drop(waits);
            count.done().await;
            open.send(()).unwrap();
            holds.await.unwrap().unwrap();
            // The sender was dropped.
            assert_eq!(runs.recv(), Err(mpsc::RecvError));
        });
    }

    /// BL2
    #[test]
    fn a_result_that_no_future_waits_for_may_panic_when_dropped() {
        struct Again;
        impl Drop for Again {
            fn drop(&mut self) {
                std::panic::panic_any(Again);
            }
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(1)
            .build()
            .unwrap();
        runtime.block_on(async {
            for gives in [false, true] {
                let (begun, begins) = tokio::sync::oneshot::channel();
                let (open, opened) = mpsc::channel::<()>();
                let mut work = Box::pin(blocking(move || {
                    let _ = begun.send(());
                    let _ = opened.recv();
                    match gives {
                        true => Again,
                        false => std::panic::panic_any(Again),
                    }
                }));
                tokio::select! {
                    _ = &mut work => panic!("it waits"),
                    begun = begins => begun.unwrap(),
                }
                drop(work);
                drop(open);
                // The only thread is still there.
                assert_eq!(blocking(|| 7).await, 7);
            }
        });
    }

    #[tokio::test]
    async fn a_panic_is_the_callers_and_is_counted_to_its_end() {
        let (context, count, _guard) = counting();
        let falls = context.scope(blocking(|| -> u32 { panic!("out of paint") }));
        let falls = tokio::spawn(falls).await.unwrap_err();
        assert_eq!(
            *falls.into_panic().downcast::<&str>().unwrap(),
            "out of paint"
        );
        assert!(count.is_done());
    }

    #[tokio::test]
    async fn work_has_the_context_of_its_call_and_so_has_work_within_work() {
        let (context, count, guard) = counting();
        let work = move || {
            let context = CallContext::current().expect("a context");
            assert!(!context.is_cancelled());
            drop(guard);
            assert!(context.is_cancelled());
            let inner = blocking(move || count.under_way());
            tokio::runtime::Handle::current().block_on(inner)
        };
        assert_eq!(context.scope(blocking(work)).await, 2);
        assert!(blocking(|| CallContext::current().is_none()).await);
    }
}
