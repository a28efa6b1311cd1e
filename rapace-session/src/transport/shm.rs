//! The shared-memory transport: frames over [`rapace_shm`]'s rings, buffers in its slots.
//!
//! - SM1: a buffer in a slot of this link, or a slice of one, is sent as a reference, unless the
//!   slot is in flight. Any other buffer is copied into a slot first.
//! - SM2: a received frame is checked before it is passed on: frame type, flags, table of buffers.
//!   The link has taken over exactly the slots that the table refers to, so that each returns, used
//!   or not. Entries for returned buffers refer to our own memory; the session checks them.
//! - SM3: a received buffer of 1 KiB or less is copied when it is taken over, so that keeping it
//!   keeps no mapping of an ended session alive. Its slot still returns with its last user.
//! - SM4: the peer is notified of our end when the receiving half is dropped, even if the sending
//!   half is still held.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut, BlobStorage, BlobStorageMut};
use rapace_shm::{
    Link, LinkStats, PublishError, Received, ReceivedPayload, ReceivedSlot, Receiver, RecvError,
    Sender, Slot, SlotMut,
};

use crate::transport::{
    AllocateError, BLOB_REF, ClassStats, Closed, Disconnected, Endpoint, Incoming, Lane,
    OnExhaustion, SendError, Side, StartState, Transport,
};
use crate::wire::frame::{CallId, ChannelId, Flags, Frame, FrameType, Header, Payload};
use crate::wire::message_body::table;
use crate::wire::returned::{OTHERS, is_in_slot};

/// One end of a session over an established link. The side that created the segment is the
/// [`Creator`](Side::Creator).
#[must_use]
pub fn endpoint(link: Link, side: Side) -> Endpoint {
    // The receiving end detects the death of the peer itself.
    let (sender, receiver, _watch) = link.split();
    let incoming = ShmIncoming {
        receiver,
        received: Vec::new(),
        fault: None,
    };
    Endpoint {
        transport: Arc::new(Shm { sender }),
        incoming: Box::new(incoming),
        side,
    }
}

struct Shm {
    sender: Sender,
}

impl Transport for Shm {
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        self.send_unflushed(frame, lane)?;
        self.flush();
        Ok(())
    }

    fn send_unflushed(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        let header = to_wire(&frame.header);
        let payload = match &frame.payload {
            Payload::Inline { len: 0, .. } => None,
            Payload::Inline { .. } => Some(None),
            Payload::Buffer(blob) => Some(Some(slot_of(blob)?)),
            Payload::Fragmented(parts) => {
                let sent =
                    frame.send_after_fragments(parts, |frame| self.send_unflushed(frame, lane));
                return sent.unwrap_or(Err(SendError::InFlight));
            }
        };
        let payload = match &payload {
            None => rapace_shm::Payload::Empty,
            Some(None) => rapace_shm::Payload::Inline(frame.payload.bytes()),
            Some(Some(slot)) => rapace_shm::Payload::Slot(slot),
        };
        let publish = |attachments: &[Slot]| {
            let sender = &self.sender;
            sender.try_publish_unflushed(&header, payload, attachments, lane)
        };
        // Few frames have several, so the vector is rarely needed.
        let published = match frame.blobs.as_slice() {
            [] => publish(&[]),
            [blob] => publish(&[slot_of(blob)?]),
            blobs => publish(&blobs.iter().map(slot_of).collect::<Result<Vec<_>, _>>()?),
        };
        published.map_err(|error| match error {
            PublishError::Full => SendError::Full,
            // Encoding again makes buffers and table match.
            PublishError::AlreadyInFlight | PublishError::ForeignSlot | PublishError::NotNamed => {
                SendError::InFlight
            }
            PublishError::InlineTooLong { .. } | PublishError::Closed(_) => SendError::Closed,
        })
    }

    fn flush(&self) {
        self.sender.flush();
    }

    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>> {
        Box::pin(async move { self.sender.writable(lane).await.map_err(|_| Closed) })
    }

    fn try_allocate(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        let slot = self.sender.try_allocate(len, lane)?;
        Ok(BlobMut::from_storage(Box::new(SlotMutStorage(slot))))
    }

    fn allocate(&self, len: usize, lane: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        Box::pin(async move {
            let slot = self.sender.allocate(len, lane).await?;
            Ok(BlobMut::from_storage(Box::new(SlotMutStorage(slot))))
        })
    }

    fn reference(&self, blob: &Blob, beside: &[Blob]) -> Option<[u8; BLOB_REF]> {
        let storage = slot_storage(blob)?;
        if !storage.0.belongs_to(&self.sender) || self.is_in_flight(&storage.0) {
            return None;
        }
        // A slot can be in flight only once, so two buffers in it cannot be sent together.
        if beside
            .iter()
            .any(|other| Arc::ptr_eq(other.storage(), blob.storage()))
        {
            return None;
        }
        Some(storage.0.slice(blob.range())?.slot_ref().to_bytes())
    }

    fn on_exhaustion(&self) -> OnExhaustion {
        self.sender.config().on_exhaustion
    }

    fn sent_in_fragments(&self, len: usize) -> Option<ClassStats> {
        self.sender.sent_in_fragments(len)
    }

    fn max_fragment(&self) -> usize {
        self.sender.max_fragment()
    }

    fn try_allocate_fragment(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        let slot = self.sender.try_allocate_fragment(len, lane)?;
        Ok(BlobMut::from_storage(Box::new(SlotMutStorage(slot))))
    }

    fn allocate_fragment(
        &self,
        len: usize,
        lane: Lane,
    ) -> BoxFuture<'_, Result<BlobMut, AllocateError>> {
        Box::pin(async move {
            let slot = self.sender.allocate_fragment(len, lane).await?;
            Ok(BlobMut::from_storage(Box::new(SlotMutStorage(slot))))
        })
    }

    fn mark_started(&self, call: CallId) {
        // An index past the table was refused when the request was read.
        let _ = self.sender.mark_started(call.index, call.generation);
    }

    fn start_state(&self, call: CallId) -> StartState {
        match self.sender.started_generation(call.index) {
            Some(generation) if generation == call.generation => StartState::Begun,
            Some(_) => StartState::NotBegun,
            None => StartState::Unknown,
        }
    }

    fn peer_died(&self) {
        self.sender.peer_died();
    }

    fn set_spin(&self, bound: Duration) {
        self.sender.set_spin(bound);
    }

    fn send_heartbeat(&self) {
        self.sender.heartbeat();
    }

    fn wakes_by_kernel(&self) -> bool {
        true
    }

    fn peer_heartbeats(&self) -> Option<u32> {
        Some(self.sender.peer_heartbeat())
    }

    fn close(&self) {
        self.sender.close();
    }

    fn max_payload(&self) -> usize {
        self.sender.max_payload()
    }

    fn call_table(&self) -> u32 {
        self.sender.config().call_table
    }

    fn link_stats(&self) -> Option<LinkStats> {
        Some(self.sender.stats())
    }
}

impl Shm {
    /// Whether a slot is in flight, after collecting the slots that the peer has returned.
    fn is_in_flight(&self, slot: &Slot) -> bool {
        if slot.is_in_flight() {
            self.sender.collect();
        }
        slot.is_in_flight()
    }
}

/// Returns the storage of a buffer, if it is a slot of ours.
fn slot_storage(blob: &Blob) -> Option<&SlotStorage> {
    blob.storage().as_any().downcast_ref()
}

/// Returns the part of a slot that a buffer covers.
fn slot_of(blob: &Blob) -> Result<Slot, SendError> {
    slot_storage(blob)
        .and_then(|storage| storage.0.slice(blob.range()))
        .ok_or(SendError::InFlight)
}

fn to_wire(header: &Header) -> rapace_shm::Header {
    rapace_shm::Header {
        frame_type: header.frame_type as u8,
        flags: header.flags.bits(),
        channel: header.channel.0,
        call: header.call.index,
        generation: header.call.generation,
        method: header.method,
        credits: header.credits,
    }
}

struct ShmIncoming {
    receiver: Receiver,
    received: Vec<Received>,
    /// A fault that followed valid frames of the same batch.
    fault: Option<String>,
}

impl Incoming for ShmIncoming {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Frame>,
        max: usize,
    ) -> Poll<Result<usize, Disconnected>> {
        if let Some(what) = self.fault.take() {
            return Poll::Ready(Err(Disconnected::Fault(what)));
        }
        let read = ready!(self.receiver.poll_recv(cx, &mut self.received, max));
        if let Err(error) = read {
            return Poll::Ready(Err(match error {
                RecvError::PeerGone(_) => Disconnected::PeerGone,
                RecvError::PeerFault(fault) => Disconnected::Fault(fault.to_string()),
                RecvError::RuntimeGone => Disconnected::RuntimeGone,
            }));
        }
        let before = batch.len();
        for received in self.received.drain(..) {
            match check(received) {
                Ok(frame) => batch.push(frame),
                Err(what) => {
                    self.fault = Some(what);
                    break;
                }
            }
        }
        match (batch.len() - before, self.fault.take()) {
            (0, Some(what)) => Poll::Ready(Err(Disconnected::Fault(what))),
            (taken, fault) => {
                self.fault = fault;
                Poll::Ready(Ok(taken))
            }
        }
    }
}

/// Checks a received frame (SM2).
fn check(received: Received) -> Result<Frame, String> {
    let wire = received.header;
    let frame_type = FrameType::from_byte(wire.frame_type)
        .ok_or_else(|| format!("frame type {} is unknown", wire.frame_type))?;
    let flags = Flags::from_bits(wire.flags)
        .ok_or_else(|| format!("flags {:#010b} include an unknown one", wire.flags))?;
    let carried = match flags.has(Flags::BLOBS) {
        true => {
            let entries = table(received.payload.as_ref())?.iter();
            entries.filter(|entry| is_in_slot(entry)).count()
        }
        false => 0,
    };
    if carried != received.attachments.len() {
        return Err(OTHERS.into());
    }
    let blobs = match received.attachments {
        none if none.is_empty() => Vec::new(),
        some => some.into_iter().map(attached).collect(),
    };
    let payload = match received.payload {
        ReceivedPayload::Empty => Payload::EMPTY,
        ReceivedPayload::Inline { len, bytes } => Payload::Inline { len, bytes },
        ReceivedPayload::Slot(slot) => {
            Payload::Buffer(Blob::from_storage(Arc::new(ReceivedStorage(slot))))
        }
    };
    Ok(Frame {
        header: Header {
            frame_type,
            flags,
            channel: ChannelId(wire.channel),
            call: CallId {
                index: wire.call,
                generation: wire.generation,
            },
            method: wire.method,
            credits: wire.credits,
        },
        payload,
        blobs,
    })
}

/// Returns a received buffer (SM3).
fn attached(slot: ReceivedSlot) -> Blob {
    let slot = match slot.len() <= SMALL {
        true => slot.into_copy(),
        false => slot,
    };
    Blob::from_storage(Arc::new(ReceivedStorage(slot)))
}

/// Most bytes that are copied instead of keeping their mapping alive: the size of the smallest
/// default slots. The copy takes an allocation and some 40 ns, less than any use of the bytes; a
/// page would take up to half a microsecond.
const SMALL: usize = 1024;

/// A slot of ours, while it is written.
struct SlotMutStorage(SlotMut);

impl BlobStorageMut for SlotMutStorage {
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn freeze(self: Box<Self>) -> Arc<dyn BlobStorage> {
        Arc::new(SlotStorage(self.0.freeze()))
    }
}

/// A slot of ours.
struct SlotStorage(Slot);

impl BlobStorage for SlotStorage {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A slot of the peer.
struct ReceivedStorage(ReceivedSlot);

impl BlobStorage for ReceivedStorage {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl From<rapace_shm::AllocateError> for AllocateError {
    fn from(error: rapace_shm::AllocateError) -> Self {
        match error {
            rapace_shm::AllocateError::TooLarge { len, max } => Self::TooLarge { len, max },
            rapace_shm::AllocateError::Exhausted => Self::Exhausted,
            rapace_shm::AllocateError::Closed(_) => Self::Closed,
        }
    }
}
