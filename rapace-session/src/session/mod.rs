//! The session: reader, dispatch, the actors, the handshake, and the handles [`Session`] and
//! [`Channel`](channel::Channel).
//!
//! Decides which channels may be opened, in which order a session ends, and where each received
//! frame is routed. This is the highest layer: it knows all others, and none of them knows it.

mod actor;
pub(crate) mod channel;
mod channel_actor;
mod channels;
pub(crate) mod config;
mod dispatch;
mod end;
mod establish;
mod handle;
mod handshake;
mod heartbeat;
mod kernel_interval;
mod lost_message;
pub(crate) mod open_error;
mod opening;
mod parts;
mod reader;
pub(crate) mod room;
pub(crate) mod runtime;
pub(crate) mod wait;
mod wait_episodes;
mod wait_watch;
mod waiting;
mod window_budget;

pub use actor::SessionActor;
pub use channel_actor::ChannelActor;
pub use handle::Session;

#[cfg(test)]
pub(crate) use {actor::OpenedChannel, parts::Parts};
