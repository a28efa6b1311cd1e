//! One transport in use: encoding, ordered sending of control frames, metrics, and the end of the
//! session.
//!
//! Decides how a payload gets its buffers, in which order control frames are sent, and which caller
//! gets the permits of a limited resource, and knows what waits for one. Knows frames and the transport; calls, streams and
//! services belong to the layers above.

use std::sync::Arc;

use rapace_codec::BlobMut;

use crate::link::encoder::FrameEncoder;
use crate::link::end::End;
use crate::link::metrics::Metrics;
use crate::link::outbox::Outbox;
use crate::link::spare_buffers::SpareBuffers;
use crate::link::waits::{Flow, Need, Waits};
use crate::transport::{AllocateError, Lane, OnExhaustion, Transport};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header, INLINE_MAX, Payload};
use crate::wire::limits::MAX_TEXT;

pub(crate) mod buffer_error;
pub(crate) mod byte_window;
pub(crate) mod channel_ids;
pub(crate) mod deadline;
pub(crate) mod discarded;
mod draft;
pub(crate) mod encode;
pub(crate) mod encoder;
pub(crate) mod end;
mod fragment_schedule;
pub(crate) mod fragmenter;
pub(crate) mod growing_window;
pub(crate) mod growth_budget;
pub(crate) mod metrics;
mod outbox;
pub(crate) mod payload_error;
pub(crate) mod places;
pub(crate) mod prefix;
pub(crate) mod reassembly;
pub(crate) mod spare_buffers;
pub(crate) mod waits;

pub use buffer_error::BufferError;

/// A transport, and the state that all its senders share.
pub(crate) struct Link {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) encoder: FrameEncoder,
    pub(crate) spare_buffers: Arc<SpareBuffers>,
    pub(crate) outbox: Outbox,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) end: End,
    /// What waits on this side.
    pub(crate) waits: Arc<Waits>,
}

impl Link {
    pub(crate) fn new(transport: Arc<dyn Transport>, metrics: Arc<Metrics>) -> Self {
        let spare_buffers = Arc::<SpareBuffers>::default();
        let waits = Arc::<Waits>::default();
        Self {
            encoder: FrameEncoder::new(
                Arc::clone(&transport),
                Arc::clone(&spare_buffers),
                Arc::clone(&waits),
            ),
            spare_buffers,
            outbox: Outbox::new(Arc::clone(&transport)),
            metrics,
            end: End::new(),
            waits,
            transport,
        }
    }

    /// Sends a control frame that has neither payload nor credits.
    pub(crate) fn send_bare(&self, frame_type: FrameType, channel: ChannelId) {
        self.outbox
            .send(Frame::bare(Header::new(frame_type, channel)));
    }

    /// Sends a control frame whose payload is a text.
    pub(crate) fn send_text(&self, frame_type: FrameType, channel: ChannelId, text: &str) {
        let mut frame = Frame::bare(Header::new(frame_type, channel));
        frame.payload = self.short_payload(text.as_bytes());
        self.outbox.send(frame);
    }

    /// Makes the payload of a text without waiting. It is truncated to [`MAX_TEXT`] bytes, and to the
    /// inline size of a frame while neither a buffer nor a fragment slot is free. The peer's reader copies
    /// texts.
    pub(crate) fn short_payload(&self, bytes: &[u8]) -> Payload {
        let bytes = &bytes[..bytes.len().min(MAX_TEXT)];
        if let Some(payload) = Payload::inline(bytes) {
            return payload;
        }
        let transport = &self.transport;
        let len = bytes.len().min(transport.max_payload());
        let mut allocated = transport.try_allocate(len, Lane::Priority);
        if allocated.as_ref().err() == Some(&AllocateError::Exhausted)
            && len <= transport.max_fragment()
        {
            allocated = transport.try_allocate_fragment(len, Lane::Priority);
        }
        match allocated {
            Ok(mut buffer) => {
                buffer.copy_from_slice(&bytes[..len]);
                Payload::Buffer(buffer.freeze())
            }
            Err(_) => Payload::inline(&bytes[..INLINE_MAX]).unwrap_or(Payload::EMPTY),
        }
    }

    /// Makes the payload of a control frame, of all `bytes`. If no buffer is free, it lies in a fragment slot, which
    /// no user can keep: the peer's reader copies the payloads of control frames.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue for a buffer.
    pub(crate) async fn control_payload(&self, bytes: &[u8]) -> Result<Payload, AllocateError> {
        if let Some(payload) = Payload::inline(bytes) {
            return Ok(payload);
        }
        let len = bytes.len();
        let transport = &self.transport;
        let buffer = match transport.try_allocate(len, Lane::Priority) {
            Err(AllocateError::Exhausted) if len <= transport.max_fragment() => {
                transport.allocate_fragment(len, Lane::Priority).await
            }
            // A hello, before anything else is sent.
            Err(AllocateError::Exhausted) => transport.allocate(len, Lane::Priority).await,
            now => now,
        };
        let mut buffer = buffer?;
        buffer.copy_from_slice(bytes);
        Ok(Payload::Buffer(buffer.freeze()))
    }

    /// Allocates a buffer of `len` bytes that is sent without a copy, if one is free. After the
    /// session's end the buffer lies on the heap; otherwise the transport is configured for what
    /// happens if none is free ([`OnExhaustion`]).
    ///
    /// # Cancel safety
    /// Dropping the future allocates nothing.
    pub(crate) async fn allocate(&self, len: usize, lane: Lane) -> Result<BlobMut, BufferError> {
        let max = self.transport.max_payload();
        if len > max {
            return Err(BufferError::TooLarge { len, max });
        }
        let mut allocated = self.transport.try_allocate(len, lane);
        if allocated.as_ref().err() == Some(&AllocateError::Exhausted) {
            match self.transport.on_exhaustion() {
                OnExhaustion::Fragment => {}
                OnExhaustion::Wait => {
                    let slot = self.transport.allocate(len, lane);
                    let (flow, need) = (Flow::Allocations, Need::Slot { len });
                    allocated = self.waits.during(flow, need, slot).await;
                }
                OnExhaustion::Fail => return Err(BufferError::NoSlot { len }),
            }
        }
        match allocated {
            Ok(buffer) => Ok(buffer),
            Err(AllocateError::TooLarge { len, max }) => Err(BufferError::TooLarge { len, max }),
            Err(AllocateError::Exhausted | AllocateError::Closed) => BufferError::on_the_heap(len),
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("ended", &self.end.reason())
            .finish_non_exhaustive()
    }
}
