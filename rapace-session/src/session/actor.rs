//! The actor of a session, which controls its lifecycle.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `Control` | reader | tell |
//! | `ReadingEnded` | reader | tell |
//! | `OpenChannel` | [`Session::open`](crate::Session::open) | ask |
//! | `Withdraw` | [`Session::withdraw`](crate::Session::withdraw) | ask |
//!
//! - SA1: however the session ends, [`Session::ended`](crate::Session::ended) returns the reason,
//!   and every wait ends. When the runtime is shut down, the actor is dropped without `on_stop`;
//!   then its destructor ends the session.
//! - SA2: a side that drains finishes the calls that have begun or wait in mailboxes, and its
//!   streams, then closes.
//! - SA3: the actor is linked to the actor of each channel that this side opened, which stops with
//!   it.
//! - SA4: the peer's frames about a channel are handled in the order in which they were sent, so
//!   after the channel's opening.

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
use crate::session::window_budget::{Share, WindowBudget};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header, Payload};
use crate::wire::handshake_error::HandshakeError;
use crate::wire::limits::MAX_CHANNELS;
use crate::wire::limits::MAX_WINDOW;
use crate::wire::text;

/// The actor of a session. It stops when the session ends.
pub struct SessionActor {
    parts: Arc<Parts>,
    /// Keeps the actor alive for as long as the session, independent of other references.
    own: Option<ActorRef<Self>>,
    handshake: Handshake,
    /// Notified when our welcome is sent.
    greeted: Option<oneshot::Sender<()>>,
    /// Notified when the peer's welcome arrives.
    ready: Option<oneshot::Sender<()>>,
    opening: HashMap<ChannelId, Opening>,
    /// The windows of the channels that the peer has open.
    windows: WindowBudget,
    heartbeat: Heartbeat,
}

/// A channel that waits for the answer of the peer.
struct Opening {
    service: String,
    place: Place,
    asker: ReplySender<Result<OpenedChannel, OpenError>>,
}

/// A control frame arrived.
pub(crate) struct Control(pub(crate) Frame);

/// The reader received its last frame.
pub(crate) struct ReadingEnded(pub(crate) EndReason);

/// A channel that the peer has opened, and the lease of its first handle.
pub(crate) struct OpenedChannel {
    pub(crate) channel: Arc<ClientChannel>,
    pub(crate) lease: Lease,
}

/// Opens a channel to a service of the peer.
pub(crate) struct OpenChannel {
    pub(crate) service: String,
    /// The encoded name.
    pub(crate) payload: Payload,
    pub(crate) place: Place,
}

/// Closes the channels that the peer has opened to a service.
pub(crate) struct Withdraw {
    pub(crate) service: String,
    /// The reason, which the peer's callers read.
    pub(crate) why: String,
}

impl SessionActor {
    pub(crate) fn new(
        parts: Arc<Parts>,
        greeted: oneshot::Sender<()>,
        ready: oneshot::Sender<()>,
    ) -> Self {
        Self {
            windows: WindowBudget::new(Share {
                call_table: parts.link.transport.call_table(),
                services: parts.config.provides.len() as u32,
            }),
            heartbeat: Heartbeat::new(&*parts.link.transport, parts.config.heartbeat),
            parts,
            own: None,
            handshake: Handshake::AwaitingHello,
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

    /// Handles a control frame after the handshake.
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
                let Some(window) = self.windows.grant(id, asked) else {
                    return self.say(FrameType::NotOpened, id, &self.windows.full());
                };
                let bytes = self.parts.request_window();
                let route = ServiceRoute::new(id, service, sink, window, bytes);
                if !self.parts.channels.add_service(route) {
                    return self.fault("a channel with a number that is not free");
                }
                self.grant(FrameType::Opened, id, window);
            }
            Err(why) => self.say(FrameType::NotOpened, id, &why),
        }
    }

    fn grant(&self, frame_type: FrameType, id: ChannelId, credits: u32) {
        let mut header = Header::new(frame_type, id);
        header.credits = credits;
        self.parts.link.outbox.send(Frame::bare(header));
    }

    /// Handles `CloseChannel`, for a channel that the peer opened or one to a service of the peer.
    fn peer_closes(&mut self, frame: &Frame) {
        let id = frame.header.channel;
        let channels = &self.parts.channels;
        if channels.ids.is_peers(id) {
            return self.close_accepted(id);
        }
        if self.opening.contains_key(&id) {
            return self.fault("a close of a channel that is not open yet");
        }
        if !channels.close_client(id, &text::reason(frame.payload.bytes())) {
            // Both sides closed it.
            self.parts.link.metrics.arrived_late();
        }
    }

    /// Closes a channel that the peer opened; its window becomes available to others.
    fn close_accepted(&mut self, id: ChannelId) {
        let Some(route) = self.parts.channels.service(id) else {
            return self.fault("a close of a channel that is not open");
        };
        if !self.parts.incoming.close_window(&route.window) {
            return self.fault("a close of a channel with calls under way");
        }
        self.parts.channels.remove_service(id);
        for (id, credits) in self.windows.release(id) {
            if let Some(route) = self.parts.channels.service(id) {
                // Before the peer can use the credits.
                self.parts.incoming.grow_window(&route.window, credits);
                self.grant(FrameType::Credit, id, credits);
            }
        }
    }

    /// Handles a `Credit` that the reader found no open channel for: one may have been opened since.
    fn window_grew(&self, header: Header) {
        let id = header.channel;
        if self.opening.contains_key(&id) {
            return self.fault("credits for a channel that is not open yet");
        }
        let channels = &self.parts.channels;
        match channels.client(id) {
            Some(channel) => channels
                .window_grew(&channel, header)
                .unwrap_or_else(|what| self.fault(what)),
            // The channel was closed.
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
                "the peer granted a window of {window}"
            ))));
            return self.fault("a channel's window that is 0 or too large");
        }
        let peer = self.parts.peer.get().cloned();
        let channel = ClientChannel::new(id, &waiting.service, window, peer);
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
        own.link(&actor).await; // SA3
        let lease = channels.add_client(&channel, actor);
        if let Err(what) = channels.check_windows() {
            waiting.asker.send(Err(OpenError::Refused(what.into())));
            return self.fault(what);
        }
        // If `open` was cancelled, the lease is dropped, and the channel is closed.
        waiting.asker.send(Ok(OpenedChannel { channel, lease }));
    }

    /// Closes the session once all calls and streams are finished (SA2).
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
            // The last call or stream is noticed only while draining; otherwise it costs nothing.
            let drains = parts.peer_drains.load(Ordering::Acquire);
            tokio::select! {
                biased;
                _ = end.wait_for(Option::is_some) => return Ok(Some(Signal::Stop)),
                () = self.heartbeat.tick() => {
                    parts.link.transport.send_heartbeat();
                    parts.link.spare_buffers.begin_period();
                    parts.heartbeat_sent.notify_waiters();
                    parts.look_at_calls();
                }
                () = parts.link.outbox.flush() => {
                    if parts.link.outbox.is_overfull() {
                        self.fault("a peer that does not read the answers to its frames");
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
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        // The reader reports why it stops, also when it panics (RD4). Actors of channels stop when their
        // channels are closed, and other linked actors do not matter.
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
        // SA1: the first reason is kept, so this one counts only if the actor was not stopped.
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
        let requires = &self.parts.config.requires;
        let bytes = frame.payload.bytes();
        match self
            .handshake
            .step(frame.header.frame_type, bytes, requires)
        {
            Step::Welcome(hello) => {
                self.parts.set_peer(hello);
                self.say(FrameType::Welcome, ChannelId::SESSION, "");
                if let Some(greeted) = self.greeted.take() {
                    // The receiver exists only if channels are opened.
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
