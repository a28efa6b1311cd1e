//! The actor that serves a service: one message at a time, from any session and from this process.
//!
//! | message | from | kind |
//! |---|---|---|
//! | `RemoteCall` | a session's reader | tell |
//! | `LocalCall` | a proxy in this process | tell |
//!
//! - A1: a call counts as begun before any of its bytes are decoded.
//! - A2: a caller that leaves, or a deadline that passes, drops the handler at its next await. What is past its
//!   deadline when its turn comes does not begin.
//! - A3: a handler that panics fails its call with the message; what follows is [`OnPanic`]'s.
//! - A4: a result is encoded, dropped, then sent: buffers of the request that it holds are the caller's
//!   again when the caller hears, to be sent elsewhere as they lie.
//! - A5: a tell that fails is logged, whichever way it came and failed.
//! - A6: the next message waits for the blocking work of the one before, also when the handler was dropped. A call that
//!   was given up keeps its credit until then; any other is answered before.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use kameo::Actor;
use kameo::actor::ActorRef;
use kameo::error::Infallible;
use kameo::message::{Context, Message};
use rapace_codec::{EncodeError, Writer};
use rapace_session::{
    BlockingWork, CallContext, Encode, Failure, IncomingCall, RunningCall, Status,
};
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::streaming::{OutgoingItems, pump};
use super::voice::{Voice, Why};
use super::{RequestError, Serve, Service};
use crate::proxy::now;

/// What becomes of a service whose handler panicked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// It goes on with the state that it has. The default: a handler's own state is rarely left
    /// half-changed, and the caller was told.
    #[default]
    Continue,
    /// It stops. A plugin's process then ends with an error, and its restart policy decides.
    Stop,
}

/// The actor around an implementation.
pub(crate) struct ServiceActor<T: Serve> {
    service: T,
    on_panic: OnPanic,
    halted: watch::Sender<bool>,
    halts: bool,
    /// A6
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
}

/// A call that a session's reader read.
pub(crate) struct RemoteCall(pub(crate) IncomingCall);

/// A call from within this process.
pub(crate) struct LocalCall<S: Service> {
    pub(crate) request: S::Request,
    pub(crate) context: CallContext,
    /// `None` for a tell.
    pub(crate) reply: Option<oneshot::Sender<Result<S::Response, Failure>>>,
    /// The caller's place in the mailbox.
    pub(crate) place: OwnedSemaphorePermit,
}

impl<T: Serve> Message<RemoteCall> for ServiceActor<T> {
    type Reply = ();

    async fn handle(&mut self, RemoteCall(call): RemoteCall, ctx: &mut Context<Self, ()>) {
        let method = call.method();
        let until = call.deadline().filter(|_| call.is_tell());
        let Some(mut running) = call.begin() else {
            // A1: cancelled or too late, and answered.
            if until.is_some_and(|at| at <= now()) {
                self.tell_failed(method, &Why::Failure(&Failure::DeadlineExceeded));
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
        let outcome = {
            // Pinned where they are, so that no future is moved into another.
            let work = pin!(context.scope(self.service.handle(request)));
            let work = AssertUnwindSafe(work).catch_unwind();
            tokio::select! {
                biased;
                outcome = work => outcome.map_err(panicked),
                failure = running.cancelled() => Err(failure), // A2
            }
        };
        match outcome {
            Ok(mut response) => {
                if running.is_tell()
                    && let Some(error) = T::Service::error(&response)
                {
                    self.tell_failed(method, &Why::Error(error));
                }
                match T::Service::take_items(&mut response) {
                    None => {
                        let status = T::Service::status(&response);
                        let body = Body::<T::Service>(&response);
                        let answer = running.seal(status, &body).await;
                        drop(response); // A4
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
                let panicked = matches!(failure, Failure::Panicked(_));
                if !panicked {
                    self.blocking_done(method).await; // A6
                }
                if running.is_tell() {
                    self.tell_failed(method, &Why::Failure(&failure));
                }
                running.fail(&failure);
                self.after(panicked, ctx).await;
            }
        }
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
        let method = T::Service::method(&request);
        let guard = context.guard();
        let outcome = match ended(&context) {
            Some(failure) => Err(failure), // A2
            None => {
                let handled = context.clone().counting(&self.blocking);
                let work =
                    AssertUnwindSafe(handled.scope(self.service.handle(request))).catch_unwind();
                tokio::select! {
                    biased;
                    outcome = work => outcome.map_err(panicked),
                    () = context.cancelled() => Err(ended(&context).unwrap_or(Failure::Cancelled)),
                }
            }
        };
        // Work that goes on learns that its call is over.
        drop(guard);
        let panicked = matches!(outcome, Err(Failure::Panicked(_)));
        match (reply, &outcome) {
            // A caller that left wants no answer.
            (Some(reply), _) => drop(reply.send(outcome)),
            (None, Err(failure)) => self.tell_failed(method, &Why::Failure(failure)),
            (None, Ok(response)) => {
                if let Some(error) = T::Service::error(response) {
                    self.tell_failed(method, &Why::Error(error));
                }
            }
        }
        self.after(panicked, ctx).await;
        self.blocking_done(method).await;
    }
}

impl<T: Serve> ServiceActor<T> {
    /// A5
    fn tell_failed(&self, method: u32, why: &Why<'_>) {
        Voice::of(self.halts).failed::<T::Service>(method, why);
    }

    /// A6
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
fn ended(context: &CallContext) -> Option<Failure> {
    context.is_cancelled().then(|| match context.deadline {
        Some(at) if at <= now() => Failure::DeadlineExceeded,
        _ => Failure::Cancelled,
    })
}

fn decode<S: Service>(method: u32, running: &mut RunningCall) -> Result<S::Request, Failure> {
    // The request's buffers go back when the envelope is dropped, at the end of this function.
    let envelope = running.take_arguments().ok_or(Failure::Dropped)?;
    let mut reader = envelope.reader();
    let request = S::decode_request(method, &mut reader, running.take_receiver());
    let request = request.map_err(|error| match error {
        RequestError::UnknownMethod(n) => {
            Failure::UnknownMethod(format!("{} has no method {n}", S::descriptor().name))
        }
        RequestError::Decode(error) => Failure::BadArguments(error.to_string()),
    })?;
    reader
        .finish()
        .map_err(|error| Failure::BadArguments(error.to_string()))?;
    Ok(request)
}

struct Body<'a, S: Service>(&'a S::Response);

impl<S: Service> Encode for Body<'_, S> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        S::encode_response(self.0, writer)
    }
}

async fn answer_with_items<S: Service>(
    mut running: RunningCall,
    response: S::Response,
    items: OutgoingItems,
    context: Option<CallContext>,
) {
    let sender = running.take_sender();
    let status = S::status(&response);
    let wanted = status == Status::Ok && !running.is_tell();
    // The reply goes first, the items after it on the same ring.
    let answer = running.seal(status, &Body::<S>(&response)).await;
    drop(response); // A4
    answer.send().await;
    if wanted && let Some(sender) = sender {
        pump(items, sender, context);
    }
}

/// How long a service waits for blocking work before it says so.
const PATIENCE: Duration = Duration::from_secs(1);

/// The message of a panic, as `panic!` gives it.
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Failure {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned());
    Failure::Panicked(message)
}
