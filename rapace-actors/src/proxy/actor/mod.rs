//! A proxy as a kameo actor, so that it can be linked, and used wherever an `ActorRef` or a `Recipient` is
//! needed.
//!
//! - PX1: it accepts every message of its service, with the reply type of a local actor.
//! - PX2: it stops when its service is down and will not restart by itself, and its links are notified. As with
//!   every kameo actor that is final: if the plugin is started again, the proxy works again, but its old actors
//!   do not.
//! - PX3: messages are sent in FIFO order, asks and tells alike, even if one has to wait for room, and run
//!   concurrently. The actor polls them itself: separate tasks could overtake each other, and would wake other
//!   threads.
//! - PX4: with 1024 pending calls it accepts no more messages, so its mailbox fills up like that of an actor
//!   that lags behind.
//! - PX5: it stops only after its pending calls have ended, which at the latest happens when the service is
//!   gone. When it is killed, they are cancelled.
//! - PX6: a call whose asker is gone is cancelled. A message sent by a handler inherits the deadline of the
//!   call that it handles.
//! - PX7: a panic in a call, such as in the `Drop` of a message or of an unread result, ends only that call.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use kameo::Actor;
use kameo::actor::{ActorRef, Recipient, ReplyRecipient, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, BoxSendError};
use kameo::mailbox::{MailboxReceiver, Signal};
use kameo::message::{BoxReply, Context, Message};
use kameo::reply::{BoxReplySender, DelegatedReply};

use rapace_codec::panic_message;

use super::handle::Proxy;
use super::options::AskOptions;
use super::turn::SendQueue;
use crate::error::CallError;
use crate::service::{MethodCall, Service};

mod sender;

/// The actor that wraps a proxy.
pub struct ProxyActor<S: Service> {
    proxy: Proxy<S>,
    /// PX3
    under_way: FuturesUnordered<BoxFuture<'static, ()>>,
    /// PX3
    queue: SendQueue,
    /// The deadlines of received messages that are not handled yet, in order (PX6).
    deadlines: VecDeque<Option<Instant>>,
}

/// The most pending calls: asks that wait for an answer, tells that wait for room (PX4).
const MAX_PENDING: usize = 1024;

/// The service of a proxy is down and will not restart by itself. This is the error that the proxy's actor
/// stops with: kameo calls that [`Panicked`](ActorStopReason::Panicked), and its `is_panic()` is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGone(pub String);

impl<S: Service> Actor for ProxyActor<S> {
    type Args = Proxy<S>;
    type Error = ServiceGone;

    async fn on_start(proxy: Proxy<S>, _: ActorRef<Self>) -> Result<Self, ServiceGone> {
        Ok(Self {
            proxy,
            under_way: FuturesUnordered::new(),
            queue: SendQueue::new(),
            deadlines: VecDeque::new(),
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, ServiceGone> {
        loop {
            let room = self.under_way.len() < MAX_PENDING; // PX4
            tokio::select! {
                biased;
                // First, so that a message is sent before the next one is received (PX3).
                Some(()) = self.under_way.next() => {}
                signal = mailbox.recv(), if room => {
                    if let Some(Signal::Message { message_name, .. }) = &signal {
                        self.deadlines.push_back(sender::deadline(message_name));
                    }
                    return Ok(signal);
                }
                why = self.proxy.closed() => return Err(ServiceGone(why)),
            }
        }
    }

    async fn on_stop(
        &mut self,
        _: WeakActorRef<Self>,
        reason: ActorStopReason,
    ) -> Result<(), ServiceGone> {
        // PX5
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

    /// Called in the sender's task (PX6).
    fn name() -> &'static str {
        sender::name(std::any::type_name::<M>())
    }

    async fn handle(&mut self, message: M, ctx: &mut Context<Self, Self::Reply>) -> Self::Reply {
        let proxy = self.proxy.clone();
        let queue = self.queue.clone();
        let deadline = self.deadlines.pop_front().flatten();
        let (delegated, sender) = ctx.reply_sender();
        self.under_way.push(match sender {
            Some(sender) => Box::pin(contained(answer(sender.boxed(), async move {
                match queue.turn(deadline).await {
                    Some(turn) => proxy.run(message, by(deadline), turn).await,
                    None => Err(CallError::DeadlineExceeded),
                }
            }))),
            None => Box::pin(contained(async move {
                let sent = match queue.turn(deadline).await {
                    // Until it is sent.
                    Some(_turn) => proxy.send(message, by(deadline)).await,
                    None => Err(CallError::DeadlineExceeded),
                };
                if let Err(error) = sent {
                    let service = S::descriptor();
                    let method = service.method_name(M::METHOD);
                    tracing::warn!(service = service.name, method, %error, "a tell was not delivered");
                }
            })),
        });
        delegated
    }
}

fn by(deadline: Option<Instant>) -> AskOptions {
    let mut options = AskOptions::default();
    options.call.deadline = deadline;
    options
}

/// Replies with the call's result. The call is dropped when the asker is gone (PX6).
async fn answer<T: Send + 'static, E: std::fmt::Debug + Send + 'static>(
    mut sender: BoxReplySender,
    call: impl Future<Output = Result<T, E>>,
) {
    let result = tokio::select! {
        biased;
        () = sender.closed() => return,
        result = call => result,
    };
    // As `ReplySender::send` does.
    let reply = match result {
        Ok(value) => Ok(Box::new(value) as BoxReply),
        Err(error) => Err(BoxSendError::HandlerError(Box::new(error))),
    };
    drop(sender.send(reply));
}

/// Contains a panic of a call (PX7).
async fn contained(call: impl Future<Output = ()>) {
    if let Err(panic) = AssertUnwindSafe(call).catch_unwind().await {
        let message = panic_message(panic);
        tracing::warn!(
            message,
            "a message or a result panicked when it was dropped"
        );
    }
}

impl<S: Service> Proxy<S> {
    /// Starts an actor that represents this proxy (PX1, PX2).
    ///
    /// It stops for good, and notifies its links, when the service is down and will not restart by itself. If
    /// the plugin is started again after that, make a new actor.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn actor_ref(&self) -> ActorRef<ProxyActor<S>> {
        ProxyActor::spawn(self.clone())
    }

    /// Starts an actor, as [`actor_ref`](Self::actor_ref), and returns a recipient for one of the service's
    /// messages.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn recipient<M: MethodCall<S>>(&self) -> Recipient<M> {
        self.actor_ref().recipient()
    }

    /// Starts an actor, as [`actor_ref`](Self::actor_ref), and returns a recipient with replies, of the same
    /// type as a local actor's.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn reply_recipient<M: MethodCall<S>>(
        &self,
    ) -> ReplyRecipient<M, M::Ok, CallError<M::Error>> {
        self.actor_ref().reply_recipient()
    }
}
