//! The actor that runs a service: one message at a time, from any session and from this process.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `RemoteCall` | a session's reader | tell |
//! | `LocalCall` | a proxy in this process | tell |
//!
//! - SA1: a call counts as begun before any of its bytes are decoded.
//! - SA2: when the caller cancels or the deadline passes, the handler is dropped at its next await point. A
//!   call whose deadline has passed when its turn comes does not begin.
//! - SA3: a handler that panics fails its call with the panic message; [`OnPanic`] decides what happens to the
//!   service. The same holds for a panic in the `Drop` of a cancelled handler.
//! - SA4: a result is encoded, dropped, then sent. So buffers of the request that the result holds belong to
//!   the caller again when it receives the reply, and it can send them elsewhere without a copy.
//! - SA5: a failed tell is logged, local or remote, whatever the failure.
//! - SA6: the next message waits for the blocking work of the previous one, even if that handler was dropped. A
//!   cancelled call keeps its credit until then; any other call is answered first.
//! - SA7: all other user code runs where a panic fails only the call that it belongs to: decoding
//!   ([`rapace_codec`] names the culprit), encoding, and the `Drop` of arguments and results (`Contained`). The
//!   peer chose those bytes, so it must not be able to stop a service that others use.

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use kameo::Actor;
use kameo::actor::{ActorRef, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible, PanicError};
use kameo::message::{Context, Message};
use rapace_codec::{EncodeError, Writer, guarded};
use rapace_session::{
    BlockingWork, CallContext, Encode, IncomingCall, RemoteError, RunningCall, Status,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::contained::{Contained, leave_handler, poll_handler};
use super::streaming::{OutgoingItems, pump};
use super::warnings::{TellFailure, WarningSink};
use super::{RequestError, Serve, Service};
use crate::clock::now;

/// What happens to a service after its handler panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnPanic {
    /// The service continues with its current state. The default: a panic rarely leaves a handler's state
    /// half-changed, and the caller received the error.
    #[default]
    Continue,
    /// The service stops. A plugin's process then exits with an error, or is killed by its host after 2 s, and
    /// its restart policy decides what follows.
    Stop,
}

/// The actor around an implementation.
pub(crate) struct ServiceActor<T: Serve> {
    service: T,
    on_panic: OnPanic,
    halted: watch::Sender<bool>,
    halts: bool,
    /// Blocking work of the current call (SA6).
    blocking: BlockingWork,
}

/// The arguments of a service actor.
pub(crate) struct ServiceArgs<T> {
    pub(crate) service: T,
    pub(crate) on_panic: OnPanic,
    /// Set to true when the service halts.
    pub(crate) halted: watch::Sender<bool>,
    /// Whether a stop after a panic leaves the mailbox unread, because the process exits and its host sends the
    /// calls that had not begun to the next one.
    pub(crate) halts: bool,
}

impl<T: Serve> Actor for ServiceActor<T> {
    type Args = ServiceArgs<T>;
    type Error = Infallible;

    async fn on_start(args: ServiceArgs<T>, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self {
            service: args.service,
            on_panic: args.on_panic,
            halted: args.halted,
            halts: args.halts,
            blocking: BlockingWork::default(),
        })
    }

    /// Not expected to run: every panic is contained in its call (SA3, SA7). If one gets here, its call was
    /// answered when it was dropped, and [`OnPanic`] still decides about the service.
    async fn on_panic(
        &mut self,
        _: WeakActorRef<Self>,
        error: PanicError,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        let service = T::Service::descriptor().name;
        tracing::error!(service, %error, "a call panicked outside of its handler");
        Ok(match self.on_panic {
            OnPanic::Continue => ControlFlow::Continue(()),
            OnPanic::Stop => {
                self.halted.send_replace(true);
                ControlFlow::Break(ActorStopReason::Panicked(error))
            }
        })
    }
}

/// A call from a session's reader.
pub(crate) struct RemoteCall(pub(crate) IncomingCall);

/// A call from within this process.
pub(crate) struct LocalCall<S: Service> {
    pub(crate) request: Contained<S::Request>,
    pub(crate) context: CallContext,
    /// `None` for a tell.
    pub(crate) reply: Option<LocalReply<S>>,
    /// The caller's permit for one place in the mailbox.
    pub(crate) place: OwnedSemaphorePermit,
}

/// The sender of a local call's outcome.
pub(crate) type LocalReply<S> =
    oneshot::Sender<Result<Contained<<S as Service>::Response>, RemoteError>>;

impl<T: Serve> Message<RemoteCall> for ServiceActor<T> {
    type Reply = ();

    async fn handle(&mut self, RemoteCall(call): RemoteCall, ctx: &mut Context<Self, ()>) {
        let method = call.method();
        let until = call.deadline().filter(|_| call.is_tell());
        let Some(mut running) = call.begin() else {
            // SA1: cancelled or past its deadline, and answered already.
            if until.is_some_and(|at| at <= now()) {
                self.tell_failed(
                    method,
                    &TellFailure::Failure(&RemoteError::DeadlineExceeded),
                );
            }
            return;
        };
        let context = running.context().counting(&self.blocking);
        let request = match decode::<T::Service>(method, &mut running) {
            Ok(request) => request,
            Err(failure) => {
                if running.is_tell() {
                    self.tell_failed(method, &TellFailure::Failure(&failure));
                }
                return running.fail(&failure);
            }
        };
        let after_answer = T::Service::descriptor()
            .gives_items(method)
            .then(|| context.detached());
        let (outcome, panicked) = {
            // Pinned in place, which avoids moving a large future.
            let mut handler = pin!(Some(context.scope(self.service.handle(request))));
            let outcome = tokio::select! {
                biased;
                outcome = poll_fn(|cx| poll_handler(handler.as_mut(), cx)) => outcome,
                failure = running.cancelled() => Err(failure), // SA2
            };
            let left = leave_handler(handler);
            let panicked = left || matches!(outcome, Err(RemoteError::Panicked(_)));
            (outcome, panicked)
        };
        match outcome {
            Ok(mut response) => {
                if running.is_tell()
                    && let Some(error) = T::Service::error(&response)
                {
                    self.tell_failed(method, &TellFailure::Error(error));
                }
                let items = T::Service::take_items(&mut response);
                let response = Contained::new(response);
                match items {
                    None => {
                        let status = T::Service::status(response.get());
                        let body = Body::<T::Service>(&response);
                        let answer = running.encode(status, &body).await;
                        drop(response); // SA4
                        answer.send().await;
                    }
                    // Boxed: small beside the cost of a stream, and without it every handler's future would be
                    // larger.
                    Some(items) => {
                        Box::pin(answer_with_items::<T::Service>(
                            running,
                            response,
                            items,
                            after_answer,
                        ))
                        .await;
                    }
                }
            }
            Err(failure) => {
                if !matches!(failure, RemoteError::Panicked(_)) {
                    self.blocking_done(method).await; // SA6
                }
                if running.is_tell() {
                    self.tell_failed(method, &TellFailure::Failure(&failure));
                }
                running.fail(&failure);
            }
        }
        self.after(panicked, ctx).await;
        self.blocking_done(method).await;
    }
}

impl<T: Serve> Message<LocalCall<T::Service>> for ServiceActor<T> {
    type Reply = ();

    async fn handle(&mut self, call: LocalCall<T::Service>, ctx: &mut Context<Self, ()>) {
        let LocalCall {
            request,
            context,
            reply,
            place,
        } = call;
        drop(place);
        let method = T::Service::method(request.get());
        let guard = context.guard();
        let (outcome, panicked) = match ended(&context) {
            Some(failure) => (Err(failure), false), // SA2
            None => {
                let handled = context.clone().counting(&self.blocking);
                let request = request.into_inner();
                let mut handler = pin!(Some(handled.scope(self.service.handle(request))));
                let outcome = tokio::select! {
                    biased;
                    outcome = poll_fn(|cx| poll_handler(handler.as_mut(), cx)) => outcome,
                    () = context.cancelled() => Err(ended(&context).unwrap_or(RemoteError::Cancelled)),
                };
                let left = leave_handler(handler);
                let panicked = left || matches!(outcome, Err(RemoteError::Panicked(_)));
                (outcome.map(Contained::new), panicked)
            }
        };
        // Blocking work that still runs sees that its call is cancelled.
        drop(guard);
        match (reply, &outcome) {
            // If the caller is gone, the answer is dropped.
            (Some(reply), _) => drop(reply.send(outcome)),
            (None, Err(failure)) => self.tell_failed(method, &TellFailure::Failure(failure)),
            (None, Ok(response)) => {
                if let Some(error) = T::Service::error(response.get()) {
                    self.tell_failed(method, &TellFailure::Error(error));
                }
            }
        }
        self.after(panicked, ctx).await;
        self.blocking_done(method).await;
    }
}

impl<T: Serve> ServiceActor<T> {
    /// Logs a failed tell (SA5).
    fn tell_failed(&self, method: u32, why: &TellFailure<'_>) {
        WarningSink::of(self.halts).tell_failed::<T::Service>(method, why);
    }

    /// Waits for the blocking work of a call, and logs if that takes long (SA6).
    async fn blocking_done(&mut self, method: u32) {
        if self.blocking.is_done() {
            return;
        }
        // Boxed, since it is rare.
        let mut done = Box::pin(self.blocking.done());
        if tokio::time::timeout(PATIENCE, &mut done).await.is_err() {
            WarningSink::of(self.halts).waits_for_blocking::<T::Service>(method);
            done.await;
        }
    }

    async fn after(&mut self, panicked: bool, ctx: &mut Context<Self, ()>) {
        if !panicked || self.on_panic == OnPanic::Continue {
            return;
        }
        self.halted.send_replace(true);
        if self.halts {
            // The receiver of `halted` ends the process. Calls in the mailbox stay unbegun.
            std::future::pending::<()>().await;
        }
        ctx.stop();
    }
}

/// Why a call is cancelled; `None` if it is not.
fn ended(context: &CallContext) -> Option<RemoteError> {
    context.is_cancelled().then(|| match context.deadline {
        Some(at) if at <= now() => RemoteError::DeadlineExceeded,
        _ => RemoteError::Cancelled,
    })
}

fn decode<S: Service>(method: u32, running: &mut RunningCall) -> Result<S::Request, RemoteError> {
    // The request's buffers return to the caller when the body is dropped, at the end of this function.
    let body = running.take_arguments().ok_or(RemoteError::Dropped)?;
    let receiver = running.take_receiver();
    let decoded = guarded(|| {
        let mut reader = body.reader();
        let request = S::decode_request(method, &mut reader, receiver)?;
        Ok(reader.finish_with(request)?)
    });
    match decoded {
        Ok(request) => request.map_err(|error| match error {
            RequestError::UnknownMethod(n) => {
                RemoteError::UnknownMethod(format!("{} has no method {n}", S::descriptor().name))
            }
            RequestError::Decode(error) => RemoteError::BadArguments(error.to_string()),
            RequestError::NoStream => {
                let method = S::descriptor().methods.get(method as usize);
                let method = method.map_or("the method", |method| method.name);
                RemoteError::BadArguments(format!(
                    "`{}::{method}` takes a stream, and the request came without one",
                    S::descriptor().name
                ))
            }
        }),
        // The `Drop` of an argument panicked after another argument failed to decode.
        Err(message) => Err(RemoteError::BadArguments(format!(
            "one panicked: {message}"
        ))),
    }
}

struct Body<'a, S: Service>(&'a Contained<S::Response>);

impl<S: Service> Encode for Body<'_, S> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        S::encode_response(self.0.get(), writer)
    }
}

async fn answer_with_items<S: Service>(
    mut running: RunningCall,
    response: Contained<S::Response>,
    items: OutgoingItems,
    context: Option<CallContext>,
) {
    let sender = running.take_sender();
    let status = S::status(response.get());
    let wanted = status == Status::Ok && !running.is_tell();
    // The reply is sent first, its items follow on the same ring.
    let answer = running.encode(status, &Body::<S>(&response)).await;
    drop(response); // SA4
    answer.send().await;
    if wanted && let Some(sender) = sender {
        pump(items, sender, context);
    } else {
        drop(Contained::new(items)); // SA7: the items' own `Drop`.
    }
}

/// How long a service waits for blocking work before it logs that.
const PATIENCE: Duration = Duration::from_secs(1);
