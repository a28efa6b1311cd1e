//! Incoming calls: the table of the peer's calls, the context of their handlers, and the lookup of
//! services.
//!
//! Decides when a call begins, that it gets one reply, and when its credit returns. Knows the link
//! and streams; the session, a layer above, reads requests and accepts channels.
//!
//! - SV1: every request gets one reply, also when its handler is dropped, panics, or is never
//!   reached.
//! - SV2: the start marker is set after the call is taken from the mailbox, and before its payload
//!   is read. A call that was cancelled, or is past its deadline, is never marked. After the peer
//!   is told of the session's end, no call is marked.
//! - SV3: a cancelled call keeps its place in the mailbox, and so its credit, until it is taken
//!   from there. So a peer that sends and cancels cannot fill a mailbox beyond its window.
//! - SV4: entry and credit return to the peer in the same moment as the reply is sent, under the
//!   lock that the reader takes for a request. Any sooner, and a peer that does not read could have
//!   any number of calls under way; any later, and its next request would be a fault.
//! - SV5: the bytes of a request return once, when it leaves the queue: it begins, or it is discarded.
//!   What a handler holds does not count, so a handler can wait for another request of the same
//!   channel.

mod blocking;
mod blocking_work;
mod call_end;
mod cell;
pub(crate) mod context;
pub(crate) mod incoming;
mod owned_call;
mod request;
mod running;
pub(crate) mod service;
mod table;
mod window;

pub use blocking::blocking;
pub use blocking_work::BlockingWork;
pub use request::IncomingCall;
pub use running::{Answer, RunningCall};
pub use service::{RequestSink, ServiceResolver};
