//! The actor of a channel that this side opened.
//!
//! | state | calls | next |
//! |---|---|---|
//! | open | are made | draining, when it is closed |
//! | draining | those under way finish, new ones fail | closed, when the last is over |
//! | closed | none | |
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Close` | the last handle that is dropped, [`Channel::close`](crate::Channel::close), the peer | tell |
//!
//! - J1: a call passes by the actor: its credit is taken and given back where the call is made and answered. What changes
//!   calls, such as a close, is in force before the actor is told.
//! - J2: it is linked to its session, and stops when that ends. Others may link to it: it stops when the channel is closed.
//! - J3: the peer is told that the channel is closed when no call is under way on it; the place and the number of the channel
//!   are free from then on.
//! - J4: a channel whose actor is stopped by somebody is closed. One whose actor is killed makes no calls any more, and keeps
//!   its place as long as the session.

use std::ops::ControlFlow;
use std::sync::Arc;

use kameo::Actor;
use kameo::actor::{ActorId, ActorRef, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox::{MailboxReceiver, Signal};
use kameo::message::{Context, Message};

use crate::calls::credits::{ClientChannel, Drain};

/// The actor of a channel that this side opened. It stops when the channel is closed, by either side, or the session ends.
pub struct ChannelActor {
    channel: Arc<ClientChannel>,
    session: ActorId,
    /// Tells the peer and removes the channel (J3).
    on_drained: Option<Box<dyn FnOnce() + Send>>,
    state: State,
}

enum State {
    Open,
    Draining(Drain),
    Closed,
}

/// The channel was closed, and has to be drained.
pub(crate) struct Close(pub(crate) Drain);

impl ChannelActor {
    pub(crate) fn new(
        channel: &Arc<ClientChannel>,
        session: ActorId,
        on_drained: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self {
            channel: Arc::clone(channel),
            session,
            on_drained: Some(Box::new(on_drained)),
            state: State::Open,
        }
    }

    /// J3
    fn drained(&mut self, drained: bool) {
        if drained && let Some(on_drained) = self.on_drained.take() {
            on_drained();
        }
        self.state = State::Closed;
    }
}

impl State {
    /// Waits until the last call is over, once the channel is closed.
    async fn drained(&mut self) -> bool {
        match self {
            Self::Draining(drain) => drain.drained().await,
            Self::Open | Self::Closed => std::future::pending().await,
        }
    }
}

impl Actor for ChannelActor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        tokio::select! {
            biased;
            drained = self.state.drained() => {
                self.drained(drained);
                Ok(Some(Signal::Stop))
            }
            signal = mailbox.recv() => Ok(signal),
        }
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        id: ActorId,
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        if id != self.session {
            return Ok(ControlFlow::Continue(()));
        }
        // J2. Its end ends the calls.
        self.state = State::Closed;
        Ok(ControlFlow::Break(ActorStopReason::Normal))
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorStopReason,
    ) -> Result<(), Infallible> {
        if !matches!(self.state, State::Closed) {
            // J4
            self.channel.close("its actor was stopped");
            let drained = self.channel.drain().drained().await;
            self.drained(drained);
        }
        Ok(())
    }
}

impl Drop for ChannelActor {
    fn drop(&mut self) {
        if !matches!(self.state, State::Closed) {
            self.channel.end(); // J4
        }
    }
}

impl Message<Close> for ChannelActor {
    type Reply = ();

    async fn handle(&mut self, Close(drain): Close, _: &mut Context<Self, ()>) {
        self.state = State::Draining(drain);
    }
}
