//! The streams of one session, by the number of their channel.
//!
//! - SR1: a stream that is registered after the session's end is notified of the end like all
//!   others.
//! - SR2: the registry counts the streams that the peer opened, so that their number is bounded.
//! - SR3: a stream that outlives the channel of its call keeps the name of the service. The name is copied when the channel
//!   is closed, so opening a stream costs nothing for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use dashmap::DashMap;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use tokio::sync::{Notify, mpsc};

use crate::link::Link;
use crate::link::channel_ids::{ChannelIds, MANY_SHARDS, sharded};
use crate::link::discarded::Lost;
use crate::link::end::EndReason;
use crate::link::growth_budget::GrowthBudget;
use crate::link::places::{Place, Places};
use crate::link::waits::Flow;
use crate::streams::actor::{Arrived, NoMemory, Overrun, SessionEnded, StreamActor, send_over};
use crate::streams::halves::StreamParts;
use crate::streams::state::StreamState;
use crate::streams::window::Window;
use crate::streams::{StreamReceiver, StreamSender};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header};
use crate::wire::limits::MAX_STREAMS;

/// The destination of the frames of a stream.
struct Route {
    stream: Arc<StreamState>,
    actor: ActorRef<StreamActor>,
    /// The channel of the call that opened the stream.
    opener: ChannelId,
    /// The service of that channel, once the channel is closed (SR3).
    service: OnceLock<Arc<str>>,
}

/// The streams of one session.
pub(crate) struct Streams {
    link: Arc<Link>,
    ids: Arc<ChannelIds>,
    routes: DashMap<ChannelId, Arc<Route>>,
    /// The number of open streams, opened by either side.
    open: AtomicU32,
    /// Of these, the streams that the peer opened (SR2).
    opened_by_peer: AtomicU32,
    /// The permits for streams that this side opens.
    pub(crate) places: Arc<Places>,
    /// How much the peer may have in flight to this side, per stream.
    window: Window,
    /// The same towards the peer, from its hello.
    peer_window: OnceLock<Window>,
    /// By how much the windows of this side may grow.
    budget: Arc<GrowthBudget>,
    /// Notified when the last stream is over.
    pub(crate) idle: Notify,
}

impl Streams {
    pub(crate) fn new(
        link: Arc<Link>,
        ids: Arc<ChannelIds>,
        window: Window,
        budget: Arc<GrowthBudget>,
    ) -> Self {
        Self {
            budget,
            link,
            ids,
            routes: sharded(MANY_SHARDS),
            open: AtomicU32::new(0),
            opened_by_peer: AtomicU32::new(0),
            places: Places::new(MAX_STREAMS),
            window,
            peer_window: OnceLock::new(),
            idle: Notify::new(),
        }
    }

    /// Records the window that the peer's hello grants.
    pub(crate) fn set_peer_window(&self, window: Window) {
        // The handshake accepts one hello.
        let _ = self.peer_window.set(window);
    }

    /// The window in bytes that the peer grants a stream now, and the most that it may become.
    pub(crate) fn bytes_granted(&self, id: ChannelId) -> Option<(u32, u32)> {
        Some(self.routes.get(&id)?.stream.bytes_granted())
    }

    /// Returns a number for a stream that this side opens.
    pub(crate) fn next_id(&self) -> ChannelId {
        self.ids.next()
    }

    /// Starts the actor of a stream and returns the two halves: `sends` if this side sends items,
    /// `receives` if the peer does. The route is registered before this returns. A stream that this
    /// side opens has a place. It is opened by a call of `method` over `channel`.
    pub(crate) fn open(
        self: &Arc<Self>,
        id: ChannelId,
        (channel, method): (ChannelId, u32),
        sends: bool,
        receives: bool,
        place: Option<Place>,
    ) -> StreamParts {
        let granted = self.peer_window.get().copied().unwrap_or(Window::MIN);
        let halves = u8::from(sends) + u8::from(receives);
        let stream = StreamState::new(granted, receives.then_some(self.window), &self.budget);
        let stream = Arc::new(stream.holding(halves, place));
        let (items, taken) = mpsc::unbounded_channel();
        let (streams, own) = (Arc::clone(self), Arc::clone(&stream));
        let on_over = move || streams.close(id, &own);
        let link = || Arc::clone(&self.link);
        let actor = StreamActor::spawn_with_mailbox(
            StreamActor::new(
                link(),
                id,
                Arc::clone(&stream),
                sends,
                receives.then_some(items),
                on_over,
            ),
            // Bounded by ST5.
            mailbox::unbounded(),
        );
        self.register(id, channel, &stream, &actor);
        let items_in_window = self.window.items;
        StreamParts {
            sender: sends.then(|| {
                let flow = Flow::Items { channel, method };
                StreamSender::new(
                    link(),
                    id,
                    Arc::clone(&stream),
                    actor.clone(),
                    granted,
                    flow,
                )
            }),
            receiver: receives
                .then(|| StreamReceiver::new(link(), id, stream, actor, taken, items_in_window)),
        }
    }

    fn register(
        &self,
        id: ChannelId,
        opener: ChannelId,
        stream: &Arc<StreamState>,
        actor: &ActorRef<StreamActor>,
    ) {
        if !self.ids.take(id) {
            // The two sides never choose the same number, and neither chooses a number in use.
            let reason = EndReason::Internal(format!("channel {id} was opened twice"));
            return tell_end(actor, &reason);
        }
        self.link.metrics.stream_opened();
        self.open.fetch_add(1, Ordering::AcqRel);
        if self.ids.is_peers(id) {
            self.opened_by_peer.fetch_add(1, Ordering::AcqRel);
        }
        let route = Route {
            stream: Arc::clone(stream),
            actor: actor.clone(),
            opener,
            service: OnceLock::new(),
        };
        self.routes.insert(id, Arc::new(route));
        if let Some(reason) = self.link.end.reason() {
            tell_end(actor, &reason); // SR1
        }
    }

    /// Removes a stream that is over in both directions.
    fn close(&self, id: ChannelId, stream: &Arc<StreamState>) {
        let is_it = |_: &ChannelId, route: &Arc<Route>| Arc::ptr_eq(&route.stream, stream);
        let Some((_, route)) = self.routes.remove_if(&id, is_it) else {
            return;
        };
        self.ids.release(id);
        route.stream.leave_place();
        if self.ids.is_peers(id) {
            self.opened_by_peer.fetch_sub(1, Ordering::AcqRel);
        }
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.idle.notify_one();
        }
    }

    /// Records that a channel to this service closes, which streams may outlive (SR3).
    pub(crate) fn outlive(&self, channel: ChannelId, service: &str) {
        let mut name = None;
        for route in self.routes.iter().filter(|route| route.opener == channel) {
            let name = name.get_or_insert_with(|| Arc::from(service));
            // It has one already if the number of its channel was used again.
            let _ = route.service.set(Arc::clone(name));
        }
    }

    /// The service of a closed channel that a stream has outlived (SR3).
    pub(crate) fn service_of(&self, channel: ChannelId) -> Option<Arc<str>> {
        let mut left = self.routes.iter().filter(|route| route.opener == channel);
        left.find_map(|route| route.service.get().cloned())
    }

    /// Refuses a stream that the peer opens; `receives` if the peer would send items.
    pub(crate) fn refuse(&self, id: ChannelId, why: &str, receives: bool) {
        send_over(&self.link, id, why, receives);
    }

    /// The number of open streams, opened by either side.
    pub(crate) fn open_count(&self) -> u32 {
        self.open.load(Ordering::Acquire)
    }

    /// Whether the peer may open another stream (SR2). The peer counts too, and may know of the end
    /// of a stream before this side has processed it; so as many extra streams are allowed as the
    /// peer can have calls.
    pub(crate) fn has_room_for_peer(&self) -> bool {
        let most = MAX_STREAMS + self.link.transport.call_table();
        self.opened_by_peer.load(Ordering::Acquire) < most
    }

    /// Passes a stream frame other than a credit to the actor.
    pub(crate) fn arrived(&self, frame: Frame) {
        let frame_type = frame.header.frame_type;
        let route = self.routes.get(&frame.header.channel);
        let Some(route) = route.map(|route| Arc::clone(&route)) else {
            return self.link.metrics.arrived_late();
        };
        let Route { stream, actor, .. } = &*route;
        let delivered = match frame_type {
            FrameType::Item if stream.allowance.take(frame.carried()) => {
                actor.tell(Arrived(frame)).try_send().is_ok()
            }
            FrameType::Item if stream.is_first(frame_type) => {
                actor.tell(Overrun).try_send().is_ok()
            }
            FrameType::Item => false,
            _ => stream.is_first(frame_type) && actor.tell(Arrived(frame)).try_send().is_ok(),
        };
        if !delivered {
            self.link.metrics.arrived_late();
        }
    }

    /// Passes it to the actor that an item found no memory.
    pub(crate) fn arrived_without_memory(&self, id: ChannelId, lost: Lost) {
        let route = self.routes.get(&id).map(|route| Arc::clone(&route));
        let delivered = route.is_some_and(|route| {
            let Route { stream, actor, .. } = &*route;
            match stream.allowance.take(lost.carried) {
                true => actor.tell(NoMemory(lost.missing)).try_send().is_ok(),
                false => stream.is_first(FrameType::Item) && actor.tell(Overrun).try_send().is_ok(),
            }
        });
        if !delivered {
            self.link.metrics.arrived_late();
        }
    }

    /// Adds the credits that the peer grants; false if there is no such stream.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn granted(&self, header: Header) -> Result<bool, &'static str> {
        match self.routes.get(&header.channel) {
            Some(route) if !route.stream.granted(header.credits, header.method) => {
                Err("more credits than its window")
            }
            Some(_) => Ok(true),
            None => Ok(false),
        }
    }

    /// Notifies every stream of the session's end.
    pub(crate) fn end(&self, reason: &EndReason) {
        // Notified after the map's locks are released.
        let actors = self.routes.iter().map(|route| route.actor.clone());
        for actor in actors.collect::<Vec<_>>() {
            tell_end(&actor, reason);
        }
    }
}

fn tell_end(actor: &ActorRef<StreamActor>, reason: &EndReason) {
    let _ = actor.tell(SessionEnded(reason.clone())).try_send();
}
