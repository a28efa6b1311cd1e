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
use crate::session::wait::Wait;
use crate::transport::Lane;
use crate::wire::frame::{ChannelId, FrameType};
use crate::wire::hello::Hello;

/// One end of an established session. Cheap to clone.
///
/// The session lives until either side closes it or the peer dies, independent of its handles.
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

    /// Records the actor that was started for the session.
    pub(crate) fn set_actor(&self, actor: ActorRef<SessionActor>) {
        // One actor is started for each session.
        let _ = self.0.actor.set(actor);
    }

    /// The peer's hello.
    #[must_use]
    pub fn peer(&self) -> Option<&Hello> {
        self.parts().peer.get().map(Arc::as_ref)
    }

    /// Allocates a buffer of `len` bytes for a request, which is sent without a copy.
    ///
    /// The buffer contains zeroes, or old bytes of this side. When all slots that are large enough are
    /// in use, and when the session has ended, it lies on the heap; a segment can be configured to wait
    /// or fail instead ([`OnExhaustion`](rapace_shm::OnExhaustion)).
    ///
    /// # Cancel safety
    /// Dropping the future allocates nothing, and gives up its place in the queue.
    ///
    /// # Errors
    /// See [`BufferError`]: the buffer is too large to be sent, or the process is out of memory.
    pub async fn allocate(&self, len: usize) -> Result<BlobMut, BufferError> {
        self.parts().link.allocate(len, Lane::Data).await
    }

    /// Allocates a buffer as [`allocate`](Self::allocate) does, for a reply, which may use the
    /// reserved capacity.
    ///
    /// # Errors
    /// As for [`allocate`](Self::allocate).
    pub async fn allocate_for_reply(&self, len: usize) -> Result<BlobMut, BufferError> {
        self.parts().link.allocate(len, Lane::Priority).await
    }

    /// Tells the peer that this side makes no new calls. The peer finishes its calls and streams,
    /// then closes the session.
    pub fn drain(&self) {
        self.parts()
            .link
            .send_bare(FrameType::Drain, ChannelId::SESSION);
    }

    /// Closes every channel that the peer has opened to a service of this side, with a reason for
    /// the peer. Calls that have arrived are handled. Later calls over these channels fail with
    /// [`RemoteError::Unavailable`](crate::RemoteError::Unavailable), and never begin. Returns how
    /// many channels it closed.
    ///
    /// The peer can open new channels, unless
    /// [`SessionConfig::resolver`](crate::SessionConfig::resolver) refuses them.
    ///
    /// # Cancel safety
    /// If the future is dropped, the channels may or may not be closed.
    pub async fn withdraw(&self, service: &str, why: &str) -> usize {
        let Some(actor) = self.actor() else {
            return 0; // The session's end closed all channels.
        };
        let withdraw = Withdraw {
            service: service.to_owned(),
            why: why.to_owned(),
        };
        actor.ask(withdraw).await.unwrap_or_default()
    }

    /// Tells the peer that this side is ready: it has set up everything that it needs besides the
    /// session.
    pub fn notify_ready(&self) {
        self.parts()
            .link
            .send_bare(FrameType::Ready, ChannelId::SESSION);
    }

    /// Waits until the peer says that it is [ready](Self::notify_ready); for ever, if it never
    /// does.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn peer_ready(&self) {
        let mut ready = self.parts().peer_ready.subscribe();
        if ready.wait_for(|ready| *ready).await.is_err() {
            std::future::pending().await
        }
    }

    /// Whether the peer has begun any call that it has not answered, as far as its start markers
    /// tell.
    #[must_use]
    pub fn is_served(&self) -> bool {
        self.parts().calls.any_begun()
    }

    /// Closes the session now. Calls under way end. The peer gets the reason, unless its ring is
    /// full: then it only sees that this side is gone.
    pub fn close(&self, why: &str) {
        self.parts().close(why);
    }

    /// Ends the session without telling the peer. For a peer that is known to be dead, so that a
    /// call without start marker has not begun. Frames that the reader has not received yet are
    /// lost.
    pub fn abort(&self, reason: EndReason) {
        self.parts().end_without_peer(reason);
    }

    /// Tells the session that no thread of the peer runs any more, for callers that know before the
    /// transport does. The frames that the peer had published are received; then the session ends
    /// with [`EndReason::PeerGone`].
    pub fn peer_died(&self) {
        self.parts().link.transport.peer_died();
    }

    /// Sets how long the reader polls for frames after the last one before it sleeps. With zero it
    /// sleeps at once; more than a millisecond counts as one. See
    /// [`SessionConfig::spin`](crate::SessionConfig::spin).
    pub fn set_spin(&self, bound: Duration) {
        self.parts().link.transport.set_spin(bound);
    }

    /// Waits for the session's end, and returns the reason.
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

    /// The number of calls of this side that have no reply yet.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.parts().calls.table.under_way()
    }

    /// Returns what has waited for a second or longer on this side, the longest wait first: calls, streams, replies
    /// and allocations, with what they wait for and who has it. What waits for the same is one entry with a number.
    ///
    /// This looks at all calls under way. Call it for a diagnosis, not for each request.
    #[must_use]
    pub fn waiting(&self) -> Vec<Wait> {
        self.parts().waiting()
    }

    /// Whether the peer has asked this side to drain.
    #[must_use]
    pub fn peer_drains(&self) -> bool {
        self.parts().peer_drains.load(Ordering::Acquire)
    }

    /// Returns the current values of the counters.
    #[must_use]
    pub fn metrics(&self) -> MetricsSnapshot {
        self.parts().link.metrics.snapshot()
    }

    /// Payload bytes that were copied because they lay outside the transport's buffers.
    #[must_use]
    pub fn bytes_copied(&self) -> u64 {
        self.parts().link.encoder.copied()
    }

    /// The number of heartbeats that the peer has sent; `None` if the transport has none.
    #[must_use]
    pub fn peer_heartbeats(&self) -> Option<u32> {
        self.parts().link.transport.peer_heartbeats()
    }

    /// Waits for the next heartbeat of this side, and returns the period of the heartbeats. Never
    /// returns after the session's end.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn next_heartbeat(&self) -> Duration {
        self.parts().heartbeat_sent.notified().await;
        self.parts().config.heartbeat.max(SHORTEST)
    }

    /// Usage of rings and slabs, over shared memory.
    #[must_use]
    pub fn link_stats(&self) -> Option<rapace_shm::LinkStats> {
        self.parts().link.transport.link_stats()
    }

    /// The session's actor, for linking: it stops when the session ends.
    #[must_use]
    pub fn actor(&self) -> Option<ActorRef<SessionActor>> {
        match self.end_reason() {
            None => self.0.actor.get().cloned(),
            Some(_) => None,
        }
    }
}

impl CallContext {
    /// The session that the call came over, which its handler can use to call back. `None` for a
    /// call within this process, and when the session is over and was dropped.
    #[must_use]
    pub fn session(&self) -> Option<Session> {
        let session = self.calls()?.session()?;
        session.downcast().ok().map(Session)
    }
}
