//! What every part of one session can reach: the transport, the tables, the routes, the end.
//!
//! - D1: a route is never replaced: a number is used again only when its route is gone.
//! - D2: a route that is installed after the session's end learns of it like all others.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Context;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use futures_util::task::AtomicWaker;
use kameo::actor::ActorRef;
use tokio::sync::{Notify, watch};

use crate::calls::credits::ClientChannel;
use crate::calls::stage::Effect;
use crate::calls::table::CallTable;
use crate::link::metrics::Metrics;
use crate::link::outbox::Outbox;
use crate::link::places::{Place, Places};
use crate::link::seal::Packer;
use crate::serving::{IncomingTable, ServiceRoute};
use crate::session::SessionActor;
use crate::session::config::SessionConfig;
use crate::session::lease::LeftChannel;
use crate::streams::{SessionEnded, StreamParts, StreamRoute};
use crate::transport::{Lane, Side, Transport};
use crate::wire::error::EndReason;
use crate::wire::frame::{CallId, ChannelId, Frame, Header, INLINE_MAX, Payload, Verb};
use crate::wire::hello::Hello;
use crate::wire::limits::{MAX_CHANNELS, MAX_STREAMS, MAX_TEXT};

/// Where the frames of a channel go.
#[derive(Clone)]
pub(crate) enum Route {
    /// The peer's calls, to a service of ours.
    Service(Arc<ServiceRoute>),
    /// A stream, to its actor.
    Stream(Arc<StreamRoute>),
    /// A channel that we opened.
    Client(Arc<ClientChannel>),
}

/// One session's common ground.
pub(crate) struct Shared {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) packer: Packer,
    pub(crate) outbox: Outbox,
    pub(crate) config: SessionConfig,
    pub(crate) calls: CallTable,
    pub(crate) incoming: IncomingTable,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) peer: OnceLock<Arc<Hello>>,
    /// The peer asked for no new calls.
    pub(crate) peer_drains: AtomicBool,
    /// The peer has said that all it has besides the session is set up.
    pub(crate) peer_settled: watch::Sender<bool>,
    /// Told at each heartbeat of this side's.
    pub(crate) beaten: Notify,
    routes: DashMap<ChannelId, Route>,
    streams: AtomicU32,
    /// Of these, those that the peer opened.
    peer_streams: AtomicU32,
    /// For channels that we open.
    pub(crate) channels: Arc<Places>,
    /// For streams that we open.
    pub(crate) stream_places: Arc<Places>,
    /// Channels that nobody on this side holds any more, for the session's actor to close.
    left: Mutex<Vec<LeftChannel>>,
    pub(crate) channel_left: Notify,
    next_channel: AtomicU32,
    side: Side,
    /// Why the session ends, as soon as that is settled.
    reason: OnceLock<EndReason>,
    /// The same, told to everybody.
    end: watch::Sender<Option<EndReason>>,
    /// The same, for the reader, which asks often.
    over: AtomicBool,
    /// Wakes the reader when the session is over.
    reader: AtomicWaker,
    actor: Mutex<Option<ActorRef<SessionActor>>>,
}

/// Parts of the routes that are locked on their own. As many as DashMap takes by default on a machine of
/// two processors; it would read files to find out how many there are, at each start of a plugin.
const SHARDS: usize = 8;

impl Shared {
    pub(crate) fn new(transport: Arc<dyn Transport>, side: Side, config: SessionConfig) -> Self {
        let table = transport.call_table();
        Self {
            packer: Packer::new(Arc::clone(&transport)),
            outbox: Outbox::new(Arc::clone(&transport)),
            calls: CallTable::new(table),
            incoming: IncomingTable::new(table),
            metrics: Arc::clone(&config.metrics),
            peer: OnceLock::new(),
            peer_drains: AtomicBool::new(false),
            peer_settled: watch::Sender::new(false),
            beaten: Notify::new(),
            routes: DashMap::with_shard_amount(SHARDS),
            streams: AtomicU32::new(0),
            peer_streams: AtomicU32::new(0),
            channels: Places::new(MAX_CHANNELS),
            stream_places: Places::new(MAX_STREAMS),
            left: Mutex::default(),
            channel_left: Notify::new(),
            next_channel: AtomicU32::new(match side {
                Side::Creator => 1,
                Side::Joiner => 2,
            }),
            side,
            reason: OnceLock::new(),
            end: watch::Sender::new(None),
            over: AtomicBool::new(false),
            reader: AtomicWaker::new(),
            actor: Mutex::default(),
            transport,
            config,
        }
    }

    /// Why the session ended, if it has.
    pub(crate) fn ended(&self) -> Option<EndReason> {
        self.reason.get().cloned()
    }

    pub(crate) fn watch_end(&self) -> watch::Receiver<Option<EndReason>> {
        self.end.subscribe()
    }

    /// Settles why the session ends; false if that was settled already.
    pub(crate) fn settle_end(&self, reason: &EndReason) -> bool {
        self.reason.set(reason.clone()).is_ok()
    }

    /// Tells everybody who watches that the session is over.
    pub(crate) fn publish_end(&self, reason: &EndReason) {
        self.end.send_replace(Some(reason.clone()));
        self.over.store(true, Ordering::Release);
        self.reader.wake();
    }

    /// Whether the session is over; if not, the reader's task is woken when it is.
    pub(crate) fn reader_is_done(&self, cx: &Context<'_>) -> bool {
        // In this order, so that an end between the two is not missed.
        self.reader.register(cx.waker());
        self.over.load(Ordering::Acquire)
    }

    pub(crate) fn actor(&self) -> Option<ActorRef<SessionActor>> {
        let actor = self.actor.lock().unwrap_or_else(PoisonError::into_inner);
        actor.clone()
    }

    pub(crate) fn set_actor(&self, actor: Option<ActorRef<SessionActor>>) {
        *self.actor.lock().unwrap_or_else(PoisonError::into_inner) = actor;
    }

    /// A number that this side has not used; the parity says who chose it.
    pub(crate) fn next_channel(&self) -> ChannelId {
        loop {
            let id = ChannelId(self.next_channel.fetch_add(2, Ordering::Relaxed));
            if id != ChannelId::SESSION && !self.routes.contains_key(&id) {
                return id;
            }
        }
    }

    /// Whether the peer may choose this number for a channel that it opens.
    pub(crate) fn is_peers(&self, id: ChannelId) -> bool {
        let odd = id.0 % 2 == 1;
        id != ChannelId::SESSION && odd == (self.side == Side::Joiner)
    }

    pub(crate) fn route(&self, id: ChannelId) -> Option<Route> {
        self.routes.get(&id).map(|route| route.clone())
    }

    /// Whether the peer may open a channel with this number.
    pub(crate) fn is_free_for_peer(&self, id: ChannelId) -> bool {
        self.is_peers(id) && !self.routes.contains_key(&id)
    }

    /// Installs a route; false if the number is in use (D1).
    pub(crate) fn install(&self, id: ChannelId, route: Route) -> bool {
        match self.routes.entry(id) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(vacant) => drop(vacant.insert(route.clone())),
        }
        if let Some(reason) = self.ended() {
            tell_end(&route, &reason); // D2
        }
        true
    }

    pub(crate) fn install_stream(&self, id: ChannelId, route: &Arc<StreamRoute>) {
        self.metrics.stream_opened();
        self.streams.fetch_add(1, Ordering::AcqRel);
        if self.is_peers(id) {
            self.peer_streams.fetch_add(1, Ordering::AcqRel);
        }
        if !self.install(id, Route::Stream(Arc::clone(route))) {
            // Two sides never choose the same number, and neither chooses one in use.
            let reason = EndReason::Internal(format!("channel {id} was opened twice"));
            tell_end(&Route::Stream(Arc::clone(route)), &reason);
        }
    }

    pub(crate) fn close_stream(&self, id: ChannelId) {
        let removed = self
            .routes
            .remove_if(&id, |_, route| matches!(route, Route::Stream(_)));
        let Some((_, Route::Stream(stream))) = removed else {
            return;
        };
        stream.leave_place();
        if self.is_peers(id) {
            self.peer_streams.fetch_sub(1, Ordering::AcqRel);
        }
        if self.streams.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.incoming.idle.notify_one();
        }
    }

    pub(crate) fn left(&self) -> MutexGuard<'_, Vec<LeftChannel>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the route of a channel to a service away.
    pub(crate) fn remove_channel(&self, id: ChannelId) {
        self.routes
            .remove_if(&id, |_, route| !matches!(route, Route::Stream(_)));
    }

    pub(crate) fn open_stream(
        self: &Arc<Self>,
        id: ChannelId,
        ours: bool,
        theirs: bool,
        place: Option<Place>,
    ) -> StreamParts {
        crate::streams::open(self, id, ours, theirs, place)
    }

    /// Streams that the peer opened and that are not over.
    pub(crate) fn peer_streams(&self) -> u32 {
        self.peer_streams.load(Ordering::Acquire)
    }

    /// Streams that are not over, whoever opened them.
    pub(crate) fn streams(&self) -> u32 {
        self.streams.load(Ordering::Acquire)
    }

    pub(crate) fn stream_window(&self) -> u32 {
        self.config.stream_window
    }

    pub(crate) fn peer_stream_window(&self) -> u32 {
        self.peer.get().map_or(1, |hello| hello.stream_window)
    }

    /// Tells every channel that the session is over.
    pub(crate) fn tell_channels(&self, reason: &EndReason) {
        // Told outside of the map's locks.
        let routes = self.routes.iter().map(|route| route.clone());
        for route in routes.collect::<Vec<_>>() {
            tell_end(&route, reason);
        }
    }

    /// A caller left.
    pub(crate) fn cancel(&self, call: CallId) {
        match self.calls.forsake(call) {
            (Effect::Cancel, _) => self.send_cancel(call),
            (Effect::Refund, Some(channel)) => channel.refund(),
            _ => {}
        }
    }

    /// Takes a request back that was not sent; false if the session's end has it already, or its caller
    /// has left.
    pub(crate) fn withdraw(&self, call: CallId) -> bool {
        match self.calls.forsake(call) {
            (Effect::Refund, Some(channel)) => {
                channel.refund();
                true
            }
            _ => false,
        }
    }

    /// A request was put on the ring on behalf of a caller that could leave meanwhile.
    pub(crate) fn published(&self, call: CallId) {
        if self.calls.published(call) {
            self.send_cancel(call);
        }
    }

    /// The ring did not take a request; false if it is not to be tried again.
    pub(crate) fn not_published(&self, call: CallId) -> bool {
        let (again, left) = self.calls.not_published(call);
        if let Some(channel) = left {
            channel.refund();
        }
        again
    }

    fn send_cancel(&self, call: CallId) {
        let mut header = Header::new(Verb::Cancel, ChannelId::SESSION);
        header.call = call;
        self.outbox.send(Frame::bare(header));
    }

    pub(crate) fn send_reset(&self, stream: ChannelId, why: &str) {
        let mut frame = Frame::bare(Header::new(Verb::Reset, stream));
        frame.payload = self.short_payload(why.as_bytes());
        self.outbox.send(frame);
    }

    /// Both directions of a stream are over; `fed` if the peer still sends items.
    pub(crate) fn send_stream_over(&self, stream: ChannelId, why: &str, fed: bool) {
        self.send_reset(stream, why);
        if fed {
            self.outbox
                .send(Frame::bare(Header::new(Verb::Stop, stream)));
        }
    }

    /// A message in a payload: cut to [`MAX_TEXT`] bytes, and to what the frame itself holds if there
    /// is no buffer at the moment.
    pub(crate) fn short_payload(&self, bytes: &[u8]) -> Payload {
        let bytes = &bytes[..bytes.len().min(MAX_TEXT)];
        if let Some(payload) = Payload::inline(bytes) {
            return payload;
        }
        let len = bytes.len().min(self.transport.max_payload());
        match self.transport.try_allocate(len, Lane::Priority) {
            Ok(mut buffer) => {
                buffer.copy_from_slice(&bytes[..len]);
                Payload::Buffer(buffer.freeze())
            }
            Err(_) => Payload::inline(&bytes[..INLINE_MAX]).unwrap_or(Payload::EMPTY),
        }
    }
}

fn tell_end(route: &Route, reason: &EndReason) {
    match route {
        // The calls of its mailbox are cancelled one by one.
        Route::Service(_) => {}
        Route::Client(channel) => channel.close(),
        Route::Stream(stream) => {
            let _ = stream.actor.tell(SessionEnded(reason.clone())).try_send();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("name", &self.config.name)
            .field("side", &self.side)
            .field("ended", &self.ended())
            .finish_non_exhaustive()
    }
}
