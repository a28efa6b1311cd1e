//! A channel that we opened: its credits, and what the peer's hello says of its service.
//!
//! - W1: the peer granted a window; each request takes one credit, each reply brings it back.

use std::sync::Arc;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::calls::methods::{self, MethodMaps, MethodMismatch};
use crate::wire::frame::ChannelId;
use crate::wire::hello::Hello;
use crate::wire::offer::ServiceOffer;

/// A channel that we opened, as its callers share it.
#[derive(Debug)]
pub(crate) struct ClientChannel {
    pub(crate) id: ChannelId,
    pub(crate) service: Box<str>,
    credits: Semaphore,
    window: u32,
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
            window,
            peer: None,
            maps: MethodMaps::default(),
        }
    }

    /// The same, to a peer that said this about itself.
    pub(crate) fn to(self, peer: Option<Arc<Hello>>) -> Self {
        Self { peer, ..self }
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

    /// Waits for a credit, in turn. `None` once the session is over.
    pub(crate) async fn credit(&self) -> Option<SemaphorePermit<'_>> {
        match self.credits.try_acquire() {
            Ok(credit) => Some(credit),
            // Boxed, since it is rare, and would make every call's future larger.
            Err(_) => Box::pin(self.credits.acquire()).await.ok(),
        }
    }

    /// Takes credits back; false if the peer gives back more than was taken.
    pub(crate) fn give_back(&self, credits: u32) -> bool {
        let room = (self.window as usize).saturating_sub(self.credits.available_permits());
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

    /// Whether no request of it is without its reply.
    pub(crate) fn is_idle(&self) -> bool {
        self.credits.available_permits() == self.window as usize
    }

    pub(crate) fn close(&self) {
        self.credits.close();
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
        channel.close();
        assert!(channel.credit().await.is_none());
    }
}
