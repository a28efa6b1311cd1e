//! Sessions between two peers: calls, streams and large buffers over a transport that carries frames.
//!
//! Two peers, usually a host and one of its plugins, share an established transport: shared memory
//! between two processes, or two queues within one. A [`Session`] makes of it what programs want to
//! use: named services with calls that can be cancelled and have deadlines, tells, streams in both
//! directions, buffers of up to 64 MiB that are not copied, and an end that says why it came and what
//! it cut off. It knows bytes and numbers of methods; values, traits and processes are the business
//! of the crate above, `rapace-actors`, which is the one to depend on.
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
//!  one of each for a session:  reader actor    reads frames, waits for nobody
//!                              session actor   handshake, channels, heartbeat, draining, the end
//!  one for each channel that   channel actor   open, draining, closed
//!  this side opened:
//!  one for each stream:        stream actor    which direction is open, what is still allowed
//! ```
//!
//! A caller encodes on its own task and puts the frame on the ring itself. A unary call crosses one
//! mailbox, that of the service, and its answer none: the reader settles it.
//!
//! Inside, the crate has one folder a layer, each of which imports only from those below it:
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
//! /// Everybody may call `Upper`, eight calls at a time.
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
//!         let Some(mut call) = call.begin() else { continue }; // Its caller has left.
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
//! - **Each call settles once**: by its answer, by a failure of the runtime's, by its deadline, or by
//!   the session's end. Nothing waits for ever while one of these can still happen.
//! - **A call can be cancelled** by dropping its future. What was not sent leaves no trace; what waits
//!   in a mailbox is never begun; a running handler is told.
//! - **Credits are mailbox capacity.** A receiver grants a window; nobody can overflow it, and who
//!   exceeds it is found out. A slow service slows its own callers.
//! - **Replies and control never wait behind requests**: an eighth of ring and slab is theirs. So a
//!   handler may call back into its caller when everything else is used up.
//! - **After an end it is known what had begun.** Before a handler starts, the callee marks its call
//!   where the caller can read it after the callee's death. Unsettled calls are handed out as
//!   [`UnsettledCall`]s in the order in which they were made, and can be sent again over another session
//!   without their callers noticing.
//! - **AttachmentAllocator are not copied** where memory is shared: a `Blob` that was allocated from the session
//!   travels as a reference, anywhere in a value, and so does a slice of one.
//! - **What a call brought goes back for nothing**: its answer names a buffer of the request's, or a part
//!   of one, and the caller gets its own again, whatever the transport. As a slice does, a part keeps the
//!   whole.
//!
//! # The protocol
//!
//! A frame is a [`Header`] and a [`Payload`]. Its [`FrameType`] says what it asks and on which channel, its [`Flags`] what a message
//! begins with, a reply's [`Status`] how the call went. The bytes are described by the handbook's page `docs/protocol.md`, whose
//! tables are made from these types.
//!
//! A *name* stands for a part of a buffer that came with the request: 2³² − 1, which of the request's
//! buffers from 0 on, first byte, length. A result and a method's error may have names, unless nobody
//! waits for them: the caller keeps what it sent until the call is settled, and puts its own buffer there.
//! No byte moves for it. The slot itself goes back as always, when its last user on the answering side is
//! gone.
//!
//! Both sides say hello at once. A side that likes the other's hello says welcome, and may open channels
//! behind it; they are answered by who likes its hello too. A request takes one credit of its channel and one
//! entry of the sender's call table, and its reply brings both back: each request has exactly one,
//! also if it was cancelled, one way, or never reached a handler. A stream is a channel of its own,
//! opened by the request that names it; the first window of items is granted by the hello.
//!
//! # What a hostile peer can do
//!
//! It can stop answering, answer nonsense, refuse, hang up, and use what it was granted: 256 channels,
//! as many calls as its call table has entries, 4096 streams (and as many more as it may have calls), the slots of its own slab. It can make
//! this side spend time on reading frames, a batch at a time between others' turns.
//!
//! What it says of itself is bounded, and so is every text: see [`limits`]. Its texts are escaped where they arrive, and its
//! names have only characters that can be printed, so that neither drives the terminal of whoever prints an error or a log.
//!
//! It cannot make this side panic, wait without end, read outside of what was shared, or hold memory
//! without bound: requests past the credit, answers to no call, more credits than were taken, numbers
//! that are not its to choose, unknown frame types, statuses or flags, tables and prefixes that run past
//! their payload, names for buffers or bytes that the request did not have, or where no request has any,
//! openings without end, payloads and texts over their limits, windows that are none, and not reading what it asked for, all end the session with
//! [`EndReason::PeerFault`], which names the rule. An item past a stream's window ends that stream in
//! both directions, and one that cannot be taken apart ends its direction.
//! What merely comes late, for a call or stream that is over, is counted and dropped. Whether payloads
//! can change while they are read is the transport's matter: see `rapace_shm::Trust`. A buffer that comes
//! back by name is our own, in memory that an untrusted peer cannot write. What a peer says of itself, its
//! start markers included, is believed as far as it concerns its own work.
//!
//! # When not to use it
//!
//! - Between machines: no transport here crosses one.
//! - For values and traits, supervision and restarts: `rapace-actors` has them, on top of this.
//! - For bulk data alone, without calls: `rapace-shm` has rings and slots without a protocol.
//! - Where callers of one plugin must never feel each other at all: the channels of one session share
//!   its ring and its slots. Requests that wait in a slow service hold theirs, and may leave none of a
//!   size to others until it goes on.
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
pub use link::encoder::Encode;
pub use link::end::EndReason;
pub use link::metrics::{Metrics, MetricsSnapshot};
pub use serving::context::{CallContext, CancelGuard, allocate};
pub use serving::{
    Answer, BlockingWork, IncomingCall, RequestSink, RunningCall, ServiceResolver, blocking,
};
pub use session::channel::Channel;
pub use session::config::{OnUnsettled, SessionConfig};
pub use session::open_error::OpenError;
pub use session::room::room_for_handshake;
pub use session::runtime::check_timers;
pub use session::{ChannelActor, Session, SessionActor};
pub use streams::error::StreamError;
pub use streams::halves::StreamParts;
pub use streams::moves::Moves;
pub use streams::{StreamReceiver, StreamSendError, StreamSender};
pub use transport::{Endpoint, Lane, Side, StartState};
pub use wire::frame::{
    CallId, ChannelId, Flags, Frame, FrameType, Header, INLINE_MAX, Payload, Status,
};
pub use wire::handshake_error::HandshakeError;
pub use wire::hello::{Hello, PROTOCOL_VERSION};
pub use wire::limits::{self, HelloLimit, MAX_WINDOW};
pub use wire::message_body::{MessageBody, Metadata};
pub use wire::mismatch::{MismatchKind, SchemaMismatch};
pub use wire::offer::{MethodOffer, ServiceOffer};
pub use wire::printable::printable;
pub use wire::remote_error::RemoteError;
