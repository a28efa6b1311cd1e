//! Streams: each has a channel of its own, an actor that owns its state, and two halves.
//!
//! - ST1: each direction ends by `End`, by `Reset`, or with the session, and its receiver always
//!   learns which. The other direction goes on.
//! - ST2: a sender has at most as many items and bytes in flight as it was granted
//!   ([`window`]); the receiver checks this.
//! - ST3: a credit returns when the consumer takes an item, not when the item arrives.
//! - ST4: the route is removed when both directions are over. Frames that arrive later are counted
//!   and dropped.
//! - ST5: the mailbox of a stream is bounded: the window bounds items, and each other type of frame
//!   is accepted once.
//! - ST6: a rule that the peer broke, an item for which there is no memory here, and the shutdown of the runtime, end both directions. The
//!   peer gets a `Reset` with the reason, even if this side would send no more items, and a `Stop`
//!   if the peer still sends.
//!
//! Decides what may be sent and received in each direction, and when a stream is over. Knows the
//! link; the layers above open streams for calls.

mod actor;
pub(crate) mod error;
pub(crate) mod halves;
pub(crate) mod moves;
mod receiver;
pub(crate) mod registry;
mod sender;
pub(crate) mod state;
pub(crate) mod window;

pub use receiver::StreamReceiver;
pub use sender::{StreamSendError, StreamSender};
