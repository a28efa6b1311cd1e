//! A channel that we opened: its credits, and what the peer's hello says of its service.
//!
//! - W1: the peer granted a window; each request takes one credit, each reply brings it back.
//! - W7: a channel that is closed gives out no credit: its drain takes each one that comes back, and those that are there
//!   in the same step. So a call pays nothing for it that a channel can be closed.
//! - W8: a channel is drained when all credits of its window are back.
//! - W9: the place of a channel that is closed, by whomever, counts as leaving: it becomes free without its holder's doing.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::calls::methods::{self, MethodMaps, MethodMismatch};
use crate::link::places::Place;
use crate::wire::frame::ChannelId;
use crate::wire::hello::Hello;
use crate::wire::limits::MAX_WINDOW;
use crate::wire::offer::ServiceOffer;

/// A channel that we opened, as its callers share it.
#[derive(Debug)]
pub(crate) struct ClientChannel {
    pub(crate) id: ChannelId,
    pub(crate) service: Box<str>,
    credits: Semaphore,
    /// Credits that the peer granted, whoever has them.
    window: AtomicU32,
    /// Of these, those that the drain has taken.
    drained: AtomicU32,
    /// Why it was closed, if the session goes on.
    closed: OnceLock<Box<str>>,
    /// Wakes those who wait for a credit when it is closed.
    closes: Notify,
    /// One of those that a session has for channels, until the channel is closed and its calls are over.
    place: Mutex<Option<Place>>,
    /// What the peer said about itself.
    peer: Option<Arc<Hello>>,
    pub(crate) maps: MethodMaps,
}

impl ClientChannel {
    pub(crate) fn new(id: ChannelId, service: &str, window: u32) -> Self {
        Self {
            id,
            service: service.into(),
            credits: Semaphore::new(window as usize),
            window: AtomicU32::new(window),
            drained: AtomicU32::new(0),
            closed: OnceLock::new(),
            closes: Notify::new(),
            place: Mutex::new(None),
            peer: None,
            maps: MethodMaps::default(),
        }
    }

    /// The same, to a peer that said this about itself.
    pub(crate) fn to(self, peer: Option<Arc<Hello>>) -> Self {
        Self { peer, ..self }
    }

    /// The same, in a place of the session's.
    pub(crate) fn at(self, mut place: Place) -> Self {
        place.set_leaving(false);
        let place = Mutex::new(Some(place));
        Self { place, ..self }
    }

    /// What the peer's hello says of the service.
    pub(crate) fn offer(&self) -> Option<&ServiceOffer> {
        let services = &self.peer.as_ref()?.services;
        services.iter().find(|offer| *offer.name == *self.service)
    }

    /// The number of a method that had `number` on an earlier channel. Where nothing was known of methods, numbers
    /// were the caller's business and stay.
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

    /// Waits for a credit, in turn. `None` once the channel is closed, or the session is over.
    pub(crate) async fn credit(&self) -> Option<SemaphorePermit<'_>> {
        match self.credits.try_acquire() {
            Ok(credit) => Some(credit),
            // Boxed, since it is rare, and would make every call's future larger.
            Err(_) => Box::pin(self.wait_for_credit()).await,
        }
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

    /// Takes credits back; false if the peer gives back more than was taken.
    pub(crate) fn give_back(&self, credits: u32) -> bool {
        let window = self.window.load(Ordering::Relaxed) as usize;
        let room = window.saturating_sub(self.credits.available_permits());
        let credits = credits as usize;
        if credits > room {
            return false;
        }
        self.credits.add_permits(credits);
        true
    }

    /// Takes back the credit of a request that was never sent.
    pub(crate) fn refund(&self) {
        self.credits.add_permits(1);
    }

    /// The peer grants a larger window; false if it is larger than one may be.
    pub(crate) fn grow(&self, credits: u32) -> bool {
        let window = self.window.load(Ordering::Relaxed);
        let grown = window.checked_add(credits);
        let Some(grown) = grown.filter(|grown| *grown <= MAX_WINDOW) else {
            return false;
        };
        // Before the credits are there, so that a drain that has taken all of them knows of these (W8). One thread
        // does this, the session's actor's.
        self.window.store(grown, Ordering::Release);
        self.credits.add_permits(credits as usize);
        true
    }

    /// Why the channel was closed, if it was, and not by the session's end.
    pub(crate) fn close_reason(&self) -> Option<&str> {
        self.closed.get().map(|why| &**why)
    }

    /// Closes the channel to new calls; those under way go on. `None` if it is closed already.
    pub(crate) fn close(self: &Arc<Self>, why: &str) -> Option<Drain> {
        self.closed.set(why.into()).ok()?;
        self.closes.notify_waiters();
        if let Some(place) = &mut *self.place() {
            place.set_leaving(true); // W9
        }
        Some(self.drain())
    }

    fn place(&self) -> MutexGuard<'_, Option<Place>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its place is free from now on.
    pub(crate) fn leave_place(&self) {
        let place = self.place().take();
        drop(place);
    }

    /// Takes all credits, as they come back: those that no drain before this one has taken. One at a time drains.
    pub(crate) fn drain(self: &Arc<Self>) -> Drain {
        let channel = Arc::clone(self);
        let mut all = async move { channel.take_all().await }.boxed();
        // W7. Unconstrained, since a task that used up its turn would take nothing.
        match tokio::task::unconstrained(&mut all).now_or_never() {
            Some(drained) => Drain::Over(drained),
            None => Drain::Waits(all),
        }
    }

    async fn take_all(&self) -> bool {
        loop {
            let taken = self.drained.load(Ordering::Relaxed);
            let missing = self.window.load(Ordering::Acquire) - taken;
            if missing == 0 {
                return true; // W8
            }
            match self.credits.acquire_many(missing).await {
                Ok(credits) => credits.forget(),
                Err(_) => return false,
            }
            self.drained.store(taken + missing, Ordering::Relaxed);
        }
    }

    /// The session is over, or nobody is left who would close the channel.
    pub(crate) fn end(&self) {
        self.credits.close();
    }
}

/// The last calls of a channel that is closed.
pub(crate) enum Drain {
    Waits(BoxFuture<'static, bool>),
    /// Whether its calls are over, and not the session.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_credits_than_were_taken_are_a_fault() {
        let channel = ClientChannel::new(ChannelId(1), "test", 2);
        assert!(!channel.give_back(1));
        channel.credit().await.unwrap().forget();
        assert!(channel.give_back(1));
        assert!(!channel.give_back(u32::MAX));
        channel.end();
        assert!(channel.credit().await.is_none());
    }

    /// W7, W8
    #[tokio::test]
    async fn a_closed_channel_gives_out_no_credit_and_is_drained_when_all_are_back() {
        let channel = Arc::new(ClientChannel::new(ChannelId(1), "test", 2));
        channel.credit().await.unwrap().forget();
        channel.credit().await.unwrap().forget();
        let mut waits = Box::pin(channel.credit());
        assert!(waits.as_mut().now_or_never().is_none());
        let mut drain = channel.close("enough").unwrap();
        assert!(channel.close("again").is_none());
        assert_eq!(channel.close_reason(), Some("enough"));
        assert!(waits.await.is_none());
        assert!(channel.give_back(1));
        assert!(channel.credit().await.is_none());
        assert!(drain.drained().now_or_never().is_none());
        assert!(channel.grow(3));
        assert!(channel.give_back(1));
        assert!(drain.drained().await && drain.drained().await);
        assert!(channel.drain().drained().await);
        assert!(channel.credit().await.is_none());
    }

    #[tokio::test]
    async fn a_window_grows_up_to_what_one_may_be() {
        let channel = ClientChannel::new(ChannelId(1), "test", 1);
        channel.credit().await.unwrap().forget();
        assert!(channel.grow(1));
        channel.credit().await.unwrap().forget();
        assert!(channel.give_back(2));
        assert!(!channel.grow(u32::MAX) && !channel.grow(MAX_WINDOW - 1));
        assert!(channel.grow(MAX_WINDOW - 2));
    }

    #[tokio::test]
    async fn the_end_of_the_session_ends_a_drain() {
        let channel = Arc::new(ClientChannel::new(ChannelId(1), "test", 1));
        channel.credit().await.unwrap().forget();
        let mut drain = channel.close("enough").unwrap();
        channel.end();
        assert!(!drain.drained().await);
    }
}
