//! Counters of a session. Several sessions, one after the other, can share one set of counters.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::frame::Frame;

/// The counters of a session. Each is exact; together they are no consistent snapshot, since all
/// use relaxed atomics.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: AtomicU64,
    served: AtomicU64,
    failures: AtomicU64,
    streams: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    fragmented_in: AtomicU64,
    late: AtomicU64,
}

/// The values of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Calls and tells that this side sent.
    pub calls: u64,
    /// Calls of the peer that this side answered.
    pub served: u64,
    /// Replies with a [`RemoteError`](crate::RemoteError), sent or received.
    pub failures: u64,
    /// Streams opened, by either side.
    pub streams: u64,
    /// Payload and buffer bytes received.
    pub bytes_in: u64,
    /// Payload and buffer bytes sent.
    pub bytes_out: u64,
    /// Messages received of which a payload or buffer came in fragments, since the peer found no slot free.
    pub fragmented_in: u64,
    /// Frames that arrived late: their call or channel was over.
    pub late: u64,
}

impl Metrics {
    /// Returns the current values.
    #[must_use]
    pub fn snapshot(&self) -> MetricsSnapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        MetricsSnapshot {
            calls: read(&self.calls),
            served: read(&self.served),
            failures: read(&self.failures),
            streams: read(&self.streams),
            bytes_in: read(&self.bytes_in),
            bytes_out: read(&self.bytes_out),
            fragmented_in: read(&self.fragmented_in),
            late: read(&self.late),
        }
    }

    pub(crate) fn sent_call(&self, frame: &Frame) {
        add(&self.calls, 1);
        add(&self.bytes_out, frame.carried());
    }

    pub(crate) fn sent(&self, frame: &Frame) {
        self.sent_bytes(frame.carried());
    }

    /// Counts a frame of so many bytes that was sent.
    pub(crate) fn sent_bytes(&self, carried: u64) {
        add(&self.bytes_out, carried);
    }

    pub(crate) fn received(&self, frames: &[Frame]) {
        add(&self.bytes_in, frames.iter().map(Frame::carried).sum());
    }

    pub(crate) fn arrived_in_fragments(&self) {
        add(&self.fragmented_in, 1);
    }

    pub(crate) fn answered(&self) {
        add(&self.served, 1);
    }

    pub(crate) fn failed(&self) {
        add(&self.failures, 1);
    }

    pub(crate) fn stream_opened(&self) {
        add(&self.streams, 1);
    }

    pub(crate) fn arrived_late(&self) {
        add(&self.late, 1);
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
