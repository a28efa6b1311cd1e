//! The channels of one session: those that this side opened, and those that the peer opened to
//! services of this side.
//!
//! - CN1: a channel whose last handle was dropped is closed once its calls are over; also a channel
//!   whose `open` was cancelled.
//! - CN2: dropping the last handle never waits: the channel's actor waits for the calls.
//! - CN3: a channel is never replaced: its number is reused only after it is closed.
//! - CN4: a channel that is registered after the session's end is notified of the end like all
//!   others.

use std::sync::Arc;

use dashmap::DashMap;
use kameo::actor::ActorRef;

use crate::calls::credits::ClientChannel;
use crate::link::Link;
use crate::link::channel_ids::{ChannelIds, FEW_SHARDS, sharded};
use crate::link::places::Places;
use crate::serving::service::ServiceRoute;
use crate::session::channel_actor::{ChannelActor, Close};
use crate::streams::registry::Streams;
use crate::wire::frame::{ChannelId, FrameType, Header};
use crate::wire::limits::MAX_CHANNELS;
use crate::wire::message_body::MessageBody;

/// The channels of one session.
pub(crate) struct Channels {
    link: Arc<Link>,
    pub(crate) ids: Arc<ChannelIds>,
    /// The channels that the peer opened.
    services: DashMap<ChannelId, Arc<ServiceRoute>>,
    /// The channels that this side opened.
    clients: DashMap<ChannelId, Client>,
    /// The permits for channels that this side opens.
    pub(crate) places: Arc<Places>,
    /// The streams of their calls, which may outlive them.
    streams: Arc<Streams>,
}

/// A channel that this side opened.
struct Client {
    channel: Arc<ClientChannel>,
    actor: ActorRef<ChannelActor>,
}

impl Channels {
    pub(crate) fn new(link: Arc<Link>, ids: Arc<ChannelIds>, streams: Arc<Streams>) -> Self {
        Self {
            link,
            streams,
            ids,
            services: sharded(FEW_SHARDS),
            clients: sharded(FEW_SHARDS),
            places: Places::new(MAX_CHANNELS),
        }
    }

    pub(crate) fn service(&self, id: ChannelId) -> Option<Arc<ServiceRoute>> {
        self.services.get(&id).map(|route| Arc::clone(&route))
    }

    /// The channels that the peer opened to a service.
    pub(crate) fn to_service(&self, service: &str) -> Vec<Arc<ServiceRoute>> {
        let all = self.services.iter();
        let these = all.filter(|route| *route.service == *service);
        these.map(|route| Arc::clone(&route)).collect()
    }

    pub(crate) fn client(&self, id: ChannelId) -> Option<Arc<ClientChannel>> {
        self.clients
            .get(&id)
            .map(|client| Arc::clone(&client.channel))
    }

    /// The sum of the windows, in calls, of the channels that this side opened, without those that are over.
    pub(crate) fn granted(&self) -> u32 {
        let windows = self
            .clients
            .iter()
            .map(|client| client.channel.window.covers());
        windows.fold(0, u32::saturating_add)
    }

    /// How many channels this side has open.
    pub(crate) fn opened(&self) -> u32 {
        self.clients.len() as u32
    }

    /// Checks that the windows which the peer granted are at most the call table, so that each call with a credit finds an entry
    /// (CT8 of [`table`](crate::calls::table)). To be called after each grant.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn check_windows(&self) -> Result<(), &'static str> {
        match self.granted() <= self.link.transport.call_table() {
            true => Ok(()),
            false => Err("windows of channels for more calls than the call table has entries"),
        }
    }

    /// Handles a `Credit` for a channel that this side opened.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn window_grew(
        &self,
        channel: &ClientChannel,
        header: Header,
    ) -> Result<(), &'static str> {
        channel.granted(header)?;
        match header.credits {
            0 => Ok(()),
            _ => self.check_windows(),
        }
    }

    /// Whether a number belongs to a channel that the peer opened to a service.
    pub(crate) fn is_to_service(&self, id: ChannelId) -> bool {
        self.services.contains_key(&id)
    }

    /// The channel of the stream that a request of the peer opens, if it opens one.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn opened_by(
        &self,
        request: &MessageBody,
    ) -> Result<Option<ChannelId>, &'static str> {
        let stream = request.stream();
        match stream.is_none_or(|id| self.ids.is_free_for_peer(id)) {
            true => Ok(stream),
            false => Err("a stream with a number that is not free"),
        }
    }

    /// Registers a channel that the peer opened; false if the number is in use (CN3).
    pub(crate) fn add_service(&self, route: ServiceRoute) -> bool {
        let id = route.id();
        let free = self.ids.take(id);
        if free {
            self.services.insert(id, Arc::new(route));
        }
        free
    }

    /// Registers a channel that this side opened, under the number that was taken for it. Returns
    /// the lease of its first handle.
    pub(crate) fn add_client(
        self: &Arc<Self>,
        channel: &Arc<ClientChannel>,
        actor: ActorRef<ChannelActor>,
    ) -> Lease {
        let client = Client {
            channel: Arc::clone(channel),
            actor: actor.clone(),
        };
        self.clients.insert(channel.id, client);
        if self.link.end.is_settled() {
            self.end(); // CN4
        }
        Lease {
            channels: Arc::clone(self),
            id: channel.id,
            actor,
        }
    }

    /// Closes a channel that this side opened: it takes no more calls, and its actor drains it.
    /// False if there is no such channel.
    pub(crate) fn close_client(&self, id: ChannelId, why: &str) -> bool {
        let client = self.clients.get(&id);
        let Some((channel, actor)) =
            client.map(|client| (Arc::clone(&client.channel), client.actor.clone()))
        else {
            return false;
        };
        // Without the lock of the map: it wakes callers.
        if channel.close(why) {
            // An actor that is stopped takes no message, and drains the channel all the same (CA4).
            let _ = actor.tell(Close).try_send();
        }
        true
    }

    /// Tells the peer that a channel of this side is closed, and removes it.
    pub(crate) fn give_up(&self, id: ChannelId) {
        // Sent before the number and the place are free.
        self.link.send_bare(FrameType::CloseChannel, id);
        if let Some(channel) = self.client(id) {
            self.streams.outlive(id, &channel.service);
        }
        if let Some((_, client)) = self.clients.remove(&id) {
            self.ids.release(id);
            client.channel.leave_place();
        }
    }

    /// Removes a channel that the peer has closed.
    pub(crate) fn remove_service(&self, id: ChannelId) {
        if let Some(route) = self.service(id) {
            self.streams.outlive(id, &route.service);
        }
        if self.services.remove(&id).is_some() {
            self.ids.release(id);
        }
    }

    /// Ends all waits for credits, and for places. Incoming calls are cancelled one by one.
    pub(crate) fn end(&self) {
        let ids = self.clients.iter().map(|client| *client.key());
        // Closed after the map's locks are released.
        for id in ids.collect::<Vec<_>>() {
            if let Some((_, client)) = self.clients.remove(&id) {
                client.channel.end();
                client.channel.leave_place();
            }
        }
    }
}

pub(crate) const NOT_OPEN: &str = "a request on a channel that is not open";

/// Shared by all handles of a channel that this side opened. Dropping it has the channel closed.
pub(crate) struct Lease {
    channels: Arc<Channels>,
    id: ChannelId,
    actor: ActorRef<ChannelActor>,
}

impl Lease {
    /// Closes the channel.
    pub(crate) fn close(&self, why: &str) {
        self.channels.close_client(self.id, why);
    }

    pub(crate) fn actor(&self) -> &ActorRef<ChannelActor> {
        &self.actor
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.close("its last handle was dropped"); // CN1, CN2
    }
}
