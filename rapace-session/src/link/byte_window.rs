//! How many bytes of the requests of a channel may be in flight.
//!
//! - BY1: a request that is longer than the window may be in flight alone; others fit in it
//!   together. Waiters are served in FIFO order.
//! - BY2: a request that fits in a frame without buffers holds no memory, and is not counted.
//! - BY3: a request is counted from before its buffers are allocated until its reply, or until it
//!   is given up. Both sides count alike ([`charge`]).

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::wire::frame::INLINE_MAX;

/// The bytes that the requests of a channel may have in flight.
#[derive(Debug)]
pub(crate) struct ByteWindow {
    size: u32,
    free: Semaphore,
}

/// What a request takes of its window. Dropping it gives that back.
#[derive(Debug)]
pub(crate) struct Charge {
    window: Arc<ByteWindow>,
    bytes: u32,
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.window.free.add_permits(self.bytes as usize);
    }
}

impl ByteWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self {
            size,
            free: Semaphore::new(size as usize),
        }
    }

    /// Takes what a request of this length needs, which may be nothing. `None` if the request must
    /// wait.
    pub(crate) fn try_take(self: &Arc<Self>, length: u64) -> Option<Option<Charge>> {
        let bytes = charge(length, self.size);
        if bytes == 0 {
            return Some(None);
        }
        let permits = self.free.try_acquire_many(bytes).ok()?;
        permits.forget();
        Some(Some(self.charge(bytes)))
    }

    /// Waits for what a request of this length needs. `None` once the window is closed.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue.
    pub(crate) async fn take(self: Arc<Self>, length: u64) -> Option<Charge> {
        let bytes = charge(length, self.size);
        self.free.acquire_many(bytes).await.ok()?.forget();
        Some(self.charge(bytes))
    }

    fn charge(self: &Arc<Self>, bytes: u32) -> Charge {
        Charge {
            window: Arc::clone(self),
            bytes,
        }
    }

    /// Ends all waits, and serves nobody any more.
    pub(crate) fn close(&self) {
        self.free.close();
    }
}

/// How much of a window a request of this length takes (BY1, BY2).
pub(crate) fn charge(length: u64, window: u32) -> u32 {
    match u32::try_from(length) {
        Ok(length) if length as usize <= INLINE_MAX => 0,
        Ok(length) => length.min(window),
        Err(_) => window,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_long_request_goes_alone_and_others_fit_together() {
        let window = Arc::new(ByteWindow::new(100));
        let take = |length| window.try_take(length).flatten();
        let long = take(1 << 40).unwrap();
        assert!(window.try_take(25).is_none(), "it is alone");
        assert!(window.try_take(24).unwrap().is_none(), "it holds no memory");
        drop(long);
        let two = (take(50).unwrap(), take(50).unwrap());
        assert!(window.try_take(25).is_none());
        drop(two);
        assert!(take(100).is_some());
    }

    #[test]
    fn waiters_are_served_in_order_and_end_with_the_window() {
        let window = Arc::new(ByteWindow::new(100));
        let first = window.try_take(60).flatten().unwrap();
        let mut long = Box::pin(Arc::clone(&window).take(80));
        assert!(long.as_mut().now_or_never().is_none());
        assert!(window.try_take(30).is_none(), "it would overtake");
        drop(first);
        let long = long.now_or_never().flatten().unwrap();
        let waits = Arc::clone(&window).take(30);
        window.close();
        assert!(waits.now_or_never().flatten().is_none());
        drop(long);
        assert!(window.try_take(30).is_none());
    }
}
