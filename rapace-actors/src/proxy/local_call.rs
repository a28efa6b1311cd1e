//! One call to a service in this process.

use super::options::AskOptions;
use super::turn::Turn;
use crate::error::CallError;
use crate::service::handle::{AskFailure, LocalOptions, LocalService, Stopped};
use crate::service::{MethodCall, Service};

pub(super) fn stopped<S: Service, E>() -> CallError<E> {
    CallError::Unavailable(format!("service `{}` has stopped", S::descriptor().name))
}

pub(super) async fn call_local<S: Service, M: MethodCall<S>>(
    service: &dyn LocalService<S>,
    message: M,
    options: AskOptions,
    turn: &mut Turn,
) -> Result<M::Ok, CallError<M::Error>> {
    let local = LocalOptions {
        deadline: options.call.deadline,
        metadata: options.call.metadata,
    };
    let asked = service.ask(message.into_request(), local).await;
    turn.pass();
    let response = match asked {
        Ok(answer) => answer.wait().await,
        Err(Stopped) => Err(AskFailure::Stopped),
    };
    match response {
        Ok(response) => match M::from_response(response) {
            Some(result) => result.map_err(CallError::Handler),
            None => Err(CallError::Protocol("another method's response".into())),
        },
        Err(AskFailure::Failed(failure)) => Err(CallError::from_remote_error(failure)),
        Err(AskFailure::Stopped) => Err(stopped::<S, _>()),
        Err(AskFailure::Dropped) => {
            let service = S::descriptor().name;
            Err(CallError::Dropped(format!("a call of service `{service}`")))
        }
    }
}
