//! The reader actor: receives frames from the transport and routes each to its destination.
//!
//! - RD1: the reader waits for frames only, never for a mailbox.
//! - RD2: a fault of the peer ends the session; a fault in an item ends only the stream.
//! - RD3: after the peer's death, all frames that it had published are routed before the session
//!   ends.
//! - RD4: a reader that panics, or is dropped with its runtime, ends the session before it drops
//!   the link. Otherwise the peer would see a hang-up without a reason.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;

use kameo::Actor;
use kameo::actor::{ActorRef, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox::{MailboxReceiver, Signal};

use crate::link::end::EndReason;
use crate::session::actor::{ReadingEnded, SessionActor};
use crate::session::dispatch::{Routing, dispatch};
use crate::session::handle::Session;
use crate::session::parts::Parts;
use crate::transport::{Disconnected, Incoming};
use crate::wire::frame::Frame;

/// Most frames that are received before the reader yields.
const BATCH: usize = 64;

/// The reader actor.
pub(crate) struct ReaderActor {
    incoming: Box<dyn Incoming>,
    parts: Arc<Parts>,
    actor: ActorRef<SessionActor>,
    /// Keeps the session alive for the contexts of incoming calls.
    _session: Session,
    batch: Vec<Frame>,
    routing: Routing,
    /// Whether the end of reading has been reported (RD4).
    reported: bool,
    /// Keeps the mailbox open, since the reader stops only when the session ends.
    _own: ActorRef<Self>,
}

/// The arguments of the reader.
pub(crate) struct ReaderArgs {
    pub(crate) incoming: Box<dyn Incoming>,
    pub(crate) session: Session,
    pub(crate) actor: ActorRef<SessionActor>,
}

impl Actor for ReaderActor {
    type Args = ReaderArgs;
    type Error = Infallible;

    async fn on_start(args: ReaderArgs, own: ActorRef<Self>) -> Result<Self, Infallible> {
        let parts = Arc::clone(args.session.parts());
        Ok(Self {
            incoming: args.incoming,
            routing: Routing::new(
                parts.config.fragment_window_bytes,
                Arc::clone(&parts.link.spare_buffers),
            ),
            parts,
            actor: args.actor,
            _session: args.session,
            batch: Vec::with_capacity(BATCH),
            reported: false,
            _own: own,
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        // After the first poll has registered the waker, the mailbox is polled only when it has a
        // message.
        let mut polled = false;
        loop {
            // Not part of the event: a signal is large, and few events are signals.
            let mut signal = Some(Signal::Stop);
            let event = std::future::poll_fn(|cx| {
                if self.parts.link.end.poll_published(cx) {
                    return Poll::Ready(Event::Signal);
                }
                if (!std::mem::replace(&mut polled, true) || !mailbox.is_empty())
                    && let Poll::Ready(received) = mailbox.poll_recv(cx)
                {
                    signal = received;
                    return Poll::Ready(Event::Signal);
                }
                self.incoming
                    .poll_recv(cx, &mut self.batch, BATCH)
                    .map(|read| Event::Frames(read.err()))
            });
            let gone = match event.await {
                Event::Signal => return Ok(signal),
                Event::Frames(gone) => gone,
            };
            let routed = self.route_batch(); // RD3
            let reason = match (routed, gone) {
                (ControlFlow::Break(what), _) => EndReason::PeerFault(what.into()),
                (_, Some(Disconnected::Fault(what))) => EndReason::PeerFault(what),
                (_, Some(Disconnected::PeerGone)) => EndReason::PeerGone,
                (_, Some(Disconnected::Closed)) => EndReason::Closed,
                (_, Some(Disconnected::RuntimeGone)) => EndReason::RuntimeGone,
                (ControlFlow::Continue(()), None) => {
                    tokio::task::coop::consume_budget().await;
                    continue;
                }
            };
            self.over(reason);
            return Ok(Some(Signal::Stop));
        }
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        reason: ActorStopReason,
    ) -> Result<(), Infallible> {
        if let ActorStopReason::Panicked(error) = reason {
            let why = format!("the reader panicked: {error}");
            self.parts.end(EndReason::Internal(why));
        }
        self.reported = true;
        Ok(())
    }
}

impl Drop for ReaderActor {
    fn drop(&mut self) {
        if !self.reported {
            // The first reason is kept, so this has no effect on a session that is over.
            self.parts.end(EndReason::RuntimeGone);
        }
    }
}

/// An event that wakes the reader.
enum Event {
    Signal,
    /// Frames were received; `Some` if no more will arrive.
    Frames(Option<Disconnected>),
}

impl ReaderActor {
    /// Has the session actor end the session, after the control frames in its mailbox: a reason
    /// that the peer sent in its last frame takes precedence.
    fn over(&mut self, reason: EndReason) {
        self.reported = true;
        let sent = self.actor.tell(ReadingEnded(reason.clone())).try_send();
        if sent.is_err() {
            self.parts.end(reason);
        }
    }

    /// Routes the received frames, up to the first one that breaks a rule.
    fn route_batch(&mut self) -> ControlFlow<&'static str> {
        self.parts.link.metrics.received(&self.batch);
        for frame in self.batch.drain(..) {
            if let Err(what) = dispatch(&self.parts, &self.actor, &mut self.routing, frame) {
                return ControlFlow::Break(what);
            }
        }
        ControlFlow::Continue(())
    }
}
