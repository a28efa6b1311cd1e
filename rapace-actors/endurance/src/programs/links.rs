//! The services that a process can call.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rapace::service::{MethodCall, Service};
use rapace::{BlobMut, BufferError, CallError, Proxy, Streaming, TryTellError};

use super::content::{Content, Shape};
use super::failure::{Failure, of_call};
use super::node::{Report, first, second};
use super::plan::{Order, Reading, Target, Turn};

/// A service of another process.
#[derive(Clone, Debug)]
pub(crate) enum NodeProxy {
    First(first::NodeProxy),
    Second(second::NodeProxy),
}

/// The services that one process can call.
#[derive(Clone, Debug)]
pub(crate) enum Links {
    /// In a plugin: those of the host.
    Host([NodeProxy; 2]),
    /// In the host: those of each plugin, once these are started.
    Plugins(Arc<OnceLock<Vec<[NodeProxy; 2]>>>),
}

impl Links {
    pub(crate) fn to(&self, to: Target) -> Result<&NodeProxy, Failure> {
        let both = match (self, to.process) {
            (Self::Host(both), 0) => Some(both),
            (Self::Plugins(all), 1..) => all
                .get()
                .and_then(|all| all.get(usize::from(to.process) - 1)),
            _ => None,
        };
        let both = both.ok_or_else(|| Failure::Wrong(format!("no way to {to:?}")))?;
        Ok(&both[usize::from(to.service)])
    }
}

/// Calls a method of either service.
macro_rules! either {
    ($self:ident, $node:ident => $call:expr) => {
        match $self {
            Self::First($node) => $call,
            Self::Second($node) => $call,
        }
    };
}

impl NodeProxy {
    pub(crate) async fn allocate(&self, len: usize) -> Result<BlobMut, BufferError> {
        either!(self, node => node.allocate(len).await)
    }

    pub(crate) async fn work(
        &self,
        order: Order,
        turn: Turn,
        request: Content,
        timeout: Option<Duration>,
    ) -> Result<Content, Failure> {
        either!(self, node => {
            let mut call = node.work(order, turn, false, request);
            if let Some(timeout) = timeout {
                call = call.timeout(timeout);
            }
            call.await.map_err(|error| of_call("a call", error, |failure| failure))
        })
    }

    pub(crate) async fn work_again(
        &self,
        order: Order,
        request: Content,
    ) -> Result<Content, Failure> {
        either!(self, node => {
            let reply = node.work_again(order, request).await;
            reply.map_err(|error| of_call("an idempotent call", error, |failure| failure))
        })
    }

    pub(crate) async fn tell(
        &self,
        order: Order,
        turn: Turn,
        request: Content,
        at_once: bool,
    ) -> Result<(), Failure> {
        let told = true;
        let sent = match self {
            Self::First(node) => {
                let message = first::Work {
                    order,
                    turn,
                    told,
                    request,
                };
                tell(node, message, at_once).await
            }
            Self::Second(node) => {
                let message = second::Work {
                    order,
                    turn,
                    told,
                    request,
                };
                tell(node, message, at_once).await
            }
        };
        sent.map_err(|error| of_call("a tell", error, |never| match never {}))
    }

    pub(crate) async fn upload(
        &self,
        shapes: Vec<Shape>,
        order: Reading,
        items: Streaming<Content>,
    ) -> Result<u64, Failure> {
        either!(self, node => {
            let taken = node.upload(shapes, order, items).await;
            taken.map_err(|error| of_call("an upload", error, |failure| failure))
        })
    }

    pub(crate) async fn download(
        &self,
        shapes: Vec<Shape>,
        cut: Option<u32>,
    ) -> Result<Streaming<Content>, Failure> {
        either!(self, node => {
            let stream = node.download(shapes, cut).await;
            stream.map_err(|error| of_call("a download", error, |never| match never {}))
        })
    }

    pub(crate) async fn exchange(
        &self,
        shapes: Vec<Shape>,
        back: Vec<Shape>,
        items: Streaming<Content>,
    ) -> Result<Streaming<Content>, Failure> {
        either!(self, node => {
            let stream = node.exchange(shapes, back, items).await;
            stream.map_err(|error| of_call("an exchange", error, |never| match never {}))
        })
    }

    pub(crate) async fn finish(&self) -> Result<Report, Failure> {
        either!(self, node => {
            let report = node.finish().await;
            report.map_err(|error| of_call("a report", error, |never| match never {}))
        })
    }

    pub(crate) async fn in_use(&self) -> Result<String, Failure> {
        either!(self, node => {
            let text = node.in_use().await;
            text.map_err(|error| of_call("a question", error, |never| match never {}))
        })
    }
}

/// Tells; tries it without waiting first, if it is to be done `at_once`.
async fn tell<S: Service, M: MethodCall<S>>(
    node: &Proxy<S>,
    mut message: M,
    at_once: bool,
) -> Result<(), CallError<Infallible>> {
    if at_once {
        match node.try_tell(message).await {
            Ok(()) => return Ok(()),
            Err(TryTellError::Full(back)) => message = back,
            Err(TryTellError::Refused(error)) => return Err(error),
            Err(other) => return Err(CallError::Protocol(other.to_string())),
        }
    }
    node.tell(message).await
}
