//! The queue of control frames that found the ring full.
//!
//! - OB1: control frames are sent in order, also when the ring is full.
//! - OB2: sending never waits, so the queue is limited to the most frames that a well-behaved peer
//!   can cause. A peer that causes more by not reading its ring ends the session.

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
        // A reply and a cancellation for each call; an end, a stop and two credits (one for each
        // half of the window) for each stream that either side opened; openings of channels, their
        // answers, and closings; credits of a channel, one for each half of the window in bytes, and
        // for the request beyond it.
        let limit = 2 * transport.call_table() + 8 * MAX_STREAMS + 8 * MAX_CHANNELS;
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

    /// Sends a frame without waiting. If the ring is full, the frame is queued (OB1).
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

    /// Whether no frame is queued.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether the queue exceeded its limit, because the peer does not read (OB2).
    pub(crate) fn is_overfull(&self) -> bool {
        self.overfull.load(Ordering::Acquire)
    }

    /// Sends queued frames. Returns when all that were queued are sent, or when the queue exceeded
    /// its limit.
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
                    // The session is about to end.
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = room => {}
                // More was queued: perhaps too much.
                () = self.arrived.notified() => continue,
            }
            if self.flush_now() {
                return;
            }
        }
    }

    /// Sends the queued frames that the ring has room for; true if none is left.
    pub(crate) fn flush_now(&self) -> bool {
        // Dropped after the lock: releasing a buffer may wake a waiter.
        let mut sent = Vec::new();
        let mut waiting = self.lock();
        while let Some(frame) = waiting.front() {
            match self.transport.send(frame, Lane::Priority) {
                Err(SendError::Full) => return false,
                // Nothing else uses the buffer of a control frame, so it is never in flight
                // already.
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
    async fn frames_that_find_the_ring_full_are_sent_later_and_in_order() {
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
    async fn a_peer_that_does_not_read_exceeds_the_limit() {
        let (outbox, _peer) = small();
        for n in 0..100_000 {
            outbox.send(numbered(n));
        }
        outbox.flush().await;
        assert!(outbox.is_overfull());
        assert!(outbox.lock().len() < 40_000);
    }
}
