//! What a session counts. One set of counters can serve several sessions, one after the other.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::wire::frame::Frame;

/// Counters; all relaxed, each exact, together no snapshot.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: AtomicU64,
    served: AtomicU64,
    failures: AtomicU64,
    streams: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    late: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricsSnapshot {
    /// Calls and tells that we sent.
    pub calls: u64,
    /// Calls of the peer's that we answered.
    pub served: u64,
    /// Replies that were failures of the runtime's, either way.
    pub failures: u64,
    /// Streams opened, by either side.
    pub streams: u64,
    /// Payload and buffer bytes received.
    pub bytes_in: u64,
    /// Payload and buffer bytes sent.
    pub bytes_out: u64,
    /// Frames for calls and channels that were over already.
    pub late: u64,
}

impl Metrics {
    /// The counters now.
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
            late: read(&self.late),
        }
    }

    pub(crate) fn sent_call(&self, frame: &Frame) {
        add(&self.calls, 1);
        add(&self.bytes_out, frame.carried());
    }

    pub(crate) fn sent(&self, frame: &Frame) {
        add(&self.bytes_out, frame.carried());
    }

    pub(crate) fn received(&self, frames: &[Frame]) {
        add(&self.bytes_in, frames.iter().map(Frame::carried).sum());
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
