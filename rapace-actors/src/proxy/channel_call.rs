//! One call over one channel.
//!
//! - CC1: a method's number is the peer's, looked up by the name and the hash of the method, for each channel.
//!   So no other method runs than the one that was called, on any peer.

use std::any::TypeId;
use std::convert::Infallible;

use futures_util::FutureExt;
use rapace_codec::{EncodeError, Writer, guarded};
use rapace_session::{CallFailure, CallOptions, Channel, Encode, Reply};

use super::try_tell::TryTellError;
use super::turn::Turn;
use crate::error::CallError;
use crate::service::contained::Contained;
use crate::service::streaming::{OutgoingItems, pump_argument};
use crate::service::warnings::{TellFailure, WarningSink};
use crate::service::{MethodCall, Service};

/// Returns the peer's number for the method (CC1).
fn number<S: Service, M: MethodCall<S>>(channel: &Channel) -> Result<u32, CallFailure> {
    let number = channel.method::<S>(M::METHOD, || S::descriptor().offer());
    number.map_err(CallFailure::from)
}

/// Makes a call. The outer error is the session's, the inner result the method's. The items of a stream
/// argument are taken once the request is sent; until then, the call can be sent again.
pub(super) async fn call_channel<S: Service, M: MethodCall<S>>(
    channel: &Channel,
    message: &M,
    items: &mut Option<OutgoingItems>,
    options: &CallOptions,
    turn: &mut Turn,
) -> Result<Result<M::Ok, CallError<M::Error>>, CallFailure> {
    if !M::ITEMS_IN && !M::ITEMS_OUT && !turn.matters() {
        let method = number::<S, M>(channel)?;
        let body = Arguments::<S, M>::of(message);
        let reply = channel.call(method, &body, options).await?;
        return Ok(decode::<S, M>(&reply, None, Wants::All));
    }
    // Boxed: small beside the cost of a stream, and without it every call's future would be larger.
    Box::pin(in_two_steps::<S, M>(channel, message, items, options, turn)).await
}

/// Sends the request, then waits for the answer.
async fn in_two_steps<S: Service, M: MethodCall<S>>(
    channel: &Channel,
    message: &M,
    items: &mut Option<OutgoingItems>,
    options: &CallOptions,
    turn: &mut Turn,
) -> Result<Result<M::Ok, CallError<M::Error>>, CallFailure> {
    let method = number::<S, M>(channel)?;
    let body = Arguments::<S, M>::of(message);
    if !M::ITEMS_IN && !M::ITEMS_OUT {
        let response = channel.begin_call(method, &body, options).await?;
        turn.pass();
        return Ok(decode::<S, M>(&response.await?, None, Wants::All));
    }
    let (parts, response) = channel
        .call_streaming(method, &body, options, M::ITEMS_IN, M::ITEMS_OUT)
        .await?;
    turn.pass();
    let moves = response.moves();
    let unanswered = items
        .take()
        .zip(parts.sender)
        .map(|(items, sender)| pump_argument(items, sender, moves.clone()));
    let reply = response.await?;
    drop(unanswered);
    let receiver = match moves {
        Some(moves) => moves.receiver(parts.receiver).await,
        None => parts.receiver,
    };
    Ok(decode::<S, M>(&reply, receiver, Wants::All))
}

/// How much of an answer a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    /// All of it: a result that is a stream must have one.
    All,
    /// Only whether it succeeded; no stream was requested.
    NoItems,
}

fn decode<S: Service, M: MethodCall<S>>(
    reply: &Reply,
    items: Option<rapace_session::StreamReceiver>,
    wants: Wants,
) -> Result<M::Ok, CallError<M::Error>> {
    let mut reader = reply.body.reader();
    if reply.is_error && TypeId::of::<M::Error>() == TypeId::of::<Infallible>() {
        return Err(CallError::Protocol(format!(
            "method {} of `{}` has no error of its own, and the other side answered with one",
            M::METHOD,
            S::descriptor().name
        )));
    }
    let items = if reply.is_error { None } else { items };
    if M::ITEMS_OUT && !reply.is_error && items.is_none() && wants == Wants::All {
        return Err(CallError::Protocol(format!(
            "the result of method {} of `{}` is a stream, and its answer came without one",
            M::METHOD,
            S::descriptor().name
        )));
    }
    // Data from the peer may make the result's own code panic, which must not panic the caller's task.
    let result = guarded(|| {
        let result = M::decode_reply(reply.is_error, &mut reader, items)?;
        reader.finish_with(result)
    });
    let why = match result {
        Ok(Ok(result)) => return result.map_err(CallError::Handler),
        Ok(Err(error)) => error.to_string(),
        Err(message) => format!("it panicked: {message}"),
    };
    Err(CallError::Protocol(format!(
        "the result of `{}` could not be decoded: {why}",
        S::descriptor().name
    )))
}

pub(super) async fn try_tell_channel<S: Service, M: MethodCall<S>>(
    channel: &Channel,
    mut message: M,
    options: &CallOptions,
) -> Result<(), TryTellError<M>> {
    let sent = match number::<S, M>(channel) {
        Ok(method) if M::ITEMS_IN => {
            let sent = tell_items::<S, M>(channel, method, &mut message, options);
            // If there is no room, dropping the future sends nothing.
            let now = tokio::task::unconstrained(sent).now_or_never();
            now.map_or(Ok(false), |sent| sent.map(|()| true))
        }
        Ok(method) => {
            let body = Arguments::<S, M>::of(&message);
            channel.try_tell(method, &body, options).await
        }
        Err(failure) => Err(failure),
    };
    match sent {
        Ok(true) => Ok(()),
        Ok(false) => Err(TryTellError::Full(message)),
        Err(failure) => Err(TryTellError::Refused(CallError::from_call(failure))),
    }
}

pub(super) async fn tell_channel<S: Service, M: MethodCall<S>>(
    channel: &Channel,
    message: &mut M,
    options: &CallOptions,
) -> Result<(), CallFailure> {
    let method = number::<S, M>(channel)?;
    if M::ITEMS_IN {
        return Box::pin(tell_items::<S, M>(channel, method, message, options)).await;
    }
    let body = Arguments::<S, M>::of(message);
    channel.tell(method, &body, options).await
}

/// Sends a tell with a stream. On the wire it is a call: a task waits for its outcome, which ends the stream,
/// and reports a failure. The items are taken once the request is sent.
async fn tell_items<S: Service, M: MethodCall<S>>(
    channel: &Channel,
    method: u32,
    message: &mut M,
    options: &CallOptions,
) -> Result<(), CallFailure> {
    let body = Arguments::<S, M>::of(message);
    let sent = channel.call_streaming(method, &body, options, true, false);
    let (parts, response) = sent.await?;
    let sending = message
        .take_items()
        .zip(parts.sender)
        .map(|(items, sender)| pump_argument(items, sender, response.moves()));
    tokio::spawn(async move {
        let outcome = response.await;
        drop(sending);
        let failed =
            |why: &TellFailure<'_>| WarningSink::of(false).tell_failed::<S>(M::METHOD, why);
        // Data from the peer may panic when it is dropped, which must not panic this task.
        match outcome.map(|reply| Contained::new(decode::<S, M>(&reply, None, Wants::NoItems))) {
            Ok(decoded) => match decoded.get() {
                Ok(_) => {}
                Err(CallError::Handler(error)) => failed(&TellFailure::Error(error)),
                Err(other) => failed(&TellFailure::Error(other)),
            },
            Err(failure) => failed(&TellFailure::Failure(&failure)),
        }
    });
    Ok(())
}

/// A message as the body of a request.
struct Arguments<'a, S, M> {
    message: &'a M,
    service: std::marker::PhantomData<fn() -> S>,
}

impl<'a, S, M> Arguments<'a, S, M> {
    fn of(message: &'a M) -> Self {
        Self {
            message,
            service: std::marker::PhantomData,
        }
    }
}

impl<S: Service, M: MethodCall<S>> Encode for Arguments<'_, S, M> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.message.encode(writer)
    }
}
