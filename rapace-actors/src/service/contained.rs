//! User values and handlers on rapace's tasks, with their panics contained.
//!
//! - CN1: a panic in a value's `Drop` is logged and goes no further: it stops neither the service nor the
//!   proxy's actor that happens to drop the value.
//! - CN2: a handler's panic is the outcome of its call, whether it happens while the handler runs or while its
//!   captured values are dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use rapace_codec::{guarded, panic_message};
use rapace_session::RemoteError;

/// A user's value (CN1).
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("taken only when it is given away or dropped"),
        }
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(value) => value,
            None => unreachable!("taken only when it is given away or dropped"),
        }
    }

    pub(crate) fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("taken only when it is given away or dropped"),
        }
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take()
            && let Err(message) = guarded(move || drop(value))
        {
            let of = std::any::type_name::<T>();
            tracing::warn!(of, message, "a value panicked when it was dropped");
        }
    }
}

/// Polls a handler; a panic becomes its outcome (CN2).
pub(crate) fn poll_handler<F: Future>(
    handler: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, RemoteError>> {
    let Some(handler) = handler.as_pin_mut() else {
        return Poll::Ready(Err(RemoteError::Dropped));
    };
    match catch_unwind(AssertUnwindSafe(|| handler.poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(RemoteError::Panicked(panic_message(panic)))),
    }
}

/// Drops a handler and its captured values; returns true if that panicked (CN2).
pub(crate) fn leave_handler<F>(mut handler: Pin<&mut Option<F>>) -> bool {
    let left = guarded(|| handler.set(None));
    if let Err(message) = &left {
        tracing::warn!(message, "a handler panicked when it was dropped");
    }
    left.is_err()
}
