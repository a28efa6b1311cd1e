//! A proxy as a kameo actor, so that it can be linked, and stand wherever an `ActorRef` or a
//! `Recipient` is asked for.
//!
//! - PX1: it takes every message of its service, with the reply type that a local actor would have.
//! - PX2: it stops when what stands behind it does not come back by itself, and its links are told. That is for good, as
//!   for every actor of kameo's: after a stop and a start of the plugin the proxy works again, and its old actors do not.
//! - PX3: messages leave in the order in which they came, asks and tells alike, also when one has to wait for room, and
//!   are under way at the same time. The actor looks after them itself: tasks of their own could overtake each other,
//!   and wake other threads.
//! - PX4: with 1024 under way it takes no more, so its mailbox fills as that of an actor that is behind.
//! - PX5: it does not stop before what it took has ended, which that does when the service is gone at the latest. When it
//!   is killed, what it took is given up.
//! - PX6: a call whose asker has gone is cancelled, and one that was asked or told by a handler is under the deadline
//!   of the call that this handles.
//! - PX7: a call that panics, by the `Drop` of a message or of a result that nobody takes, ends nothing but itself.

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
use super::turn::Line;
use crate::error::CallError;
use crate::service::{MethodCall, Service};

mod sender;

/// The actor around a proxy.
pub struct ProxyActor<S: Service> {
    proxy: Proxy<S>,
    /// PX3
    under_way: FuturesUnordered<BoxFuture<'static, ()>>,
    /// PX3
    line: Line,
    /// Of the messages that were received and are not handled yet, in their order (PX6).
    deadlines: VecDeque<Option<Instant>>,
}

/// PX4: calls that wait for their answers, tells that wait for room.
const MOST: usize = 1024;

/// What stood behind a proxy does not come back by itself. This is the error that its actor stops with: kameo calls that
/// [`Panicked`](ActorStopReason::Panicked), and its `is_panic()` is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceGone(pub String);

impl<S: Service> Actor for ProxyActor<S> {
    type Args = Proxy<S>;
    type Error = ServiceGone;

    async fn on_start(proxy: Proxy<S>, _: ActorRef<Self>) -> Result<Self, ServiceGone> {
        Ok(Self {
            proxy,
            under_way: FuturesUnordered::new(),
            line: Line::new(),
            deadlines: VecDeque::new(),
        })
    }

    async fn next(
        &mut self,
        _: WeakActorRef<Self>,
        mailbox: &mut MailboxReceiver<Self>,
    ) -> Result<Option<Signal<Self>>, ServiceGone> {
        loop {
            let room = self.under_way.len() < MOST; // PX4
            tokio::select! {
                biased;
                // First, so that a message leaves before the next one is taken (PX3).
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

    /// Asked for in the sender's task (PX6).
    fn name() -> &'static str {
        sender::name(std::any::type_name::<M>())
    }

    async fn handle(&mut self, message: M, ctx: &mut Context<Self, Self::Reply>) -> Self::Reply {
        let proxy = self.proxy.clone();
        let line = self.line.clone();
        let deadline = self.deadlines.pop_front().flatten();
        let (delegated, sender) = ctx.reply_sender();
        self.under_way.push(match sender {
            Some(sender) => Box::pin(contained(answer(sender.boxed(), async move {
                match line.turn(deadline).await {
                    Some(turn) => proxy.run(message, by(deadline), turn).await,
                    None => Err(CallError::DeadlineExceeded),
                }
            }))),
            None => Box::pin(contained(async move {
                let told = match line.turn(deadline).await {
                    // Until it has left.
                    Some(_turn) => proxy.send(message, by(deadline)).await,
                    None => Err(CallError::DeadlineExceeded),
                };
                if let Err(error) = told {
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

/// Answers with what the call gives. The call is dropped when nobody waits for it any more (PX6).
async fn answer<T: Send + 'static, E: std::fmt::Debug + Send + 'static>(
    mut sender: BoxReplySender,
    call: impl Future<Output = Result<T, E>>,
) {
    let result = tokio::select! {
        biased;
        () = sender.closed() => return,
        result = call => result,
    };
    // As `ReplySender::send` does it.
    let reply = match result {
        Ok(value) => Ok(Box::new(value) as BoxReply),
        Err(error) => Err(BoxSendError::HandlerError(Box::new(error))),
    };
    drop(sender.send(reply));
}

/// PX7.
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
    /// An actor that stands for this proxy (PX1, PX2). Each call starts one.
    ///
    /// It stops for good, and tells its links, when what stands behind the proxy does not come back by itself. When a
    /// plugin that was stopped is started again, take a new one.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn actor_ref(&self) -> ActorRef<ProxyActor<S>> {
        ProxyActor::spawn(self.clone())
    }

    /// A recipient for one of the service's messages, as a local actor's. Starts an actor, as [`actor_ref`](Self::actor_ref).
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn recipient<M: MethodCall<S>>(&self) -> Recipient<M> {
        self.actor_ref().recipient()
    }

    /// A recipient that replies, of the same type as a local actor's. Starts an actor, as [`actor_ref`](Self::actor_ref).
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
