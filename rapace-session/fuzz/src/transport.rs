//! The transport of this side: queues in memory, whose buffers can be used up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};
use rapace_session::transport::{
    AllocateError, BLOB_REF, Closed, Lane, SendError, StartState, Transport,
};
use rapace_session::{CallId, Endpoint, Frame};

/// A transport without a free buffer, while the switch is on.
struct Scarce {
    inner: Arc<dyn Transport>,
    exhausted: Arc<AtomicBool>,
}

/// Wraps the transport of an endpoint.
pub(crate) fn scarce(endpoint: Endpoint, exhausted: &Arc<AtomicBool>) -> Endpoint {
    let transport = Scarce {
        inner: endpoint.transport,
        exhausted: Arc::clone(exhausted),
    };
    Endpoint {
        transport: Arc::new(transport),
        ..endpoint
    }
}

impl Scarce {
    fn is_exhausted(&self) -> bool {
        self.exhausted.load(Ordering::Relaxed)
    }
}

impl Transport for Scarce {
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        self.inner.send(frame, lane)
    }

    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>> {
        self.inner.ready(lane)
    }

    fn try_allocate(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        match self.inner.try_allocate(len, lane) {
            Ok(_) if self.is_exhausted() => Err(AllocateError::Exhausted),
            other => other,
        }
    }

    fn allocate(&self, len: usize, lane: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        // Only a hello waits here, before anything is used up.
        self.inner.allocate(len, lane)
    }

    fn reference(&self, blob: &Blob, beside: &[Blob]) -> Option<[u8; BLOB_REF]> {
        match self.is_exhausted() {
            true => None,
            false => self.inner.reference(blob, beside),
        }
    }

    fn max_fragment(&self) -> usize {
        MAX_FRAGMENT
    }

    fn try_allocate_fragment(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        self.inner.try_allocate_fragment(len, lane)
    }

    fn allocate_fragment(
        &self,
        len: usize,
        lane: Lane,
    ) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        self.inner.allocate_fragment(len, lane)
    }

    fn mark_started(&self, call: CallId) {
        self.inner.mark_started(call);
    }

    fn start_state(&self, call: CallId) -> StartState {
        self.inner.start_state(call)
    }

    fn send_heartbeat(&self) {
        self.inner.send_heartbeat();
    }

    fn peer_heartbeats(&self) -> Option<u32> {
        self.inner.peer_heartbeats()
    }

    fn close(&self) {
        self.inner.close();
    }

    fn max_payload(&self) -> usize {
        self.inner.max_payload()
    }

    fn call_table(&self) -> u32 {
        self.inner.call_table()
    }
}

/// Shorter than the largest payload, so that some take several fragments.
const MAX_FRAGMENT: usize = 2 << 10;
