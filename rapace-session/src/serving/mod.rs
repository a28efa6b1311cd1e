//! Incoming calls: the calls that the peer has under way here, their handlers' context, and how a service is found.
//!
//! Decides when a call begins, that it is answered once, and when its credit goes back. Knows the link and streams; who
//! reads requests and who accepts channels is the session's business, a layer above.
//!
//! - I1: every request is answered by one reply, also when its handler is dropped, panics, or is
//!   never reached.
//! - I2: the start marker is set after the call is taken from its mailbox and before anything of it
//!   is looked at; a call that was cancelled or is past its deadline is never marked. Once the
//!   session's end is told to the peer, nothing is marked any more.
//! - I3: a cancelled call keeps its place in the mailbox, and so its credit, until it is taken
//!   from there: a peer that sends and cancels cannot fill a mailbox past its window.
//! - I4: an entry and its credit are the peer's again in the same moment as the reply is sent, under
//!   the lock that the reader takes for a request: no sooner, or a peer that does not read could
//!   have any number of calls under way; no later, or its next request would be a fault.

mod blocking;
mod blocking_work;
mod call_end;
mod cell;
pub(crate) mod context;
mod held;
pub(crate) mod incoming;
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
