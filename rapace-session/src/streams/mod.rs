//! One stream: a channel of its own, an actor that owns its state, and its two halves.
//!
//! - S1: each direction ends by `End`, by `Reset`, or with the session; its reader always learns which. The other
//!   direction goes on.
//! - S2: a sender has as many items under way as it was granted; the receiver checks.
//! - S3: credits go back when an item is taken by its consumer, not when it arrives.
//! - S4: the route goes when both directions are over; what comes later is counted and dropped.
//! - S5: what a peer can put into a stream's mailbox is bounded: items by the window, everything
//!   else by being said once.
//! - S6: a rule that the peer broke, and a runtime that is gone, end both directions: the peer hears a `Reset`, which
//!   says why, also if nothing was to come any more, and a `Stop` if it still sends.
//!
//! Decides what may be sent and received in each direction, and when a stream is over. Knows the link; that a call opens a
//! stream is the business of the layers above.

mod actor;
pub(crate) mod error;
pub(crate) mod halves;
pub(crate) mod moves;
mod receiver;
pub(crate) mod registry;
mod sender;
pub(crate) mod state;

pub use receiver::StreamReceiver;
pub use sender::{StreamSendError, StreamSender};
