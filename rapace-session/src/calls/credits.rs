//! A channel that this side opened: its credits, and the offer of its service in the peer's hello.
//!
//! - CR1: the peer grants a window of credits. Each request takes one, and its reply returns it.
//! - CR2: a closed channel gives out no credits: its drain takes all free credits at once, before
//!   the close is announced, and each credit that returns. So closing adds no cost to a call.
//! - CR3: a channel is drained when all credits of its window have returned. The window of a closed
//!   channel does not grow.
//! - CR4: the place of a closed channel counts as leaving, since it becomes free without an action
//!   of its holder.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::calls::methods::{self, MethodMaps, MethodMismatch};
use crate::link::byte_window::ByteWindow;
use crate::link::growing_window::ByteLimits;
use crate::link::places::Place;
use crate::link::waits::{Flow, Need, Waits};
use crate::wire::frame::{ChannelId, Header};
use crate::wire::hello::Hello;
use crate::wire::limits::MAX_WINDOW;
use crate::wire::offer::ServiceOffer;

/// The state that all callers of a channel share.
#[derive(Debug)]
pub(crate) struct ClientChannel {
    pub(crate) id: ChannelId,
    pub(crate) service: Box<str>,
    credits: Semaphore,
    /// All credits that the peer granted, free or taken.
    window: AtomicU32,
    /// Why the channel was closed, if it was closed before the session's end.
    closed: OnceLock<Box<str>>,
    /// The bytes of requests that may wait for their handlers.
    pub(crate) bytes: Arc<ByteWindow>,
    /// Wakes waiters for a credit when the channel is closed.
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
    /// Of a channel that is closed, until its actor takes it.
    drain: Option<Drain>,
}

impl ClientChannel {
    pub(crate) fn new(id: ChannelId, service: &str, window: u32) -> Self {
        Self {
            id,
            service: service.into(),
            credits: Semaphore::new(window as usize),
            window: AtomicU32::new(window),
            closed: OnceLock::new(),
            bytes: request_window(None),
            closes: Notify::new(),
            ending: Mutex::default(),
            peer: None,
            maps: MethodMaps::default(),
        }
    }

    /// Sets the hello of the peer.
    pub(crate) fn to(self, peer: Option<Arc<Hello>>) -> Self {
        Self {
            bytes: request_window(peer.as_deref()),
            peer,
            ..self
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

    /// Takes a credit, if one is free.
    pub(crate) fn try_credit(&self) -> Option<SemaphorePermit<'_>> {
        self.credits.try_acquire().ok()
    }

    /// Waits for a credit for a call of `method`, in FIFO order. `None` once the channel is closed, or the
    /// session is over.
    pub(crate) fn credit<'a>(
        &'a self,
        method: u32,
        waits: &'a Waits,
    ) -> impl Future<Output = Option<SemaphorePermit<'a>>> + Unpin {
        waits.during(self.flow(method), Need::Credit, self.wait_for_credit())
    }

    /// Calls of a method, as those that wait.
    pub(crate) fn flow(&self, method: u32) -> Flow {
        let channel = self.id;
        Flow::Requests { channel, method }
    }

    /// All credits that the peer granted, free or taken.
    pub(crate) fn window(&self) -> u32 {
        self.window.load(Ordering::Relaxed)
    }

    async fn wait_for_credit(&self) -> Option<SemaphorePermit<'_>> {
        let mut closes = pin!(self.closes.notified());
        // Registered before the check, so that a close between the two is not missed.
        closes.as_mut().enable();
        if self.close_reason().is_some() {
            return None;
        }
        tokio::select! {
            biased;
            () = closes => None,
            credit = self.credits.acquire() => credit.ok(),
        }
    }

    /// Returns the credits of a reply; false if the peer returns more than were taken.
    pub(crate) fn return_credits(&self, credits: u32) -> bool {
        let window = self.window.load(Ordering::Relaxed) as usize;
        let room = window.saturating_sub(self.credits.available_permits());
        let credits = credits as usize;
        if credits > room {
            return false;
        }
        self.credits.add_permits(credits);
        true
    }

    /// Returns the credit of a request that was never sent.
    pub(crate) fn refund(&self) {
        self.credits.add_permits(1);
    }

    /// Handles a `Credit`: the window grows, and bytes return.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn granted(&self, header: Header) -> Result<(), &'static str> {
        if header.credits > 0 && !self.grow(header.credits) {
            return Err("a channel's window that is too large");
        }
        match self.bytes.returned(header.method) {
            true => Ok(()),
            false => Err("more bytes of requests than its window"),
        }
    }

    /// Enlarges the window; false if it would exceed [`MAX_WINDOW`]. The window of a closed channel stays as it is (CR3).
    fn grow(&self, credits: u32) -> bool {
        let _open = self.ending();
        let window = self.window.load(Ordering::Relaxed);
        let grown = window.checked_add(credits);
        let Some(grown) = grown.filter(|grown| *grown <= MAX_WINDOW) else {
            return false;
        };
        if self.close_reason().is_none() {
            self.window.store(grown, Ordering::Relaxed);
            self.credits.add_permits(credits as usize);
        }
        true
    }

    /// Why the channel was closed, if it was closed before the session's end.
    pub(crate) fn close_reason(&self) -> Option<&str> {
        self.closed.get().map(|why| &**why)
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
    pub(crate) fn close(self: &Arc<Self>, why: &str) -> bool {
        let mut ending = self.ending();
        if self.close_reason().is_some() {
            return false;
        }
        // CR2: before the close is announced, so that no task that learns of it finds a credit.
        ending.drain = Some(self.drain());
        let _ = self.closed.set(why.into());
        self.closes.notify_waiters();
        self.bytes.close();
        if let Some(place) = &mut ending.place {
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

    /// Takes all credits as they return. A channel is closed once, so it has one drain.
    fn drain(self: &Arc<Self>) -> Drain {
        let channel = Arc::clone(self);
        let mut all = async move { channel.take_all().await }.boxed();
        // CR2. Unconstrained, since tokio makes a task that used up its budget wait.
        match tokio::task::unconstrained(&mut all).now_or_never() {
            Some(drained) => Drain::Over(drained),
            None => Drain::Waits(all),
        }
    }

    async fn take_all(&self) -> bool {
        let window = self.window.load(Ordering::Relaxed);
        match self.credits.acquire_many(window).await {
            Ok(credits) => {
                credits.forget();
                true // CR3
            }
            Err(_) => false,
        }
    }

    /// Takes the drain of a closed channel. `None` if it was taken before, or the session is over.
    pub(crate) fn take_drain(&self) -> Option<Drain> {
        self.ending().drain.take()
    }

    /// Ends the channel: it is drained, the session is over, or the channel's actor is gone. Credits
    /// that a peer returns beyond its window are of no use then (CR2).
    pub(crate) fn end(&self) {
        self.credits.close();
        self.bytes.close();
        // It refers to the channel.
        drop(self.take_drain());
    }
}

/// The window in bytes that the peer's hello grants. Without a hello, requests that are counted go one at a time.
fn request_window(peer: Option<&Hello>) -> Arc<ByteWindow> {
    let (first, most) = peer.map_or((1, 1), |peer| {
        (peer.request_initial_bytes, peer.request_window_bytes)
    });
    Arc::new(ByteWindow::new(ByteLimits::new(first, most)))
}

/// Waits for the last calls of a closed channel.
pub(crate) enum Drain {
    Waits(BoxFuture<'static, bool>),
    /// True if all calls are over; false if the session ended before.
    Over(bool),
}

impl Drain {
    /// Waits until the last call is over; false if the session ends before.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn drained(&mut self) -> bool {
        match self {
            Self::Over(drained) => *drained,
            Self::Waits(all) => {
                let drained = all.await;
                *self = Self::Over(drained);
                drained
            }
        }
    }
}

impl fmt::Debug for Drain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    async fn credit(channel: &ClientChannel) -> Option<SemaphorePermit<'_>> {
        static WAITS: LazyLock<Waits> = LazyLock::new(Waits::default);
        match channel.try_credit() {
            None => channel.credit(0, &WAITS).await,
            credit => credit,
        }
    }

    #[tokio::test]
    async fn more_credits_than_were_taken_are_a_fault() {
        let channel = ClientChannel::new(ChannelId(1), "test", 2);
        assert!(!channel.return_credits(1));
        credit(&channel).await.unwrap().forget();
        assert!(channel.return_credits(1));
        assert!(!channel.return_credits(u32::MAX));
        channel.end();
        assert!(credit(&channel).await.is_none());
    }

    /// CR2, CR3
    #[tokio::test]
    async fn a_closed_channel_gives_out_no_credit_and_is_drained_when_all_are_back() {
        let channel = Arc::new(ClientChannel::new(ChannelId(1), "test", 2));
        credit(&channel).await.unwrap().forget();
        credit(&channel).await.unwrap().forget();
        let mut waits = Box::pin(credit(&channel));
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(channel.close("enough") && !channel.close("again"));
        let mut drain = channel.take_drain().unwrap();
        assert!(channel.take_drain().is_none());
        assert_eq!(channel.close_reason(), Some("enough"));
        assert!(waits.await.is_none());
        assert!(channel.return_credits(1));
        assert!(credit(&channel).await.is_none());
        assert!(drain.drained().now_or_never().is_none());
        assert!(channel.grow(3));
        assert!(channel.return_credits(1));
        assert!(drain.drained().await && drain.drained().await);
        assert!(credit(&channel).await.is_none());
    }

    /// CR2, CR3
    #[tokio::test]
    async fn a_closed_channel_gets_no_larger() {
        let channel = Arc::new(ClientChannel::new(ChannelId(1), "test", 2));
        assert!(channel.close("enough"));
        assert!(channel.grow(3) && !channel.grow(MAX_WINDOW));
        assert!(credit(&channel).await.is_none());
        assert!(channel.take_drain().unwrap().drained().await);
    }

    #[tokio::test]
    async fn a_window_grows_up_to_what_one_may_be() {
        let channel = ClientChannel::new(ChannelId(1), "test", 1);
        credit(&channel).await.unwrap().forget();
        assert!(channel.grow(1));
        credit(&channel).await.unwrap().forget();
        assert!(channel.return_credits(2));
        assert!(!channel.grow(u32::MAX) && !channel.grow(MAX_WINDOW - 1));
        assert!(channel.grow(MAX_WINDOW - 2));
    }

    #[tokio::test]
    async fn the_end_of_the_session_ends_a_drain() {
        let channel = Arc::new(ClientChannel::new(ChannelId(1), "test", 1));
        credit(&channel).await.unwrap().forget();
        assert!(channel.close("enough"));
        let mut drain = channel.take_drain().unwrap();
        channel.end();
        assert!(!drain.drained().await);
    }
}
