//! Outgoing calls: the table, the pending call, credits, requests, responses, and calls that
//! outlived their session.
//!
//! Decides the outcome of each call that this side makes, and settles the call once. Knows the link
//! and streams, since a call may open a stream; the session is a layer above.

pub(crate) mod credits;
pub(crate) mod failure;
pub(crate) mod methods;
pub(crate) mod options;
pub(crate) mod outgoing;
pub(crate) mod pending;
pub(crate) mod request;
pub(crate) mod request_window;
pub(crate) mod reservations;
pub(crate) mod response;
mod stage;
mod table;
pub(crate) mod unsettled;
pub(crate) mod watch;
