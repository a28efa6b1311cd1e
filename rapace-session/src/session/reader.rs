//! The reader actor: drains the transport and puts each frame where it belongs.
//!
//! - R1: the reader never waits for a mailbox, nor for anything but frames.
//! - R2: what the peer gets wrong ends the session; if it is an item of a stream's, the stream.
//! - R3: after the peer's death everything it had published is routed before the session ends.
//! - R4: a reader that panics, or is dropped with its runtime, ends the session before it lets go of the link:
//!   otherwise the peer would see a hang-up without a word.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;

use kameo::Actor;
use kameo::actor::{ActorRef, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox::{MailboxReceiver, Signal};

use crate::link::end::EndReason;
use crate::session::actor::{ReadingEnded, SessionActor};
use crate::session::dispatch::{LastCalled, dispatch};
use crate::session::handle::Session;
use crate::session::parts::Parts;
use crate::transport::{Disconnected, Incoming};
use crate::wire::frame::Frame;

/// Frames taken before others get a turn.
const BATCH: usize = 64;

/// The actor.
pub(crate) struct ReaderActor {
    incoming: Box<dyn Incoming>,
    parts: Arc<Parts>,
    actor: ActorRef<SessionActor>,
    /// Held for the contexts of incoming calls, which lead to the session.
    _session: Session,
    batch: Vec<Frame>,
    called: LastCalled,
    /// Why reading ended has been said (R4).
    told: bool,
    /// Keeps the mailbox open: the reader stops when the session ends, whoever knows it.
    _own: ActorRef<Self>,
}

/// What a reader starts with.
pub(crate) struct ReaderArgs {
    pub(crate) incoming: Box<dyn Incoming>,
    pub(crate) session: Session,
    pub(crate) actor: ActorRef<SessionActor>,
}

impl Actor for ReaderActor {
    type Args = ReaderArgs;
    type Error = Infallible;

    async fn on_start(args: ReaderArgs, own: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self {
            incoming: args.incoming,
            parts: Arc::clone(args.session.parts()),
            actor: args.actor,
            _session: args.session,
            batch: Vec::with_capacity(BATCH),
            called: LastCalled::default(),
            told: false,
            _own: own,
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        // Once its waker is in the mailbox, a mailbox is asked again when something is in it.
        let mut asked = false;
        loop {
            let heard = std::future::poll_fn(|cx| {
                if self.parts.link.end.poll_published(cx) {
                    return Poll::Ready(Heard::Signal(Some(Signal::Stop)));
                }
                if (!std::mem::replace(&mut asked, true) || !mailbox.is_empty())
                    && let Poll::Ready(signal) = mailbox.poll_recv(cx)
                {
                    return Poll::Ready(Heard::Signal(signal));
                }
                self.incoming
                    .poll_recv(cx, &mut self.batch, BATCH)
                    .map(|read| Heard::Frames(read.err()))
            });
            let gone = match heard.await {
                Heard::Signal(signal) => return Ok(signal),
                Heard::Frames(gone) => gone,
            };
            let routed = self.route_batch(); // R3
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
        self.told = true;
        Ok(())
    }
}

impl Drop for ReaderActor {
    fn drop(&mut self) {
        if !self.told {
            // The first reason stays: of a session that is over this changes nothing.
            self.parts.end(EndReason::RuntimeGone);
        }
    }
}

/// What wakes a reader.
enum Heard {
    Signal(Option<Signal<ReaderActor>>),
    /// Some were read, unless there will be no more.
    Frames(Option<Disconnected>),
}

impl ReaderActor {
    /// Lets the session actor end the session, behind the frames that it was told of before: what the
    /// peer said last is why it ended.
    fn over(&mut self, reason: EndReason) {
        self.told = true;
        let told = self.actor.tell(ReadingEnded(reason.clone())).try_send();
        if told.is_err() {
            self.parts.end(reason);
        }
    }

    /// Routes what was read, up to the first frame that breaks a rule.
    fn route_batch(&mut self) -> ControlFlow<&'static str> {
        self.parts.link.metrics.received(&self.batch);
        for frame in self.batch.drain(..) {
            if let Err(what) = dispatch(&self.parts, &self.actor, &mut self.called, frame) {
                return ControlFlow::Break(what);
            }
        }
        ControlFlow::Continue(())
    }
}
