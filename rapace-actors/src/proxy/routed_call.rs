//! One call to a plugin, across as many of its incarnations as needed.

use rapace_session::{CallFailure, RemoteError, StartState};

use super::channel_call::call_channel;
use super::options::AskOptions;
use super::turn::Turn;
use crate::error::CallError;
use crate::route::{PluginRoute, ReadyChannel, Unready};
use crate::service::{MethodCall, Service};

pub(super) async fn ready<S: Service, E>(
    route: &PluginRoute,
    fail_fast: bool,
) -> Result<ReadyChannel, CallError<E>> {
    route
        .ready(S::descriptor().name, fail_fast)
        .await
        .map_err(|unready| match unready {
            Unready::Restarting => CallError::Restarting {
                plugin: route.name().to_owned(),
            },
            Unready::Down(reason) => CallError::Down(reason),
            Unready::NotProvided(why) => CallError::Unavailable(why),
        })
}

/// Whether the failure proves that the call did not run, and another incarnation will follow (X3).
pub(super) fn will_restart(route: &PluginRoute, failure: &CallFailure) -> bool {
    match failure {
        CallFailure::SessionEnded {
            start_state: StartState::NotBegun,
            ..
        } => true,
        // A plugin whose service has stopped exits and is restarted; a host is not.
        CallFailure::Failed(RemoteError::Unavailable(_)) => route.is_supervised(),
        _ => false,
    }
}

/// Waits until the route leaves the incarnation that did not run a call. False if that incarnation goes on, and the
/// channel alone was closed: the plugin withdrew its service, and no other incarnation follows by itself (X3).
pub(super) async fn left(route: &PluginRoute, ready: &ReadyChannel) -> bool {
    let channel = ready.channel();
    tokio::select! {
        biased;
        () = route.left(ready.incarnation()) => return true,
        () = channel.wait_closed() => {}
    }
    let session_ended = channel.ended().is_some();
    if session_ended {
        route.left(ready.incarnation()).await;
    }
    session_ended
}

pub(super) async fn call_route<S: Service, M: MethodCall<S>>(
    route: &PluginRoute,
    mut message: M,
    options: &AskOptions,
    turn: &mut Turn,
) -> Result<M::Ok, CallError<M::Error>> {
    let streams = M::ITEMS_IN || M::ITEMS_OUT;
    let mut items = message.take_items();
    loop {
        let ready = ready::<S, _>(route, options.fail_fast).await?;
        let call = &options.call;
        match call_channel::<S, M>(ready.channel(), &message, &mut items, call, turn).await {
            Ok(result) => return result,
            // A stream that was passed on is lost with its session; everything else is intact.
            Err(failure) if will_restart(route, &failure) && (!M::ITEMS_IN || items.is_some()) => {
                if !Box::pin(left(route, &ready)).await {
                    return Err(CallError::from_call(failure));
                }
                route.redelivers();
            }
            // Only if the call was not transferred from its session.
            Err(CallFailure::SessionEnded {
                start_state,
                reason,
            }) if streams => {
                let exit = Box::pin(route.exit_of(ready.incarnation()));
                return Err(match (exit.await, start_state) {
                    (Some(exit), StartState::NotBegun) => CallError::NotBegun(exit),
                    (Some(exit), _) => CallError::PluginDied(exit),
                    (None, start_state) => CallError::SessionEnded {
                        start_state,
                        reason,
                    },
                });
            }
            Err(failure) => return Err(CallError::from_call(failure)),
        }
    }
}
