//! The channels of one session: those that this side opened, and those that the peer opened to services of this side.
//!
//! - B1: a channel that nobody holds any more is closed once its calls are over, also one that was opened for somebody
//!   who has left.
//! - B2: dropping the last handle waits for nothing: the session's actor closes the channel.
//! - D1: a channel is never replaced: a number is used again only when its channel is closed.
//! - D2: a channel that is registered after the session's end learns of the end like all others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use dashmap::DashMap;
use tokio::sync::Notify;

use crate::calls::credits::ClientChannel;
use crate::link::Link;
use crate::link::channel_ids::{ChannelIds, sharded};
use crate::link::places::{Place, Places};
use crate::serving::service::ServiceRoute;
use crate::wire::frame::ChannelId;
use crate::wire::limits::MAX_CHANNELS;

/// The channels of one session.
pub(crate) struct Channels {
    link: Arc<Link>,
    pub(crate) ids: Arc<ChannelIds>,
    /// Those that the peer opened.
    services: DashMap<ChannelId, Arc<ServiceRoute>>,
    /// Those that this side opened.
    clients: DashMap<ChannelId, Arc<ClientChannel>>,
    /// For channels that this side opens.
    pub(crate) places: Arc<Places>,
    /// Channels that nobody on this side holds any more, for the session's actor to close. `None` after the end.
    left: Mutex<Option<Vec<LeftChannel>>>,
    /// Notified when there is one.
    pub(crate) channel_left: Notify,
}

impl Channels {
    pub(crate) fn new(link: Arc<Link>, ids: Arc<ChannelIds>) -> Self {
        Self {
            link,
            ids,
            services: sharded(),
            clients: sharded(),
            places: Places::new(MAX_CHANNELS),
            left: Mutex::new(Some(Vec::new())),
            channel_left: Notify::new(),
        }
    }

    pub(crate) fn service(&self, id: ChannelId) -> Option<Arc<ServiceRoute>> {
        self.services.get(&id).map(|route| Arc::clone(&route))
    }

    /// Whether a number belongs to a channel to a service, on whichever side.
    pub(crate) fn contains(&self, id: ChannelId) -> bool {
        self.services.contains_key(&id) || self.clients.contains_key(&id)
    }

    /// Registers a channel that the peer opened; false if the number is in use (D1).
    pub(crate) fn add_service(&self, route: ServiceRoute) -> bool {
        let id = route.id();
        let free = self.ids.take(id);
        if free {
            self.services.insert(id, Arc::new(route));
        }
        free
    }

    /// Registers a channel that this side opened; false if the number is in use (D1).
    pub(crate) fn add_client(&self, channel: &Arc<ClientChannel>) -> bool {
        let free = self.ids.take(channel.id);
        if free {
            self.clients.insert(channel.id, Arc::clone(channel));
            if self.link.end.is_settled() {
                channel.close(); // D2
            }
        }
        free
    }

    /// Removes a channel that is closed.
    pub(crate) fn remove(&self, id: ChannelId) {
        if self.services.remove(&id).is_some() || self.clients.remove(&id).is_some() {
            self.ids.release(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<LeftChannel>>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Channels that nobody holds any more, since this was asked last.
    pub(crate) fn take_left(&self) -> Vec<LeftChannel> {
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Ends all waits for credits. Incoming calls are cancelled one by one.
    pub(crate) fn end(&self) {
        let clients = self.clients.iter().map(|channel| Arc::clone(&channel));
        // Closed outside of the map's locks.
        for channel in clients.collect::<Vec<_>>() {
            channel.close();
        }
        // Nobody closes anything any more, and nobody should wait for it.
        let left = self.lock().take();
        drop(left);
    }
}

/// Shared by all handles of one channel that this side opened.
pub(crate) struct Lease {
    channels: Arc<Channels>,
    /// Taken when the last handle goes.
    channel: Option<LeftChannel>,
}

/// A channel that nobody holds any more.
pub(crate) struct LeftChannel {
    pub(crate) channel: Arc<ClientChannel>,
    pub(crate) place: Place,
}

impl Lease {
    pub(crate) fn new(
        channels: &Arc<Channels>,
        channel: &Arc<ClientChannel>,
        mut place: Place,
    ) -> Self {
        place.set_leaving(false);
        Self {
            channels: Arc::clone(channels),
            channel: Some(LeftChannel {
                channel: Arc::clone(channel),
                place,
            }),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut left) = self.channel.take() {
            left.place.set_leaving(true);
            let late = match &mut *self.channels.lock() {
                Some(all) => {
                    all.push(left);
                    None
                }
                None => Some(left),
            };
            drop(late);
            self.channels.channel_left.notify_one();
        }
    }
}
