//! The transport of the model: queues in one process, with few slots.

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};
use rapace_session::transport::{
    AllocateError, BLOB_REF, Closed, Disconnected, Incoming, SendError, Transport, memory,
};
use rapace_session::{CallId, Endpoint, Frame, Lane, Payload, StartState};

use super::flushed::Flushed;
use super::gate::Gate;
use super::slots::{Sizes, Slots};
use super::wire::Wire;

/// One side of the transport, from outside.
pub(super) struct Side {
    /// The slots that it sends with.
    pub(super) slots: Arc<Slots>,
    /// Whether it reads.
    pub(super) gate: Gate,
    /// What it has read.
    pub(super) read: Wire,
}

/// Makes two connected ends.
pub(super) fn pair(sizes: &Sizes) -> ([Endpoint; 2], [Side; 2]) {
    let side = || Side {
        slots: Slots::new(sizes),
        gate: Gate::default(),
        read: Wire::default(),
    };
    let sides = [side(), side()];
    let (a, b) = memory::pair(memory::MemoryConfig {
        capacity: sizes.ring,
        call_table: sizes.call_table,
        max_payload: usize::MAX,
    });
    let (there, back) = (Flushed::default(), Flushed::default());
    let end = |inner: Endpoint, own: &Side, other: &Side, out: &Flushed, back: &Flushed| Endpoint {
        transport: Arc::new(Scarce {
            inner: inner.transport,
            flushed: out.clone(),
            own: Arc::clone(&own.slots),
            peers: Arc::clone(&other.slots),
            fragment: sizes.fragment_size,
        }),
        incoming: Box::new(Gated {
            inner: inner.incoming,
            flushed: back.clone(),
            gate: own.gate.clone(),
            read: own.read.clone(),
            back: other.read.clone(),
        }),
        side: inner.side,
    };
    let ends = [
        end(a, &sides[0], &sides[1], &there, &back),
        end(b, &sides[1], &sides[0], &back, &there),
    ];
    (ends, sides)
}

struct Scarce {
    inner: Arc<dyn Transport>,
    flushed: Flushed,
    own: Arc<Slots>,
    peers: Arc<Slots>,
    fragment: usize,
}

impl Transport for Scarce {
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        let sent = self.send_unflushed(frame, lane);
        self.flush();
        sent
    }

    fn send_unflushed(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        let (payload, blobs) = match &frame.payload {
            Payload::Inline { .. } => (None, &*frame.blobs),
            Payload::Buffer(blob) => (Some(blob), &*frame.blobs),
            // Its buffers cannot be seen from here.
            Payload::Fragmented(_) => (None, &[][..]),
        };
        for blob in payload.into_iter().chain(blobs) {
            assert!(self.own.have(blob), "a buffer outside of the slots is sent");
        }
        self.inner.send(frame, lane)?;
        self.flushed.sent();
        Ok(())
    }

    fn flush(&self) {
        self.flushed.flush();
    }

    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>> {
        self.inner.ready(lane)
    }

    fn try_allocate(&self, len: usize, _: Lane) -> Result<BlobMut, AllocateError> {
        self.own.try_allocate(len)
    }

    fn allocate(&self, len: usize, _: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        Box::pin(self.own.allocate(len))
    }

    fn reference(&self, blob: &Blob, beside: &[Blob]) -> Option<[u8; BLOB_REF]> {
        let same = |other: &Blob| Arc::ptr_eq(other.storage(), blob.storage());
        (self.own.have(blob) && !beside.iter().any(same)).then_some([0; BLOB_REF])
    }

    fn max_fragment(&self) -> usize {
        self.fragment
    }

    fn try_allocate_fragment(&self, len: usize, _: Lane) -> Result<BlobMut, AllocateError> {
        self.own.try_allocate_fragment(len)
    }

    fn allocate_fragment(
        &self,
        len: usize,
        _: Lane,
    ) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        Box::pin(self.own.allocate_fragment(len))
    }

    fn mark_started(&self, call: CallId) {
        self.inner.mark_started(call);
    }

    fn start_state(&self, call: CallId) -> StartState {
        self.inner.start_state(call)
    }

    fn send_heartbeat(&self) {}

    fn peer_heartbeats(&self) -> Option<u32> {
        None
    }

    fn close(&self) {
        self.inner.close();
        self.own.close();
        self.peers.close();
    }

    fn max_payload(&self) -> usize {
        self.own.max_payload()
    }

    fn call_table(&self) -> u32 {
        self.inner.call_table()
    }
}

struct Gated {
    inner: Box<dyn Incoming>,
    flushed: Flushed,
    gate: Gate,
    read: Wire,
    back: Wire,
}

impl Incoming for Gated {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Frame>,
        max: usize,
    ) -> Poll<Result<usize, Disconnected>> {
        ready!(self.gate.poll(cx));
        let before = batch.len();
        let visible = self.flushed.visible(cx, max);
        let read = self.inner.poll_recv(cx, batch, visible);
        self.flushed.received(batch.len() - before);
        for frame in &batch[before..] {
            self.read.count(frame, &self.back);
        }
        read
    }
}
