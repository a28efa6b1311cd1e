//! The session: two peers that know each other. What owns its life is the [`SessionActor`].

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::try_join_all;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use rapace_codec::BlobMut;

use crate::link::metrics::MetricsSnapshot;
use crate::session::channel::Channel;
use crate::session::config::SessionConfig;
use crate::session::reader::{ReaderActor, ReaderArgs};
use crate::session::shared::Shared;
use crate::transport::{AllocateError, Claim, Endpoint, Lane};
use crate::wire::error::{BufferError, EndReason, HandshakeError, OpenError};
use crate::wire::frame::{ChannelId, Frame, Header, INLINE_MAX, Payload, Verb};
use crate::wire::hello::{self, Hello};
use crate::wire::limits::{self, MAX_NAME};
use crate::wire::text;

mod actor;
mod beat;
pub(crate) mod channel;
pub(crate) mod config;
mod end;
mod handshake;
mod lease;
mod reader;
pub(crate) mod room;
pub(crate) mod routing;
pub(crate) mod runtime;
pub(crate) mod shared;

use actor::OpenChannel;
pub use actor::SessionActor;
pub(crate) use actor::{Control, ReadingEnded};

/// Control frames that may wait for the session actor, which waits for nobody.
const CONTROL_MAILBOX: usize = 1024;

/// One end of an established session. Cheap to clone; lives until closed, by either side or by
/// the peer's death, whoever holds handles.
#[derive(Clone, Debug)]
pub struct Session {
    shared: Arc<Shared>,
}

impl Session {
    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Starts the session's actors and shakes hands: both sides have accepted each other when this
    /// is done. There is no timeout here: the caller knows how long it is willing to wait.
    ///
    /// # Cancel safety
    /// Dropping the future ends the session.
    ///
    /// # Errors
    /// See [`HandshakeError`].
    pub async fn establish(
        endpoint: Endpoint,
        config: SessionConfig,
    ) -> Result<Self, HandshakeError> {
        let (session, _) = Self::shake_hands(endpoint, config, false).await?;
        Ok(session)
    }

    /// As [`establish`](Self::establish), and opens a channel to each service that the peer offers. The
    /// openings are on their way before the peer has answered (H5 of the handshake), so this takes no
    /// longer.
    ///
    /// # Cancel safety
    /// Dropping the future ends the session.
    ///
    /// # Errors
    /// See [`HandshakeError`], and for a channel that is not opened [`OpenError`].
    pub async fn establish_and_open(
        endpoint: Endpoint,
        config: SessionConfig,
    ) -> Result<(Self, Result<Vec<Channel>, OpenError>), HandshakeError> {
        Self::shake_hands(endpoint, config, true).await
    }

    /// Says, in place of a hello, that there will be no session, and why. The peer has that as
    /// [`HandshakeError::RefusedByPeer`].
    pub fn refuse(endpoint: Endpoint, why: &str) {
        let config = SessionConfig::new("");
        Shared::new(endpoint.transport, endpoint.side, config).decline(why);
    }

    async fn shake_hands(
        endpoint: Endpoint,
        config: SessionConfig,
        opens: bool,
    ) -> Result<(Self, Result<Vec<Channel>, OpenError>), HandshakeError> {
        let hello = Hello {
            // For humans, who recognise it by its beginning.
            name: limits::cut_to_name(&config.name),
            stream_window: config.stream_window,
            services: config.offers.clone(),
            spin_micros: config.spin.as_micros().try_into().unwrap_or(u32::MAX),
        };
        endpoint.transport.set_spin(config.spin);
        let shared = Arc::new(Shared::new(endpoint.transport, endpoint.side, config));
        let session = Self::of(Arc::clone(&shared));
        // H6
        let refused = |why: HandshakeError| {
            shared.refuse(why.clone());
            why
        };
        let bytes = hello::encode(&hello).map_err(refused)?;
        let mut guard = EndOnDrop(Some(Arc::clone(&shared)));
        let mut frame = Frame::bare(Header::new(Verb::Hello, ChannelId::SESSION));
        frame.payload = session.payload(&bytes).await.map_err(|why| match why {
            AllocateError::TooLarge { len, max } => {
                refused(HandshakeError::HelloTooLarge { len, max })
            }
            AllocateError::Exhausted | AllocateError::Closed => {
                HandshakeError::Ended("the transport is closed".into())
            }
        })?;
        shared.outbox.send(frame);
        let (greeted, was_greeted) = tokio::sync::oneshot::channel();
        let (ready, is_ready) = tokio::sync::oneshot::channel();
        let actor = SessionActor::spawn_with_mailbox(
            SessionActor::new(Arc::clone(&shared), greeted, ready),
            mailbox::bounded(CONTROL_MAILBOX),
        );
        let reader = ReaderArgs {
            incoming: endpoint.incoming,
            shared: Arc::clone(&shared),
            session: actor.clone(),
        };
        ReaderActor::spawn_link(&actor, reader).await;
        // These are dropped without a word when the session ends first.
        let opened = match was_greeted.await {
            Ok(()) if opens => session.open_all().await,
            _ => Ok(Vec::new()),
        };
        let agreed = is_ready.await.is_ok();
        match shared.ended() {
            None if agreed => {
                guard.0 = None;
                Ok((session, opened))
            }
            Some(EndReason::Refused(why)) => Err(why),
            Some(EndReason::PeerFault(what)) => Err(HandshakeError::Fault(what)),
            other => Err(HandshakeError::Ended(
                other.unwrap_or(EndReason::Closed).to_string(),
            )),
        }
    }

    /// `bytes` as the payload of a control frame.
    async fn payload(&self, bytes: &[u8]) -> Result<Payload, AllocateError> {
        if bytes.len() <= INLINE_MAX {
            return Ok(Payload::inline(bytes).unwrap_or(Payload::EMPTY));
        }
        let buffers = self.shared.packer.buffers();
        let mut buffer = buffers.one(bytes.len(), Lane::Priority).await?;
        buffer.copy_from_slice(bytes);
        Ok(Payload::Buffer(buffer.freeze()))
    }

    /// What the peer said about itself.
    #[must_use]
    pub fn peer(&self) -> Option<&Hello> {
        self.shared.peer.get().map(Arc::as_ref)
    }

    /// Opens a channel to a service of the peer's.
    ///
    /// # Cancel safety
    /// Dropping the future gives the channel back, as soon as the peer has opened it.
    ///
    /// # Errors
    /// See [`OpenError`]. With [`MAX_CHANNELS`](limits::MAX_CHANNELS) of this side's open and held, it is
    /// [`OpenError::TooMany`] at once; if some of them are being opened or closed, it waits for what becomes of these.
    pub async fn open(&self, service: &str) -> Result<Channel, OpenError> {
        let Some(actor) = self.shared.actor() else {
            return Err(OpenError::Ended(self.reason()));
        };
        if service.len() > MAX_NAME {
            return Err(OpenError::Refused(format!(
                "a service's name has at most {MAX_NAME} bytes, and this one has {}",
                service.len()
            )));
        }
        if !text::is_plain(service) {
            return Err(OpenError::Refused(format!(
                "a service's name is one line of characters that can be printed, and this one is `{}`",
                text::printable_name(service)
            )));
        }
        let Ok(payload) = self.payload(service.as_bytes()).await else {
            return Err(OpenError::Ended(self.reason()));
        };
        let mut place = self
            .shared
            .channels
            .take()
            .await
            .ok_or(OpenError::TooMany)?;
        // Somebody may hold it, or nobody.
        place.set_leaving(true);
        let asked = actor.ask(OpenChannel {
            service: service.to_owned(),
            payload,
            place,
        });
        match asked.send().await {
            Ok(channel) => Ok(channel),
            Err(kameo::error::SendError::HandlerError(refusal)) => Err(refusal),
            Err(_) => Err(OpenError::Ended(self.reason())),
        }
    }

    /// Opens a channel to each service that the peer offers, all at once.
    ///
    /// # Cancel safety
    /// As for [`open`](Self::open).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open_all(&self) -> Result<Vec<Channel>, OpenError> {
        let offered = self.peer().map(|hello| hello.services.as_slice());
        let offered = offered.unwrap_or_default().iter();
        try_join_all(offered.map(|offer| self.open(&offer.name))).await
    }

    fn reason(&self) -> EndReason {
        self.shared.ended().unwrap_or(EndReason::Closed)
    }

    /// A buffer of `len` bytes, zeroes or left-overs of this side's, for a request: sending it copies
    /// nothing. It waits, in turn, while all that are large enough are in use. When the session has ended it lies on the
    /// heap.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its turn.
    ///
    /// # Errors
    /// See [`BufferError`]: the length is more than can be sent, or than there is memory for.
    pub async fn allocate(&self, len: usize) -> Result<BlobMut, BufferError> {
        self.allocate_on(len, Lane::Data).await
    }

    /// As [`allocate`](Self::allocate), for a reply: it may take what requests may not.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub async fn allocate_for_reply(&self, len: usize) -> Result<BlobMut, BufferError> {
        self.allocate_on(len, Lane::Priority).await
    }

    async fn allocate_on(&self, len: usize, lane: Lane) -> Result<BlobMut, BufferError> {
        let max = self.shared.transport.max_payload();
        if len > max {
            return Err(BufferError::TooLarge { len, max });
        }
        match self.shared.packer.buffers().one(len, lane).await {
            Ok(buffer) => Ok(buffer),
            Err(AllocateError::TooLarge { len, max }) => Err(BufferError::TooLarge { len, max }),
            // The session is over: what is written now may be sent over another.
            Err(AllocateError::Exhausted | AllocateError::Closed) => {
                BlobMut::try_zeroed(len).map_err(|_| BufferError::OutOfMemory { len })
            }
        }
    }

    /// Tells the peer that we will make no new calls; it finishes what it has and closes.
    pub fn drain(&self) {
        self.shared
            .outbox
            .send(Frame::bare(Header::new(Verb::Drain, ChannelId::SESSION)));
    }

    /// Tells the peer that we have set up what we have besides the session.
    pub fn settle(&self) {
        self.shared
            .outbox
            .send(Frame::bare(Header::new(Verb::Settled, ChannelId::SESSION)));
    }

    /// Waits until the peer has [settled](Self::settle); for ever, if it never does.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn peer_settled(&self) {
        let mut settled = self.shared.peer_settled.subscribe();
        if settled.wait_for(|settled| *settled).await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether the peer has begun any of the calls that it was sent and has not answered, as far as its marks tell.
    #[must_use]
    pub fn is_served(&self) -> bool {
        let Shared {
            calls, transport, ..
        } = &*self.shared;
        calls.any_sent(|call| transport.claimed(call) == Claim::Begun)
    }

    /// Closes the session now. Calls under way end. The peer reads why, unless its ring is full of
    /// what it has not read: then it only sees that we are gone.
    pub fn close(&self, why: &str) {
        self.shared.close(why);
    }

    /// Ends the session without telling the peer: for a peer that is known to be dead, so that what
    /// carries no claim mark has not begun. What it had published and the reader has not read yet
    /// is lost.
    pub fn abort(&self, reason: EndReason) {
        self.shared.end_without_peer(reason);
    }

    /// Says that no thread of the peer's runs any more, if somebody knows before the transport does.
    /// What the peer had published is received; then the session ends with [`EndReason::PeerGone`].
    pub fn peer_died(&self) {
        self.shared.transport.peer_died();
    }

    /// Has the reader look for frames on and on, for at most `bound` after the last one, before it
    /// sleeps. Zero has it sleep at once; more than a millisecond is taken for one. See
    /// [`SessionConfig::spin`].
    pub fn set_spin(&self, bound: Duration) {
        self.shared.transport.set_spin(bound);
    }

    /// Waits for the session's end and says why.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn ended(&self) -> EndReason {
        let mut end = self.shared.watch_end();
        match end.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or(EndReason::Closed),
            Err(_) => EndReason::Closed,
        }
    }

    /// Why the session ended, if it has.
    #[must_use]
    pub fn end_reason(&self) -> Option<EndReason> {
        self.shared.ended()
    }

    /// Calls of ours whose reply has not arrived.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.shared.calls.under_way()
    }

    /// Whether the peer has asked for no new calls.
    #[must_use]
    pub fn peer_drains(&self) -> bool {
        self.shared.peer_drains.load(Ordering::Acquire)
    }

    /// The counters now.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.shared.metrics.snapshot()
    }

    /// Payload bytes that were copied because they lay outside the transport's buffers.
    #[must_use]
    pub fn bytes_copied(&self) -> u64 {
        self.shared.packer.copied()
    }

    /// How often the peer's executor said that it runs, where the transport can tell.
    #[must_use]
    pub fn peer_beats(&self) -> Option<u32> {
        self.shared.transport.peer_beats()
    }

    /// Waits for the next heartbeat of this side's own, and says how far one is from the other; for ever,
    /// once the session has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn beaten(&self) -> Duration {
        self.shared.beaten.notified().await;
        self.shared.config.heartbeat.max(beat::SHORTEST)
    }

    /// How full rings and slabs are, over shared memory.
    #[must_use]
    pub fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        self.shared.transport.link_stats()
    }

    /// The session's actor, to link to: it stops when the session ends.
    #[must_use]
    pub fn actor(&self) -> Option<ActorRef<SessionActor>> {
        self.shared.actor()
    }
}

struct EndOnDrop(Option<Arc<Shared>>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.close("the handshake was given up");
        }
    }
}
