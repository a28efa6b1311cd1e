//! Sessions between two peers: calls, streams and large buffers over a transport that carries
//! frames.
//!
//! Two peers, usually a host and one of its plugins, share an established transport: shared memory
//! between two processes, or two queues within one. A [`Session`] provides, over that transport:
//! named services, calls with deadlines and cancellation, tells, streams in both directions,
//! zero-copy buffers of up to 64 MiB, and an end that reports its reason and the unsettled calls. A
//! session knows bytes and numbers of methods. Values, traits and processes belong to the crate
//! above, `rapace-actors`, which is the one to depend on.
//!
//! ```text
//!  caller's task                                                     service's task
//!  ─────────────                                                     ──────────────
//!  Channel::call                                              RequestSink ─▶ mailbox ─▶ RunningCall
//!   │ credit, entry of the call table, buffer                         ▲                    │ reply
//!   │ encode in place                                                 │ IncomingCall       │
//!   ▼                                                                 │                    ▼
//!  ══ ring ═══════════════════════════════════▶ reader actor ─ routes ┘    ══ ring ══════▶ …
//!
//!  ResponseFuture ◀─ call table ◀─ reader actor ◀═══════════════════════════════════ ring ══
//!
//!  one of each per session:   reader actor    receives and routes frames, never waits for a mailbox
//!                             session actor   handshake, channels, heartbeat, draining, the end
//!  one per channel that       channel actor   open, draining, closed
//!  this side opened:
//!  one per stream:            stream actor    the state of each direction, and the credits
//! ```
//!
//! A caller encodes on its own task and puts the frame on the ring itself. The request of a unary
//! call crosses one mailbox, that of the service. The reply crosses none: the reader settles the
//! call.
//!
//! The crate has one folder per layer. Each layer imports only from those below it in this table:
//!
//! | layer | holds |
//! |---|---|
//! | `session` | the handles, reader and dispatch, the session's actor, handshake, the end |
//! | `serving` | incoming calls, from the mailbox to the reply |
//! | `calls` | outgoing calls, from the request to the response |
//! | `streams` | streams of items, each a channel with an actor of its own |
//! | `link` | one transport in use: encoder, buffers, outbox, metrics |
//! | [`transport`] | what carries frames: shared memory, or queues in one process |
//! | `wire` | frames and payloads: plain data and its bytes |
//!
//! # The shortest program
//!
//! ```
//! use std::sync::Arc;
//!
//! use rapace_codec::{EncodeError, Writer};
//! use rapace_session::transport::memory;
//! use rapace_session::{
//!     CallOptions, Encode, IncomingCall, RequestSink, ServiceResolver, Session, SessionConfig, Status,
//! };
//! use tokio::sync::mpsc;
//!
//! struct Text(String);
//!
//! impl Encode for Text {
//!     fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
//!         writer.write(&self.0)
//!     }
//! }
//!
//! /// The peer may have eight calls of `Upper` under way.
//! struct Upper(mpsc::UnboundedSender<IncomingCall>);
//!
//! impl RequestSink for Upper {
//!     fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
//!         self.0.send(call).map_err(|refused| refused.0)
//!     }
//! }
//!
//! impl ServiceResolver for Upper {
//!     fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
//!         match service {
//!             "Upper" => Ok((Arc::new(Upper(self.0.clone())), 8)),
//!             other => Err(format!("no service `{other}`")),
//!         }
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sender, mut calls) = mpsc::unbounded_channel::<IncomingCall>();
//! tokio::spawn(async move {
//!     while let Some(call) = calls.recv().await {
//!         let Some(mut call) = call.begin() else { continue }; // It was cancelled.
//!         let text = call.take_arguments().and_then(|a| a.reader().read::<String>().ok());
//!         let answer = Text(text.unwrap_or_default().to_uppercase());
//!         call.reply(Status::Ok, &answer).await;
//!     }
//! });
//! let mut plugin = SessionConfig::new("plugin");
//! plugin.resolver = Arc::new(Upper(sender));
//!
//! let (a, b) = memory::pair(memory::MemoryConfig::default());
//! let (host, _plugin) = tokio::try_join!(
//!     Session::establish(a, SessionConfig::new("host")),
//!     Session::establish(b, plugin),
//! )?;
//! let upper = host.open("Upper").await?;
//! let reply = upper.call(0, &Text("hello".into()), &CallOptions::default()).await?;
//! assert_eq!(reply.body.reader().read::<String>()?, "HELLO");
//! # Ok(())
//! # }
//! ```
//!
//! # What a session promises
//!
//! - **Each call settles once**: by its reply, by an error of the runtime, by its deadline, or by
//!   the session's end. So no caller waits for ever.
//! - **A call is cancelled by dropping its future.** If the request was not sent, nothing is sent;
//!   if it waits in a mailbox, it never begins; a running handler is notified.
//! - **Credits are mailbox capacity.** The receiver grants a window of credits. A peer that exceeds
//!   the window commits a fault, so no mailbox overflows, and a slow service causes backpressure
//!   for its own callers only.
//! - **What waits for long says so**: after a second, who waits, for what, and who has it
//!   ([`Session::waiting`], [`SessionConfig::on_wait`]).
//! - **Replies and control frames never wait behind requests**: an eighth of ring and slab is
//!   reserved for them. So a handler can call back into its caller even when requests have used up
//!   everything else.
//! - **After an end it is known which calls had begun.** Before a handler starts, the callee sets
//!   the call's start marker, which the caller can read after the callee's death. Unsettled calls
//!   are handed out as [`UnsettledCall`]s, in the order in which they were made, and can be sent
//!   again over another session without their callers noticing.
//! - **Buffers are not copied** where memory is shared: a `Blob` that was allocated from the
//!   session, or a slice of one, is sent as a reference, anywhere in a value.
//! - **Returning a request's buffer copies no bytes**: the reply refers to the buffer, or a part of
//!   it, and the caller gets its own buffer back, on every transport. A part keeps the whole buffer
//!   alive, as a slice does.
//!
//! # The protocol
//!
//! A frame is a [`Header`] and a [`Payload`]. Its [`FrameType`] says what it asks of its receiver,
//! its [`Flags`] which parts the payload has, and the [`Status`] of a reply how the call ended. The
//! handbook's page `docs/protocol.md` specifies the bytes; its tables are rendered from these
//! types.
//!
//! A reply can refer to a part of a buffer of its request instead of carrying it. The entry in the
//! payload's table is then 2³² − 1, the number of the request's buffer from 0 on, first byte,
//! length. Results and errors of methods may have such entries, replies to tells may not. The
//! caller keeps the request's buffers until the call is settled, and puts its own buffer in that
//! place. The slot returns as always, when its last user on the replying side drops it.
//!
//! Both sides send a hello at once. A side that accepts the other's hello sends a welcome, and may
//! open channels after it; the other side answers them if it accepts the hello too. A request takes
//! one credit of its channel and one entry of the caller's call table, and its reply returns both.
//! Each request gets exactly one reply, also if the call was cancelled, is a tell, or never reached
//! a handler. A stream is a channel of its own, which the request opens by naming its number. The
//! hello grants its window, in items and in bytes, and another one in bytes for the requests of a
//! channel. Those in bytes grow while their receiver takes what they let in.
//!
//! A payload that finds no slot goes ahead of its frame in fragments, through slots that nobody can
//! keep. So no wait depends on a payload that somebody keeps.
//!
//! # What a hostile peer can do
//!
//! A hostile peer can stop answering, send nonsense, refuse, hang up, and use everything that it
//! was granted: 256 channels, as many calls as its call table has entries, 4,096 streams (and as
//! many more as it may have calls), the windows of these with one payload more in each, the window
//! of fragments, and the slots of its own slab. It can make this side spend time on reading frames,
//! one batch at a time before other tasks run.
//!
//! Its hello and every text are bounded: see [`limits`]. Texts are escaped where they arrive, and
//! names may contain printable characters only, so printing an error or a log cannot control a
//! terminal.
//!
//! A hostile peer cannot make this side panic, wait for ever, read outside the shared memory, or
//! hold unbounded memory. The following end the session with [`EndReason::PeerFault`], which names
//! the rule:
//!
//! - requests without credit or past the window in bytes, replies to no call, and more credits than were taken;
//! - channel numbers that are not the peer's to choose, and windows of size 0;
//! - unknown frame types, statuses or flags;
//! - tables and prefixes that extend past their payload;
//! - returned buffers or bytes that the request did not have, or in a frame that is no reply;
//! - fragments past their window, that do not agree with each other, or that have not come when a
//!   frame refers to them;
//! - windows that grow beyond what the hello says, or bytes given back beyond them;
//! - opening too many channels, and payloads and texts that exceed their limits;
//! - not reading the answers that it asked for.
//!
//! An item without credit, or with a full window, ends its stream in both directions, and an item that cannot be parsed
//! ends its direction. A frame that merely arrives late, for a call or stream that is over, is
//! counted and dropped. Whether a payload can change while it is read depends on the transport: see
//! `rapace_shm::Trust`. A returned buffer is our own, in memory that an untrusted peer cannot
//! write. What a peer reports about its own work, start markers included, is believed.
//!
//! # When not to use it
//!
//! - Between machines: no transport here connects two.
//! - For values and traits, supervision and restarts: use `rapace-actors`, which builds on this
//!   crate.
//! - For bulk data alone, without calls: `rapace-shm` has rings and slots without a protocol.
//! - Where the callers of one plugin must be fully isolated from each other: the channels of a
//!   session share its ring and its slots. Requests that wait in a slow service hold their slots,
//!   and may leave none of a size class to others, whose payloads then cost two copies.
#![forbid(unsafe_code)]

mod calls;
mod link;
mod serving;
mod session;
mod streams;
mod sync;
#[cfg(test)]
mod tests;
pub mod transport;
mod wire;

pub use calls::failure::CallFailure;
pub use calls::methods::{MethodMismatch, MethodMismatchKind};
pub use calls::options::CallOptions;
pub use calls::pending::{Outcome, Reply};
pub use calls::response::ResponseFuture;
pub use calls::unsettled::UnsettledCall;
pub use link::BufferError;
pub use link::encode::Encode;
pub use link::end::EndReason;
pub use link::metrics::{Metrics, MetricsSnapshot};
pub use serving::context::{CallContext, CancelGuard, allocate};
pub use serving::{
    Answer, BlockingWork, IncomingCall, RequestSink, RunningCall, ServiceResolver, blocking,
};
pub use session::channel::Channel;
pub use session::config::{OnUnsettled, OnWait, SessionConfig};
pub use session::open_error::OpenError;
pub use session::room::room_for_handshake;
pub use session::runtime::check_timers;
pub use session::wait::{CallUnderWay, Holder, MethodName, Resource, Wait, Waiter};
pub use session::{ChannelActor, Session, SessionActor};
pub use streams::error::StreamError;
pub use streams::halves::StreamParts;
pub use streams::moves::Moves;
pub use streams::{StreamReceiver, StreamSendError, StreamSender};
pub use transport::{Endpoint, Lane, Side, StartState};
pub use wire::frame::{
    CallId, ChannelId, Flags, Fragmented, Frame, FrameType, Header, INLINE_MAX, Payload, Status,
};
pub use wire::handshake_error::HandshakeError;
pub use wire::hello::{Hello, PROTOCOL_VERSION};
pub use wire::limits::{self, HelloLimit, MAX_WINDOW};
pub use wire::message_body::{MessageBody, Metadata};
pub use wire::mismatch::{MismatchKind, SchemaMismatch};
pub use wire::offer::{MethodOffer, ServiceOffer};
pub use wire::printable::printable;
pub use wire::remote_error::RemoteError;
