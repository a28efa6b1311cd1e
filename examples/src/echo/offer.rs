//! Serves one service to a peer that is not a plugin.
//!
//! Between a plugin and its host `rapace::plugin` does this. Peers that connect at a socket path establish
//! their session themselves, and declare here what can be called.
//!
//! - O1: calls run one at a time in FIFO order. The queue itself is unbounded: the credit window that the peer
//!   is granted bounds it.
//! - O2: a cancelled call's handler is dropped at its next await point.

use std::sync::Arc;

use rapace::service::{Serve, Service};
use rapace_codec::{EncodeError, Writer};
use rapace_session::{
    Encode, IncomingCall, RemoteError, RequestSink, RunningCall, ServiceResolver,
};
use tokio::sync::mpsc;

/// The credit window: how many calls may wait.
const WINDOW: u32 = 64;

/// Serves `service` to one session, until the session ends.
///
/// # Panics
/// Outside a tokio runtime.
pub fn offer<T: Serve>(service: T) -> Arc<dyn ServiceResolver> {
    let (mailbox, calls) = mpsc::unbounded_channel();
    tokio::spawn(serve(service, calls));
    Arc::new(Offered {
        name: T::Service::descriptor().name,
        mailbox: Arc::new(Mailbox(mailbox)),
    })
}

struct Offered {
    name: &'static str,
    mailbox: Arc<Mailbox>,
}

impl ServiceResolver for Offered {
    fn resolve(&self, service: &str) -> Result<(Arc<dyn RequestSink>, u32), String> {
        if service == self.name {
            Ok((Arc::clone(&self.mailbox) as Arc<dyn RequestSink>, WINDOW))
        } else {
            Err(format!("no service `{service}` here, only `{}`", self.name))
        }
    }
}

struct Mailbox(mpsc::UnboundedSender<IncomingCall>);

impl RequestSink for Mailbox {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|refused| refused.0)
    }
}

async fn serve<T: Serve>(mut service: T, mut calls: mpsc::UnboundedReceiver<IncomingCall>) {
    while let Some(call) = calls.recv().await {
        let method = call.method();
        let Some(mut running) = call.begin() else {
            continue;
        };
        let request = match decode::<T::Service>(method, &mut running) {
            Ok(request) => request,
            Err(failure) => {
                running.fail(&failure);
                continue;
            }
        };
        let work = running.context().scope(service.handle(request));
        let response = tokio::select! {
            biased;
            response = work => response,
            failure = running.cancelled() => { // O2
                running.fail(&failure);
                continue;
            }
        };
        let status = T::Service::status(&response);
        running.reply(status, &Body::<T::Service>(&response)).await;
    }
}

fn decode<S: Service>(method: u32, running: &mut RunningCall) -> Result<S::Request, RemoteError> {
    let body = running.take_arguments().ok_or(RemoteError::Dropped)?;
    let mut reader = body.reader();
    let bad = |why: &dyn std::fmt::Debug| RemoteError::BadArguments(format!("{why:?}"));
    let request =
        S::decode_request(method, &mut reader, running.take_receiver()).map_err(|why| bad(&why))?;
    reader.finish().map_err(|why| bad(&why))?;
    Ok(request)
}

struct Body<'a, S: Service>(&'a S::Response);

impl<S: Service> Encode for Body<'_, S> {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        S::encode_response(self.0, writer)
    }
}
