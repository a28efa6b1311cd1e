//! The interface between a session and the transport that carries its frames.
//!
//! - TR1: a frame is delivered once, whole, and after every frame that was sent before it on either
//!   lane.
//! - TR2: [`Lane::Data`] never uses all capacity: replies and control frames always find room as
//!   long as the peer reads.
//! - TR3: frames that the peer sent before its death are received before the death is reported.
//! - TR4: every wait ends when the transport is closed or the peer is gone.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};
pub use rapace_shm::{ClassStats, Lane, OnExhaustion};

use crate::wire::frame::{CallId, Frame};
pub use crate::wire::returned::BLOB_REF;

pub mod memory;
pub mod shm;

/// The sending half, shared by all senders.
pub trait Transport: Send + Sync + 'static {
    /// Sends a frame without waiting.
    ///
    /// # Errors
    /// After [`SendError::Full`] the caller waits for [`ready`](Self::ready) and retries; see
    /// [`SendError`] for the others.
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError>;

    /// Sends a frame as [`send`](Self::send) does, but need not wake a peer that sleeps before the next
    /// [`flush`](Self::flush), to be called before the sender waits for anything. So the peer is woken once for several frames.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    fn send_unflushed(&self, frame: &Frame, lane: Lane) -> Result<(), SendError> {
        self.send(frame, lane)
    }

    /// Wakes the peer if it sleeps and there are frames for it.
    fn flush(&self) {}

    /// Waits until `lane` has room again.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>>;

    /// Allocates a buffer of `len` bytes that [`send`](Self::send) does not copy, without waiting.
    ///
    /// # Errors
    /// See [`AllocateError`].
    fn try_allocate(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError>;

    /// Allocates a buffer as [`try_allocate`](Self::try_allocate) does, and waits in FIFO order
    /// while none is free.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue.
    fn allocate(&self, len: usize, lane: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>>;

    /// Returns the entry for `blob` in a payload's table, if the buffer can be sent without a copy,
    /// in one frame with `beside`. `None` means that the caller must copy it into an allocated
    /// buffer first. A buffer of the transport always has an entry, unless it is in flight. No
    /// entry begins with four bytes of 255: such entries refer to returned buffers, which the
    /// transport does not interpret.
    fn reference(&self, blob: &Blob, beside: &[Blob]) -> Option<[u8; BLOB_REF]>;

    /// What a sender does with a payload for which no buffer is free.
    fn on_exhaustion(&self) -> OnExhaustion {
        OnExhaustion::Fragment
    }

    /// Records that a payload or buffer of `len` bytes was sent in fragments. Returns the state of its size class if it
    /// is the first one of that class.
    fn sent_in_fragments(&self, len: usize) -> Option<ClassStats> {
        let _ = len;
        None
    }

    /// Most bytes of a fragment.
    fn max_fragment(&self) -> usize;

    /// Allocates a buffer of `len` bytes for a fragment, without waiting.
    ///
    /// # Errors
    /// See [`AllocateError`].
    fn try_allocate_fragment(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError>;

    /// Allocates a buffer of `len` bytes for a fragment. Waits in FIFO order, and only for fragments that the peer's
    /// reader copies out in its next turn, whatever else is in use.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue.
    fn allocate_fragment(
        &self,
        len: usize,
        lane: Lane,
    ) -> BoxFuture<'_, Result<BlobMut, AllocateError>>;

    /// Marks one of the peer's calls as begun, where the peer can read the marker after our death.
    fn mark_started(&self, call: CallId);

    /// Whether the peer has begun one of our calls, as its start marker tells.
    fn start_state(&self, call: CallId) -> StartState;

    /// Tells the transport that the peer is dead, for transports that detect a death later. The
    /// frames that the peer sent are received before the end.
    fn peer_died(&self) {}

    /// Sets how long the receiving half polls for more before it sleeps, where it sleeps.
    fn set_spin(&self, bound: Duration) {
        let _ = bound;
    }

    /// Sends a heartbeat: our executor runs.
    fn send_heartbeat(&self);

    /// Whether a peer's message wakes this side through the kernel. Then heartbeats are timed by the kernel, too: a timer of
    /// the runtime's would add to the latency of each call.
    fn wakes_by_kernel(&self) -> bool {
        false
    }

    /// The number of heartbeats that the peer has sent; `None` if the transport has none.
    fn peer_heartbeats(&self) -> Option<u32>;

    /// Closes the transport. All waits end, and no more frames are sent.
    fn close(&self);

    /// Most bytes of a payload or buffer.
    fn max_payload(&self) -> usize;

    /// Entries in each side's call table.
    fn call_table(&self) -> u32;

    /// Usage of rings and slots, over shared memory.
    fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        None
    }
}

/// The receiving half, owned by the reader.
pub trait Incoming: Send + 'static {
    /// Appends up to `max` frames to `batch`.
    ///
    /// # Errors
    /// Why no more frames will arrive (TR3).
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Frame>,
        max: usize,
    ) -> Poll<Result<usize, Disconnected>>;
}

/// Both halves of an established transport.
pub struct Endpoint {
    /// The sending half.
    pub transport: std::sync::Arc<dyn Transport>,
    /// The receiving half.
    pub incoming: Box<dyn Incoming>,
    /// Which side this is. The creator opens channels with odd numbers.
    pub side: Side,
}

/// One of the two sides of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The side that created the transport.
    Creator,
    /// The side that joined the transport.
    Joiner,
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The lane has no room.
    Full,
    /// A buffer of the frame is already in flight, and cannot be in flight twice.
    InFlight,
    /// The transport is closed, or the peer is gone.
    Closed,
}

/// The transport is closed, or the peer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Why no buffer was allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocateError {
    /// No buffer of the transport is that large.
    TooLarge {
        /// The length that was requested, in bytes.
        len: usize,
        /// The length of the largest buffer, in bytes.
        max: usize,
    },
    /// All buffers that are large enough are in use.
    Exhausted,
    /// The transport is closed, or the peer is gone.
    Closed,
}

/// Whether the peer had begun a call, as far as its start marker tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartState {
    /// The call never ran.
    NotBegun,
    /// The call began to run, and may have completed.
    Begun,
    /// The transport cannot tell.
    Unknown,
}

/// Why a transport receives no more frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnected {
    /// The peer is gone, as the kernel reports.
    PeerGone,
    /// The peer broke a rule of the transport.
    Fault(String),
    /// This side closed the transport.
    Closed,
    /// The tokio runtime of the receiving half was shut down.
    RuntimeGone,
}
