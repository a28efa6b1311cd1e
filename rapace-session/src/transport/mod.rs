//! What a session needs of whatever carries its frames.
//!
//! - T1: a frame is delivered once, whole, and after every frame sent before it on either lane.
//! - T2: [`Lane::Data`] never takes the last of the room: replies and control always find some
//!   while the peer reads at all.
//! - T3: what was sent before the peer went is received before its going is reported.
//! - T4: every wait ends when the transport is closed or the peer is gone.

use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut};
pub use rapace_shm::Lane;

use crate::wire::frame::{CallId, Frame};
pub use crate::wire::returned::BLOB_REF;

pub mod memory;
pub mod shm;

/// The sending half, shared by everybody who sends.
pub trait Transport: Send + Sync + 'static {
    /// Sends now or says why not. The frame is the caller's again in every case.
    ///
    /// # Errors
    /// [`SendError::Full`] asks to wait for [`ready`](Self::ready); the others are final.
    fn send(&self, frame: &Frame, lane: Lane) -> Result<(), SendError>;

    /// Waits until a send on `lane` is worth another try.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn ready(&self, lane: Lane) -> BoxFuture<'_, Result<(), Closed>>;

    /// A buffer of `len` bytes that [`send`](Self::send) will not copy, if there is one now.
    ///
    /// # Errors
    /// See [`AllocateError`].
    fn try_allocate(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError>;

    /// As [`try_allocate`](Self::try_allocate), waiting in turn while there is none.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the turn.
    fn allocate(&self, len: usize, lane: Lane) -> BoxFuture<'_, Result<BlobMut, AllocateError>>;

    /// What stands for `blob` in a payload's table, if it can be sent as it lies, in one frame with
    /// `beside`. `None` asks to copy it into an allocated buffer first. Memory of the transport's own always
    /// has a reference, unless it is on its way already. None begins with four bytes of 255: entries
    /// that do are the session's, and no business of the transport's.
    fn reference(&self, blob: &Blob, beside: &[Blob]) -> Option<[u8; BLOB_REF]>;

    /// Whether buffers of these sizes can ever be had at the same time on one lane.
    fn holds_at_once(&self, sizes: &[usize], lane: Lane) -> bool;

    /// Marks one of the peer's calls as begun, where the peer can read the marker after our death.
    fn mark_started(&self, call: CallId);

    /// Whether the peer had begun one of our calls.
    fn start_state(&self, call: CallId) -> StartState;

    /// Takes somebody's word that the peer is dead, where that is not noticed as early. What the peer
    /// sent is received before the end.
    fn peer_died(&self) {}

    /// Sets how long the receiving half polls for more before it sleeps, where it sleeps.
    fn set_spin(&self, bound: Duration) {
        let _ = bound;
    }

    /// Tells the peer that our executor runs.
    fn send_heartbeat(&self);

    /// A timer for heartbeats that costs nothing between two expirations, where there is one.
    fn interval(&self, period: Duration) -> Option<rapace_shm::Interval> {
        let _ = period;
        None
    }

    /// How often the peer's executor said that it runs, where the transport can tell.
    fn peer_heartbeats(&self) -> Option<u32>;

    /// Ends all waits; nothing is sent any more.
    fn close(&self);

    /// Most bytes that one payload or buffer may have.
    fn max_payload(&self) -> usize;

    /// Entries in each side's call table.
    fn call_table(&self) -> u32;

    /// How full everything is, where the transport is shared memory.
    fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        None
    }
}

/// The receiving half, owned by the reader.
pub trait Incoming: Send + 'static {
    /// Appends up to `max` frames to `batch`.
    ///
    /// # Errors
    /// Why there will be no more (T3).
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
    /// Which side this is: the creating one opens odd channels.
    pub side: Side,
}

/// Which of the two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that created the transport.
    Creator,
    /// The one that joined.
    Joiner,
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No room on this lane at the moment.
    Full,
    /// A buffer of the frame is on its way already and cannot be sent twice at once.
    InFlight,
    /// The transport is closed or the peer gone.
    Closed,
}

/// The transport is closed or the peer gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// Why there is no buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocateError {
    /// No transport buffer is that large.
    TooLarge {
        /// Bytes asked for.
        len: usize,
        /// Bytes that the largest has.
        max: usize,
    },
    /// All are in use at the moment.
    Exhausted,
    /// The transport is closed or the peer gone.
    Closed,
}

/// Whether the peer had begun a call, as far as its start marker tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartState {
    /// It never ran.
    NotBegun,
    /// It ran, perhaps to its end.
    Begun,
    /// The transport cannot tell.
    Unknown,
}

/// Why nothing more is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disconnected {
    /// The kernel says that the peer is gone.
    PeerGone,
    /// The peer broke a rule of the transport's.
    Fault(String),
    /// This side closed the transport.
    Closed,
    /// The tokio runtime that reads was shut down.
    RuntimeGone,
}
