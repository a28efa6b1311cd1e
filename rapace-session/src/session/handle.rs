//! The handle of a session.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use kameo::actor::ActorRef;
use rapace_codec::BlobMut;

use crate::link::BufferError;
use crate::link::end::EndReason;
use crate::link::metrics::MetricsSnapshot;
use crate::serving::context::CallContext;
use crate::session::actor::{SessionActor, Withdraw};
use crate::session::heartbeat::SHORTEST;
use crate::session::parts::Parts;
use crate::transport::Lane;
use crate::wire::frame::{ChannelId, FrameType};
use crate::wire::hello::Hello;

/// One end of an established session. Cheap to clone; lives until closed, by either side or by
/// the peer's death, whoever holds handles.
#[derive(Clone, Debug)]
pub struct Session(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Arc<Parts>,
    /// Set when the actor is started.
    actor: OnceLock<ActorRef<SessionActor>>,
}

impl Session {
    pub(crate) fn new(parts: Arc<Parts>) -> Self {
        let inner = Arc::new(Inner {
            parts,
            actor: OnceLock::new(),
        });
        let session: Weak<Inner> = Arc::downgrade(&inner);
        inner.parts.incoming.belong_to(session);
        Self(inner)
    }

    pub(crate) fn parts(&self) -> &Arc<Parts> {
        &self.0.parts
    }

    /// Notes the actor that was started for the session.
    pub(crate) fn set_actor(&self, actor: ActorRef<SessionActor>) {
        // One is started for each session.
        let _ = self.0.actor.set(actor);
    }

    /// What the peer said about itself.
    #[must_use]
    pub fn peer(&self) -> Option<&Hello> {
        self.parts().peer.get().map(Arc::as_ref)
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
        self.parts().link.allocate(len, Lane::Data).await
    }

    /// As [`allocate`](Self::allocate), for a reply: it may take what requests may not.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub async fn allocate_for_reply(&self, len: usize) -> Result<BlobMut, BufferError> {
        self.parts().link.allocate(len, Lane::Priority).await
    }

    /// Tells the peer that we will make no new calls; it finishes what it has and closes.
    pub fn drain(&self) {
        self.parts()
            .link
            .send_bare(FrameType::Drain, ChannelId::SESSION);
    }

    /// Closes every channel that the peer has opened to a service of this side, and tells the peer why. Calls that have
    /// arrived are handled; those that arrive later, and all that the peer would make over these channels, fail with
    /// [`RemoteError::Unavailable`](crate::RemoteError::Unavailable) and have not begun. Gives how many channels it closed.
    ///
    /// The peer can open others: that is for [`SessionConfig::resolver`](crate::SessionConfig::resolver) to refuse.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it done or not.
    pub async fn withdraw(&self, service: &str, why: &str) -> usize {
        let Some(actor) = self.actor() else {
            return 0; // At the session's end all are closed.
        };
        let withdraw = Withdraw {
            service: service.to_owned(),
            why: why.to_owned(),
        };
        actor.ask(withdraw).await.unwrap_or_default()
    }

    /// Tells the peer that this side is ready: it has set up everything that it needs besides the session.
    pub fn notify_ready(&self) {
        self.parts()
            .link
            .send_bare(FrameType::Ready, ChannelId::SESSION);
    }

    /// Waits until the peer has said that it is [ready](Self::notify_ready); for ever, if it never does.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn peer_ready(&self) {
        let mut ready = self.parts().peer_ready.subscribe();
        if ready.wait_for(|ready| *ready).await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether the peer has begun any of the calls that it was sent and has not answered, as far as its marks tell.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.parts().calls.any_begun()
    }

    /// Closes the session now. Calls under way end. The peer reads why, unless its ring is full of
    /// what it has not read: then it only sees that we are gone.
    pub fn close(&self, why: &str) {
        self.parts().close(why);
    }

    /// Ends the session without telling the peer: for a peer that is known to be dead, so that what
    /// carries no start marker has not begun. What it had published and the reader has not read yet
    /// is lost.
    pub fn abort(&self, reason: EndReason) {
        self.parts().end_without_peer(reason);
    }

    /// Says that no thread of the peer's runs any more, if somebody knows before the transport does.
    /// What the peer had published is received; then the session ends with [`EndReason::PeerGone`].
    pub fn peer_died(&self) {
        self.parts().link.transport.peer_died();
    }

    /// Sets how long the reader polls for frames after the last one before it sleeps. With zero it
    /// sleeps at once; more than a millisecond counts as one. See
    /// [`SessionConfig::spin`](crate::SessionConfig::spin).
    pub fn set_spin(&self, bound: Duration) {
        self.parts().link.transport.set_spin(bound);
    }

    /// Waits for the session's end and says why.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn ended(&self) -> EndReason {
        self.parts().link.end.wait().await
    }

    /// Why the session ended, if it has.
    #[must_use]
    pub fn end_reason(&self) -> Option<EndReason> {
        self.parts().link.end.reason()
    }

    /// Calls of ours whose reply has not arrived.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.parts().calls.table.under_way()
    }

    /// Whether the peer has asked for no new calls.
    #[must_use]
    pub fn peer_drains(&self) -> bool {
        self.parts().peer_drains.load(Ordering::Acquire)
    }

    /// The counters now.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.parts().link.metrics.snapshot()
    }

    /// Payload bytes that were copied because they lay outside the transport's buffers.
    #[must_use]
    pub fn bytes_copied(&self) -> u64 {
        self.parts().link.encoder.copied()
    }

    /// How often the peer's executor said that it runs, where the transport can tell.
    #[must_use]
    pub fn peer_heartbeats(&self) -> Option<u32> {
        self.parts().link.transport.peer_heartbeats()
    }

    /// Waits for the next heartbeat of this side's own, and says how far one is from the other; for ever,
    /// once the session has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_heartbeat(&self) -> Duration {
        self.parts().heartbeat_sent.notified().await;
        self.parts().config.heartbeat.max(SHORTEST)
    }

    /// How full rings and slabs are, over shared memory.
    #[must_use]
    pub fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        self.parts().link.transport.link_stats()
    }

    /// The session's actor, to link to: it stops when the session ends.
    #[must_use]
    pub fn actor(&self) -> Option<ActorRef<SessionActor>> {
        match self.end_reason() {
            None => self.0.actor.get().cloned(),
            Some(_) => None,
        }
    }
}

impl CallContext {
    /// The session that the call came over, over which its handler can call back. `None` for a call from within this
    /// process, and when the session is over and nobody holds it any more.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        let session = self.calls()?.session()?;
        session.downcast().ok().map(Session)
    }
}
