//! A channel that this side opened: its credits, and the offer of its service in the peer's hello.
//!
//! - CR1: the peer grants a window of credits. Each request takes one, and its reply returns it.
//! - CR2: a closed channel gives out no credits, so no task that learns of the close finds one.
//! - CR3: a channel is drained when all credits of its window have returned.
//! - CR4: the place of a closed channel counts as leaving, since it becomes free without an action
//!   of its holder.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::calls::methods::{self, MethodMaps, MethodMismatch};
use crate::calls::request_window::{Admitted, RequestWindow};
use crate::link::growing_window::ByteLimits;
use crate::link::places::Place;
use crate::link::waits::{Flow, Need, Waits};
use crate::wire::frame::{ChannelId, Header};
use crate::wire::hello::Hello;
use crate::wire::offer::ServiceOffer;

/// The state that all callers of a channel share.
#[derive(Debug)]
pub(crate) struct ClientChannel {
    pub(crate) id: ChannelId,
    pub(crate) service: Box<str>,
    pub(crate) window: Arc<RequestWindow>,
    /// Notified when the channel is closed.
    closes: Notify,
    ending: Mutex<Ending>,
    /// The peer's hello.
    peer: Option<Arc<Hello>>,
    pub(crate) maps: MethodMaps,
}

/// The part of the state that changes when the channel is closed.
#[derive(Debug, Default)]
struct Ending {
    /// One of those that a session has for channels, until the channel is closed and its calls are over.
    place: Option<Place>,
    /// Whether the drain was taken.
    drains: bool,
}

impl ClientChannel {
    /// Makes a channel with a window of this many credits. `peer` is the peer's hello.
    pub(crate) fn new(
        id: ChannelId,
        service: &str,
        credits: u32,
        peer: Option<Arc<Hello>>,
    ) -> Self {
        // Without a hello, requests that are counted go one at a time.
        let (first, most) = peer.as_ref().map_or((1, 1), |peer| {
            (peer.request_initial_bytes, peer.request_window_bytes)
        });
        let bytes = ByteLimits::new(first, most);
        Self {
            id,
            service: service.into(),
            window: RequestWindow::new(credits, bytes),
            closes: Notify::new(),
            ending: Mutex::default(),
            peer,
            maps: MethodMaps::default(),
        }
    }

    /// Sets the permit of the channel.
    pub(crate) fn at(self, mut place: Place) -> Self {
        place.set_leaving(false);
        self.ending().place = Some(place);
        self
    }

    /// Returns the offer of the service in the peer's hello.
    pub(crate) fn offer(&self) -> Option<&ServiceOffer> {
        let services = &self.peer.as_ref()?.services;
        services.iter().find(|offer| *offer.name == *self.service)
    }

    /// Returns the number of the method that had `number` on an earlier channel. If the earlier
    /// peer did not offer the service in its hello, the caller chose the number itself, and the
    /// number stays.
    pub(crate) fn renumber(&self, earlier: &Self, number: u32) -> Result<u32, MethodMismatch> {
        let Some(before) = earlier.offer() else {
            return Ok(number);
        };
        let Some(method) = before.methods.get(number as usize) else {
            return Ok(number);
        };
        let now = self.offer();
        methods::find(method, number as usize, now)
            .map_err(|refused| refused.explain(&self.service, &method.name, now))
    }

    /// Waits until a request of `method` that needs this many bytes is admitted. `None` once the channel is closed, or the
    /// session is over. Boxed, since it waits on a rare path, where it would make the futures of all calls larger.
    pub(crate) fn admit<'a>(
        &'a self,
        method: u32,
        bytes: u64,
        waits: &'a Waits,
    ) -> impl Future<Output = Option<Admitted<'a>>> + Unpin {
        let need = match bytes > 0 && self.window.lacks_bytes() {
            true => Need::RequestBytes,
            false => Need::Credit,
        };
        waits.during(self.flow(method), need, self.window.admit(bytes))
    }

    /// Calls of a method, as those that wait.
    pub(crate) fn flow(&self, method: u32) -> Flow {
        let channel = self.id;
        Flow::Requests { channel, method }
    }

    /// Handles a `Credit`: the window grows, and bytes return.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn granted(&self, header: Header) -> Result<(), &'static str> {
        if header.credits > 0 && !self.window.grow(header.credits) {
            return Err("a channel's window that is too large");
        }
        match self.window.return_bytes(header.method) {
            true => Ok(()),
            false => Err("more bytes of requests than its window"),
        }
    }

    /// Why the channel was closed, if it was closed before the session's end.
    pub(crate) fn close_reason(&self) -> Option<&str> {
        self.window.close_reason()
    }

    /// Waits until the channel is closed, before the session's end.
    pub(crate) async fn wait_closed(&self) {
        let mut closes = pin!(self.closes.notified());
        // Registered before the check, so that a close between the two is not missed.
        closes.as_mut().enable();
        if self.close_reason().is_none() {
            closes.await;
        }
    }

    /// Closes the channel to new calls; calls under way go on, and the channel's actor
    /// [waits](Self::take_drain) for them. False if the channel is closed already.
    pub(crate) fn close(&self, why: &str) -> bool {
        if !self.window.close(why) {
            return false;
        }
        self.closes.notify_waiters();
        if let Some(place) = &mut self.ending().place {
            place.set_leaving(true); // CR4
        }
        true
    }

    fn ending(&self) -> MutexGuard<'_, Ending> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the place.
    pub(crate) fn leave_place(&self) {
        let place = self.ending().place.take();
        drop(place);
    }

    /// Waits for the last calls of a closed channel. `None` if the channel is open, or this was asked before.
    pub(crate) fn take_drain(self: &Arc<Self>) -> Option<Drain> {
        self.close_reason()?;
        let taken = std::mem::replace(&mut self.ending().drains, true);
        (!taken).then(|| Drain {
            channel: Arc::clone(self),
        })
    }

    /// Ends the channel: it is drained, the session is over, or the channel's actor is gone.
    pub(crate) fn end(&self) {
        self.window.end();
    }
}

/// Waits for the last calls of a closed channel.
#[derive(Debug)]
pub(crate) struct Drain {
    channel: Arc<ClientChannel>,
}

impl Drain {
    /// Waits until the last call is over; false if the session ends before.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn drained(&self) -> bool {
        self.channel.window.drain().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CR2
    #[tokio::test]
    async fn a_channel_is_closed_once_and_says_why() {
        let channel = Arc::new(ClientChannel::new(ChannelId(1), "test", 2, None));
        assert!(channel.take_drain().is_none());
        assert!(channel.close("enough") && !channel.close("again"));
        assert_eq!(channel.close_reason(), Some("enough"));
        let drain = channel.take_drain().unwrap();
        assert!(channel.take_drain().is_none());
        assert!(drain.drained().await && drain.drained().await);
        assert!(channel.window.try_admit(0).is_none());
        channel.end();
        assert!(!drain.drained().await);
    }
}
