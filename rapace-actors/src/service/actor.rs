//! The actor that serves a service: one message at a time, from any session and from this process.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `RemoteCall` | a session's reader | tell |
//! | `LocalCall` | a proxy in this process | tell |
//!
//! - SA1: a call counts as begun before any of its bytes are decoded.
//! - SA2: a caller that leaves, or a deadline that passes, drops the handler at its next await. What is past its
//!   deadline when its turn comes does not begin.
//! - SA3: a handler that panics fails its call with the message; what follows is [`OnPanic`]'s. That holds for the
//!   `Drop` of what it holds when it is given up, too.
//! - SA4: a result is encoded, dropped, then sent: buffers of the request that it holds are the caller's
//!   again when the caller hears, to be sent elsewhere as they lie.
//! - SA5: a tell that fails is logged, whichever way it came and failed.
//! - SA6: the next message waits for the blocking work of the one before, also when the handler was dropped. A call that
//!   was given up keeps its credit until then; any other is answered before.
//! - SA7: all other code of the user's is run where a panic ends the call that it belongs to, and nothing else: in
//!   decoding ([`rapace_codec`] names whose it was), in encoding, and in the `Drop` of arguments and results
//!   (`Contained`). The peer chose those bytes, so it must not be able to end a service that others use.

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
use super::voice::{Voice, Why};
use super::{RequestError, Serve, Service};
use crate::clock::now;

/// What becomes of a service whose handler panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnPanic {
    /// It goes on with the state that it has. The default: a handler's own state is rarely left
    /// half-changed, and the caller was told.
    #[default]
    Continue,
    /// It stops. A plugin's process then ends with an error, within 2 s or its host kills it, and its restart policy
    /// decides.
    Stop,
}

/// The actor around an implementation.
pub(crate) struct ServiceActor<T: Serve> {
    service: T,
    on_panic: OnPanic,
    halted: watch::Sender<bool>,
    halts: bool,
    /// SA6
    blocking: BlockingWork,
}

/// What a service actor starts with.
pub(crate) struct ServiceArgs<T> {
    pub(crate) service: T,
    pub(crate) on_panic: OnPanic,
    /// Told when the service halts.
    pub(crate) halted: watch::Sender<bool>,
    /// Whether a stop after a panic leaves the mailbox as it is, because the process ends and its
    /// host sends what had not begun to the next one.
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

    /// Nothing gets here: every call's panic is its own (SA3, SA7). If something does, its call was answered when it was
    /// dropped, and a service is not stopped for the others.
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

/// A call that a session's reader read.
pub(crate) struct RemoteCall(pub(crate) IncomingCall);

/// A call from within this process.
pub(crate) struct LocalCall<S: Service> {
    pub(crate) request: Contained<S::Request>,
    pub(crate) context: CallContext,
    /// `None` for a tell.
    pub(crate) reply: Option<LocalReply<S>>,
    /// The caller's place in the mailbox.
    pub(crate) place: OwnedSemaphorePermit,
}

/// Where a local call's outcome goes.
pub(crate) type LocalReply<S> =
    oneshot::Sender<Result<Contained<<S as Service>::Response>, RemoteError>>;

impl<T: Serve> Message<RemoteCall> for ServiceActor<T> {
    type Reply = ();

    async fn handle(&mut self, RemoteCall(call): RemoteCall, ctx: &mut Context<Self, ()>) {
        let method = call.method();
        let until = call.deadline().filter(|_| call.is_tell());
        let Some(mut running) = call.begin() else {
            // SA1: cancelled or too late, and answered.
            if until.is_some_and(|at| at <= now()) {
                self.tell_failed(method, &Why::Failure(&RemoteError::DeadlineExceeded));
            }
            return;
        };
        let context = running.context().counting(&self.blocking);
        let request = match decode::<T::Service>(method, &mut running) {
            Ok(request) => request,
            Err(failure) => {
                if running.is_tell() {
                    self.tell_failed(method, &Why::Failure(&failure));
                }
                return running.fail(&failure);
            }
        };
        let after_answer = T::Service::descriptor()
            .gives_items(method)
            .then(|| context.detached());
        let (outcome, panicked) = {
            // Pinned where it is, so that no future is moved into another.
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
                    self.tell_failed(method, &Why::Error(error));
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
                    // Boxed, since a stream costs more than that, and would make every future larger.
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
                    self.tell_failed(method, &Why::Failure(&failure));
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
        // Work that goes on learns that its call is over.
        drop(guard);
        match (reply, &outcome) {
            // A caller that left wants no answer.
            (Some(reply), _) => drop(reply.send(outcome)),
            (None, Err(failure)) => self.tell_failed(method, &Why::Failure(failure)),
            (None, Ok(response)) => {
                if let Some(error) = T::Service::error(response.get()) {
                    self.tell_failed(method, &Why::Error(error));
                }
            }
        }
        self.after(panicked, ctx).await;
        self.blocking_done(method).await;
    }
}

impl<T: Serve> ServiceActor<T> {
    /// SA5
    fn tell_failed(&self, method: u32, why: &Why<'_>) {
        Voice::of(self.halts).failed::<T::Service>(method, why);
    }

    /// SA6
    async fn blocking_done(&mut self, method: u32) {
        if self.blocking.is_done() {
            return;
        }
        // Boxed, since it is rare.
        let mut done = Box::pin(self.blocking.done());
        if tokio::time::timeout(PATIENCE, &mut done).await.is_err() {
            Voice::of(self.halts).waits::<T::Service>(method);
            done.await;
        }
    }

    async fn after(&mut self, panicked: bool, ctx: &mut Context<Self, ()>) {
        if !panicked || self.on_panic == OnPanic::Continue {
            return;
        }
        self.halted.send_replace(true);
        if self.halts {
            // Whoever was told ends the process. What waits in the mailbox stays unbegun.
            std::future::pending::<()>().await;
        }
        ctx.stop();
    }
}

/// Why a call is cancelled, if it is.
fn ended(context: &CallContext) -> Option<RemoteError> {
    context.is_cancelled().then(|| match context.deadline {
        Some(at) if at <= now() => RemoteError::DeadlineExceeded,
        _ => RemoteError::Cancelled,
    })
}

fn decode<S: Service>(method: u32, running: &mut RunningCall) -> Result<S::Request, RemoteError> {
    // The request's buffers go back when the body is dropped, at the end of this function.
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
        // What an argument does when it is dropped because another is not what it should be.
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
    // The reply goes first, the items after it on the same ring.
    let answer = running.encode(status, &Body::<S>(&response)).await;
    drop(response); // SA4
    answer.send().await;
    if wanted && let Some(sender) = sender {
        pump(items, sender, context);
    } else {
        drop(Contained::new(items)); // SA7: the items' own `Drop`.
    }
}

/// How long a service waits for blocking work before it says so.
const PATIENCE: Duration = Duration::from_secs(1);
