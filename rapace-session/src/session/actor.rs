//! The actor that owns a session's life.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Control` | reader | tell |
//! | `ReadingEnded` | reader | tell |
//! | `OpenChannel` | [`Session::open`](crate::Session::open) | ask |
//! | `Withdraw` | [`Session::withdraw`](crate::Session::withdraw) | ask |
//!
//! - L1: whichever way it ends, [`Session::ended`](crate::Session::ended) says why, and every wait
//!   in it ends. A runtime that is shut down drops the actor without a word: then its destructor sees to it.
//! - L2: a drained side finishes what it has begun, what waits in its mailboxes and its streams, then
//!   closes.
//! - L4: it is linked to the actor of each channel that this side opened, which stops with it.
//! - L5: what the peer says of a channel is dealt with in the order in which it was said, so behind the channel's opening.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kameo::Actor;
use kameo::actor::{ActorId, ActorRef, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible};
use kameo::mailbox::{self, MailboxReceiver, Signal};
use kameo::message::{Context, Message};
use kameo::reply::{DelegatedReply, ReplySender};
use tokio::sync::oneshot;

use crate::calls::credits::ClientChannel;
use crate::link::end::EndReason;
use crate::link::places::Place;
use crate::serving::service::ServiceRoute;
use crate::session::channel_actor::ChannelActor;
use crate::session::channels::Lease;
use crate::session::handshake::{Handshake, Step};
use crate::session::heartbeat::Heartbeat;
use crate::session::open_error::OpenError;
use crate::session::parts::Parts;
use crate::session::window_budget::WindowBudget;
use crate::wire::frame::{ChannelId, Frame, FrameType, Header, Payload};
use crate::wire::handshake_error::HandshakeError;
use crate::wire::limits::MAX_CHANNELS;
use crate::wire::limits::MAX_WINDOW;
use crate::wire::text;

/// The actor that owns a session's life. It stops when the session ends.
pub struct SessionActor {
    parts: Arc<Parts>,
    /// Lives as long as the session does, whoever holds references.
    own: Option<ActorRef<Self>>,
    handshake: Handshake,
    /// Told when the peer was welcomed.
    greeted: Option<oneshot::Sender<()>>,
    /// Told when the peer has welcomed us.
    ready: Option<oneshot::Sender<()>>,
    opening: HashMap<ChannelId, Opening>,
    /// Of the channels that the peer has open.
    windows: WindowBudget,
    heartbeat: Heartbeat,
}

/// A channel that the peer has not opened yet.
struct Opening {
    service: String,
    place: Place,
    asker: ReplySender<Result<OpenedChannel, OpenError>>,
}

/// A frame for the session itself.
pub(crate) struct Control(pub(crate) Frame);

/// The reader has nothing more to read.
pub(crate) struct ReadingEnded(pub(crate) EndReason);

/// A channel that the peer has opened, and the lease of its first handle.
pub(crate) struct OpenedChannel {
    pub(crate) channel: Arc<ClientChannel>,
    pub(crate) lease: Lease,
}

/// Open a channel to a service of the peer's.
pub(crate) struct OpenChannel {
    pub(crate) service: String,
    /// The name, ready to be sent.
    pub(crate) payload: Payload,
    pub(crate) place: Place,
}

/// Close the channels that the peer has opened to a service.
pub(crate) struct Withdraw {
    pub(crate) service: String,
    /// Why, for the peer's callers to read.
    pub(crate) why: String,
}

impl SessionActor {
    pub(crate) fn new(
        parts: Arc<Parts>,
        greeted: oneshot::Sender<()>,
        ready: oneshot::Sender<()>,
    ) -> Self {
        Self {
            windows: WindowBudget::new(parts.link.transport.call_table()),
            heartbeat: Heartbeat::new(&*parts.link.transport, parts.config.heartbeat),
            parts,
            own: None,
            handshake: Handshake::Silent,
            greeted: Some(greeted),
            ready: Some(ready),
            opening: HashMap::new(),
        }
    }

    fn fault(&self, what: &str) {
        self.parts.end(EndReason::PeerFault(what.into()));
    }

    fn say(&self, frame_type: FrameType, channel: ChannelId, why: &str) {
        self.parts.link.send_text(frame_type, channel, why);
    }

    /// What is none of the handshake's business.
    async fn control(&mut self, frame: &Frame) {
        let bytes = frame.payload.bytes();
        match frame.header.frame_type {
            FrameType::Refuse => {
                let why = HandshakeError::RefusedByPeer(text::reason(bytes));
                self.parts.end(EndReason::Refused(why));
            }
            FrameType::Open => self.accept(frame.header.channel, &text::short_text(bytes)),
            FrameType::Opened => self.opened(frame).await,
            FrameType::NotOpened => {
                let id = frame.header.channel;
                let Some(waiting) = self.opening.remove(&id) else {
                    return self.fault("an answer to no opening");
                };
                self.parts.channels.ids.release(id);
                let why = OpenError::Refused(text::reason(bytes));
                waiting.asker.send(Err(why));
            }
            FrameType::Credit => self.window_grew(frame.header),
            FrameType::Drain => {
                self.parts.peer_drains.store(true, Ordering::Release);
                self.close_if_drained();
            }
            FrameType::Ready => {
                self.parts.peer_ready.send_replace(true);
            }
            FrameType::CloseChannel => self.peer_closes(frame),
            FrameType::Close => self
                .parts
                .end(EndReason::ClosedByPeer(text::short_text(bytes))),
            _ => {}
        }
    }

    fn accept(&mut self, id: ChannelId, service: &str) {
        if !self.parts.channels.ids.is_free_for_peer(id) {
            return self.fault("a channel with a number that is not free");
        }
        if self.windows.channels() >= MAX_CHANNELS as usize {
            let why = format!("over {MAX_CHANNELS} channels in one session");
            return self.say(FrameType::NotOpened, id, &why);
        }
        match self.parts.config.resolver.resolve(service) {
            Ok((_, 0)) => {
                let why = format!("service `{service}` has a mailbox of capacity 0");
                self.say(FrameType::NotOpened, id, &why);
            }
            Ok((sink, asked)) => {
                let window = self.windows.grant(id, asked);
                let route = ServiceRoute::new(id, service, sink, window);
                if !self.parts.channels.add_service(route) {
                    return self.fault("a channel with a number that is not free");
                }
                self.grant(FrameType::Opened, id, window);
            }
            Err(why) => self.say(FrameType::NotOpened, id, &why),
        }
    }

    fn grant(&self, verb: FrameType, id: ChannelId, credits: u32) {
        let mut header = Header::new(verb, id);
        header.credits = credits;
        self.parts.link.outbox.send(Frame::bare(header));
    }

    /// The peer closes a channel that it opened, or one to a service of its own.
    fn peer_closes(&mut self, frame: &Frame) {
        let id = frame.header.channel;
        let channels = &self.parts.channels;
        if channels.ids.is_peers(id) {
            return self.close_accepted(id);
        }
        if self.opening.contains_key(&id) {
            return self.fault("it closes a channel that it has not opened");
        }
        if !channels.close_client(id, &text::reason(frame.payload.bytes())) {
            // Both sides have closed it.
            self.parts.link.metrics.arrived_late();
        }
    }

    /// The peer gives a channel up: its window can be granted to others.
    fn close_accepted(&mut self, id: ChannelId) {
        let Some(route) = self.parts.channels.service(id) else {
            return self.fault("it closes a channel that is not open");
        };
        if !self.parts.incoming.close_window(&route.window) {
            return self.fault("it closes a channel with calls under way");
        }
        self.parts.channels.remove_service(id);
        for (id, credits) in self.windows.release(id) {
            if let Some(route) = self.parts.channels.service(id) {
                // Before the peer can know of it.
                self.parts.incoming.grow_window(&route.window, credits);
                self.grant(FrameType::Credit, id, credits);
            }
        }
    }

    /// The peer grants a channel that this side opened a larger window.
    fn window_grew(&self, header: Header) {
        let id = header.channel;
        if self.opening.contains_key(&id) {
            return self.fault("credits for a channel that it has not opened");
        }
        match self.parts.channels.client(id) {
            Some(channel) if channel.grow(header.credits) => {}
            Some(_) => self.fault("a channel's window that is too large"),
            // It was closed.
            None => self.parts.link.metrics.arrived_late(),
        }
    }

    async fn opened(&mut self, frame: &Frame) {
        let id = frame.header.channel;
        let Some(waiting) = self.opening.remove(&id) else {
            return self.fault("an answer to no opening");
        };
        let window = frame.header.credits;
        if !(1..=MAX_WINDOW).contains(&window) {
            self.parts.channels.ids.release(id);
            waiting.asker.send(Err(OpenError::Refused(format!(
                "it was granted a window of {window}"
            ))));
            return self.fault("a channel's window that is 0 or too large");
        }
        let channel = ClientChannel::new(id, &waiting.service, window);
        let channel = channel.to(self.parts.peer.get().cloned());
        let channel = Arc::new(channel.at(waiting.place));
        let Some(own) = &self.own else {
            return;
        };
        let channels = &self.parts.channels;
        let registry = Arc::clone(channels);
        let actor = ChannelActor::spawn_with_mailbox(
            ChannelActor::new(&channel, own.id(), move || registry.give_up(id)),
            // A channel is closed once.
            mailbox::unbounded(),
        );
        own.link(&actor).await; // L4
        let lease = channels.add_client(&channel, actor);
        // If nobody waits for it any more, the lease is dropped, and so the channel is closed.
        waiting.asker.send(Ok(OpenedChannel { channel, lease }));
    }

    /// Closes once everything that was begun or waits is finished (L2).
    fn close_if_drained(&self) {
        if self.parts.peer_drains.load(Ordering::Acquire)
            && self.parts.incoming.is_idle()
            && self.parts.streams.open_count() == 0
            && self.parts.link.outbox.is_empty()
        {
            self.parts.close("drained");
        }
    }
}

impl Actor for SessionActor {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(mut args: Self, actor: ActorRef<Self>) -> Result<Self, Infallible> {
        args.own = Some(actor);
        Ok(args)
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, Infallible> {
        let parts = Arc::clone(&self.parts);
        let mut end = parts.link.end.watch();
        loop {
            // Nobody else is told of the last call or stream that ends: it costs nothing until then.
            let drains = parts.peer_drains.load(Ordering::Acquire);
            tokio::select! {
                biased;
                _ = end.wait_for(Option::is_some) => return Ok(Some(Signal::Stop)),
                () = self.heartbeat.tick() => {
                    parts.link.transport.send_heartbeat();
                    parts.heartbeat_sent.notify_waiters();
                }
                () = parts.link.outbox.flush() => {
                    if parts.link.outbox.is_overfull() {
                        self.fault("it asks for answers and does not read them");
                    }
                    self.close_if_drained();
                }
                () = parts.incoming.idle(), if drains => self.close_if_drained(),
                () = parts.streams.idle.notified(), if drains => self.close_if_drained(),
                signal = mailbox.recv() => return Ok(signal),
            }
        }
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorId,
        reason: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        // The reader stops only at the session's end; if it did not say so, it panicked. Channels
        // are closed, and others that were linked are nothing to us.
        if let ActorStopReason::Panicked(error) = reason {
            let why = format!("the reader panicked: {error}");
            self.parts.end(EndReason::Internal(why));
        }
        Ok(ControlFlow::Continue(()))
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        reason: ActorStopReason,
    ) -> Result<(), Infallible> {
        match reason {
            ActorStopReason::Panicked(error) => {
                let why = format!("the session's actor panicked: {error}");
                self.parts.end(EndReason::Internal(why));
            }
            _ => self.parts.close("stopped"),
        }
        self.own = None;
        let reason = self.parts.link.end.reason().unwrap_or(EndReason::Closed);
        for (_, waiting) in self.opening.drain() {
            waiting.asker.send(Err(OpenError::Ended(reason.clone())));
        }
        self.greeted = None;
        self.ready = None;
        Ok(())
    }
}

impl Drop for SessionActor {
    fn drop(&mut self) {
        // L1: the first reason stays, so this is one only if the actor was not stopped.
        self.parts.end(EndReason::RuntimeGone);
    }
}

impl Message<OpenChannel> for SessionActor {
    type Reply = DelegatedReply<Result<OpenedChannel, OpenError>>;

    async fn handle(
        &mut self,
        msg: OpenChannel,
        ctx: &mut Context<Self, Self::Reply>,
    ) -> Self::Reply {
        let (delegated, asker) = ctx.reply_sender();
        if let Some(asker) = asker {
            let id = self.parts.channels.ids.take_next();
            let opening = Opening {
                service: msg.service,
                place: msg.place,
                asker,
            };
            self.opening.insert(id, opening);
            let mut frame = Frame::bare(Header::new(FrameType::Open, id));
            frame.payload = msg.payload;
            self.parts.link.outbox.send(frame);
        }
        delegated
    }
}

impl Message<Control> for SessionActor {
    type Reply = ();

    async fn handle(&mut self, Control(frame): Control, _: &mut Context<Self, ()>) {
        if self.parts.link.end.is_settled() {
            return;
        }
        let expects = &self.parts.config.expects;
        let bytes = frame.payload.bytes();
        match self.handshake.step(frame.header.frame_type, bytes, expects) {
            Step::Welcome(hello) => {
                self.parts.set_peer(hello);
                self.say(FrameType::Welcome, ChannelId::SESSION, "");
                if let Some(greeted) = self.greeted.take() {
                    // Not everybody opens channels.
                    let _ = greeted.send(());
                }
            }
            Step::Refuse(why) => self.parts.refuse(why),
            Step::Ready => {
                if let Some(ready) = self.ready.take() {
                    let _ = ready.send(());
                }
            }
            Step::Fault(what) => self.fault(what),
            Step::NotMine => self.control(&frame).await,
        }
    }
}

impl Message<Withdraw> for SessionActor {
    type Reply = usize;

    async fn handle(&mut self, msg: Withdraw, _: &mut Context<Self, usize>) -> usize {
        let mut withdrawn = 0;
        for route in self.parts.channels.to_service(&msg.service) {
            if self.parts.incoming.withdraw_window(&route.window, &msg.why) {
                self.windows.withdraw(route.id());
                self.say(FrameType::CloseChannel, route.id(), &msg.why);
                withdrawn += 1;
            }
        }
        withdrawn
    }
}

impl Message<ReadingEnded> for SessionActor {
    type Reply = ();

    async fn handle(&mut self, ReadingEnded(why): ReadingEnded, _: &mut Context<Self, ()>) {
        self.parts.end(why);
    }
}
