//! A proxy as a kameo actor, so that it can be linked, and stand wherever an `ActorRef` or a
//! `Recipient` is asked for.
//!
//! - K1: it takes every message of its service, with the reply type that a local actor would have.
//! - K2: it stops when what stands behind it will not come back, and its links are told.
//! - K3: messages leave in the order in which they came, asks and tells alike, and are under way at the same time. The
//!   actor looks after them itself: tasks of their own could overtake each other, and wake other threads.
//! - K4: with 1024 under way it takes no more, so its mailbox fills as that of an actor that is behind.
//! - K5: it does not stop before what it took has ended, which that does when the service is gone at the latest. When it
//!   is killed, what it took is given up.

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use kameo::Actor;
use kameo::actor::{ActorRef, Recipient, ReplyRecipient, Spawn, WeakActorRef};
use kameo::error::ActorStopReason;
use kameo::mailbox::{MailboxReceiver, Signal};
use kameo::message::{Context, Message};
use kameo::reply::DelegatedReply;

use super::Proxy;
use crate::error::CallError;
use crate::service::{MethodCall, Service};

/// The actor around a proxy.
pub struct ProxyActor<S: Service> {
    proxy: Proxy<S>,
    /// K3
    under_way: FuturesUnordered<BoxFuture<'static, ()>>,
}

/// K4: calls that wait for their answers, tells that wait for room.
const MOST: usize = 1024;

/// What stood behind a proxy will not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGone(pub String);

impl<S: Service> Actor for ProxyActor<S> {
    type Args = Proxy<S>;
    type Error = ServiceGone;

    async fn on_start(proxy: Proxy<S>, _: ActorRef<Self>) -> Result<Self, ServiceGone> {
        Ok(Self {
            proxy,
            under_way: FuturesUnordered::new(),
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, ServiceGone> {
        loop {
            let room = self.under_way.len() < MOST; // K4
            tokio::select! {
                biased;
                // First, so that a message leaves before the next one is taken (K3).
                Some(()) = self.under_way.next() => {}
                signal = mailbox.recv(), if room => return Ok(signal),
                why = self.proxy.gone() => return Err(ServiceGone(why)),
            }
        }
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        reason: ActorStopReason,
    ) -> Result<(), ServiceGone> {
        // K5
        if !matches!(reason, ActorStopReason::Killed) {
            while let Some(()) = self.under_way.next().await {}
        }
        Ok(())
    }
}

impl<S: Service, M: MethodCall<S>> Message<M> for ProxyActor<S>
where
    M::Ok: Send + 'static,
{
    type Reply = DelegatedReply<Result<M::Ok, CallError<M::Error>>>;

    async fn handle(&mut self, message: M, ctx: &mut Context<Self, Self::Reply>) -> Self::Reply {
        let proxy = self.proxy.clone();
        let (delegated, sender) = ctx.reply_sender();
        self.under_way.push(match sender {
            Some(sender) => Box::pin(async move {
                sender.send(proxy.ask(message).send().await);
            }),
            None => Box::pin(async move {
                if let Err(error) = proxy.tell(message).send().await {
                    tracing::warn!(%error, "a tell was not delivered");
                }
            }),
        });
        delegated
    }
}

impl<S: Service> Proxy<S> {
    /// An actor that stands for this proxy (K1, K2). Each call starts one.
    #[must_use]
    pub fn actor_ref(&self) -> ActorRef<ProxyActor<S>> {
        ProxyActor::spawn(self.clone())
    }

    /// A recipient for one of the service's messages, as a local actor's.
    #[must_use]
    pub fn recipient<M: MethodCall<S>>(&self) -> Recipient<M> {
        self.actor_ref().recipient()
    }

    /// A recipient that replies, of the same type as a local actor's.
    #[must_use]
    pub fn reply_recipient<M: MethodCall<S>>(
        &self,
    ) -> ReplyRecipient<M, M::Ok, CallError<M::Error>> {
        self.actor_ref().reply_recipient()
    }
}
