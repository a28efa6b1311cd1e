//! Control frames on their way out, and those that found the ring full.
//!
//! - X1: control frames leave in the order in which they were sent, also when the ring is full.
//! - X2: sending never waits, so what waits for room is bounded by what an honest peer can cause; a
//!   peer that asks for answers and does not read them ends the session.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::sync::Mutex;
use crate::transport::{Lane, SendError, Transport};
use crate::wire::frame::Frame;
use crate::wire::limits::{MAX_CHANNELS, MAX_STREAMS};

/// The queue in front of the ring.
pub(crate) struct Outbox {
    transport: Arc<dyn Transport>,
    waiting: Mutex<VecDeque<Frame>>,
    limit: usize,
    arrived: Notify,
    overfull: AtomicBool,
}

impl Outbox {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        // An answer and a cancellation for each call; for each stream its end, its stop, and a credit
        // for each half of its window, of those that either side opened; openings, answers to them, and closings.
        let limit = 2 * transport.call_table() + 8 * MAX_STREAMS + 4 * MAX_CHANNELS;
        let limit = limit as usize;
        Self {
            transport,
            waiting: Mutex::default(),
            limit,
            arrived: Notify::new(),
            overfull: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Frame>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends without waiting; what finds the ring full leaves as soon as it is not (X1).
    pub(crate) fn send(&self, frame: Frame) {
        let mut waiting = self.lock();
        if waiting.is_empty() {
            match self.transport.send(&frame, Lane::Priority) {
                Ok(()) | Err(SendError::Closed) => return,
                Err(SendError::Full | SendError::InFlight) => {}
            }
        }
        if waiting.len() >= self.limit {
            self.overfull.store(true, Ordering::Release);
        } else {
            waiting.push_back(frame);
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Whether all has left.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether the peer reads nothing of what it asks for (X2).
    pub(crate) fn is_overfull(&self) -> bool {
        self.overfull.load(Ordering::Acquire)
    }

    /// Sends what found the ring full: returns when some did and all has left, or too much waits.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn flush(&self) {
        loop {
            if self.is_overfull() {
                return;
            }
            if self.is_empty() {
                self.arrived.notified().await;
                continue;
            }
            let room = async {
                if self.transport.ready(Lane::Priority).await.is_err() {
                    // The session's end is on its way.
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = room => {}
                // More has come: perhaps too much.
                () = self.arrived.notified() => continue,
            }
            if self.flush_now() {
                return;
            }
        }
    }

    /// Sends what there is room for; true if nothing is left.
    pub(crate) fn flush_now(&self) -> bool {
        // Dropped without the lock: what becomes free may wake somebody.
        let mut sent = Vec::new();
        let mut waiting = self.lock();
        while let Some(frame) = waiting.front() {
            match self.transport.send(frame, Lane::Priority) {
                Err(SendError::Full) => return false,
                // A control frame shares its buffer with nobody, so it is never on its way already.
                Ok(()) | Err(SendError::InFlight | SendError::Closed) => {
                    sent.extend(waiting.pop_front());
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::memory::{self, MemoryConfig};
    use crate::wire::frame::{ChannelId, FrameType, Header};
    use std::task::Context;

    fn numbered(n: u32) -> Frame {
        let mut header = Header::new(FrameType::Cancel, ChannelId::SESSION);
        header.call.index = n;
        Frame::bare(header)
    }

    fn small() -> (Outbox, crate::transport::Endpoint) {
        let (a, b) = memory::pair(MemoryConfig {
            capacity: 8,
            call_table: 1,
            ..MemoryConfig::default()
        });
        (Outbox::new(a.transport), b)
    }

    #[tokio::test]
    async fn what_finds_the_ring_full_leaves_later_and_in_order() {
        let (outbox, mut peer) = small();
        (0..20).for_each(|n| outbox.send(numbered(n)));
        assert!(!outbox.is_empty());
        let mut read = Vec::new();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        while read.len() < 20 {
            assert!(peer.incoming.poll_recv(&mut cx, &mut read, 3).is_ready());
            outbox.flush_now();
        }
        let order = read.iter().map(|frame| frame.header.call.index);
        assert!(order.eq(0..20));
        assert!(outbox.is_empty());
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_found_out() {
        let (outbox, _peer) = small();
        for n in 0..100_000 {
            outbox.send(numbered(n));
        }
        outbox.flush().await;
        assert!(outbox.is_overfull());
        assert!(outbox.lock().len() < 40_000);
    }
}
