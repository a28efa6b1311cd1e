//! The proxy, and which of the three kinds of target a call goes to.
//!
//! - X1: a proxy never changes; the service or process behind it may.
//! - X2: the deadline covers everything that is done for the call: waiting for a plugin's restart, for credits
//!   and for the answer. A call whose deadline has passed is not sent.
//! - X3: a call that had not begun when its incarnation died is sent again, and its caller does not notice.

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Instant;

use rapace_codec::BlobMut;
use rapace_session::{BufferError, CallContext, Channel};

use super::channel_call::{call_channel, tell_channel, try_tell_channel};
use super::local_call::{call_local, stopped};
use super::options::AskOptions;
use super::routed_call::{call_route, left, ready, will_restart};
use super::try_tell::TryTellError;
use super::turn::Turn;
use crate::clock::now;
use crate::error::CallError;
use crate::route::PluginRoute;
use crate::service::actor::OnPanic;
use crate::service::handle::{
    DEFAULT_CAPACITY, LocalOptions, LocalService, ServiceHandle, Stopped, TryTell, checked, start,
};
use crate::service::{MethodCall, Serve, Service};

/// The typed address of a service. Cheap to clone; the generated proxies wrap it.
pub struct Proxy<S: Service> {
    backend: Backend<S>,
}

enum Backend<S: Service> {
    Local(Arc<dyn LocalService<S>>),
    Channel(Channel),
    Plugin(Arc<PluginRoute>),
}

impl<S: Service> Clone for Proxy<S> {
    fn clone(&self) -> Self {
        Self {
            backend: match &self.backend {
                Backend::Local(service) => Backend::Local(Arc::clone(service)),
                Backend::Channel(channel) => Backend::Channel(channel.clone()),
                Backend::Plugin(route) => Backend::Plugin(Arc::clone(route)),
            },
        }
    }
}

impl<S: Service> fmt::Debug for Proxy<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let behind = match &self.backend {
            Backend::Local(_) => "in this process",
            Backend::Channel(_) => "over a session",
            Backend::Plugin(_) => "behind a plugin",
        };
        f.debug_struct("Proxy")
            .field("service", &S::descriptor().name)
            .field("is", &behind)
            .finish()
    }
}

/// A generated proxy: wraps [`Proxy`] and adds the trait's own methods.
pub trait TypedProxy: Sized {
    /// The service.
    type Service: Service;

    /// Wraps a [`Proxy`].
    fn from_proxy(proxy: Proxy<Self::Service>) -> Self;
}

impl<S: Service> Proxy<S> {
    /// Starts a service in this process, as an actor, and returns its proxy. Its calls serialize nothing.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn local<T: Serve<Service = S>>(service: T) -> Self {
        Self::serve(service, DEFAULT_CAPACITY, OnPanic::default()).0
    }

    /// As [`local`](Self::local), with a mailbox capacity and [`OnPanic`] policy. The returned handle can be
    /// provided to other processes.
    ///
    /// # Panics
    /// If the capacity is 0, and outside a tokio runtime.
    #[track_caller]
    pub fn serve<T: Serve<Service = S>>(
        service: T,
        capacity: u32,
        on_panic: OnPanic,
    ) -> (Self, ServiceHandle) {
        let (served, local) = start(service, checked(capacity), on_panic, false);
        let backend = Backend::Local(local);
        (Self { backend }, served)
    }

    /// Makes a proxy of the service at the other end of an open channel. Before the first call its methods are
    /// compared with those in the peer's hello; a method that differs fails with [`CallError::Unimplemented`]
    /// when it is called.
    #[must_use]
    pub fn from_channel(channel: Channel) -> Self {
        Self {
            backend: Backend::Channel(channel),
        }
    }

    pub(crate) fn from_route(route: Arc<PluginRoute>) -> Self {
        Self {
            backend: Backend::Plugin(route),
        }
    }

    /// As [`tell`](Self::tell), but returns the message instead of waiting.
    ///
    /// # Errors
    /// See [`TryTellError`].
    pub async fn try_tell<M: MethodCall<S>>(&self, message: M) -> Result<(), TryTellError<M>> {
        let options = AskOptions::default();
        match &self.backend {
            Backend::Local(service) => {
                match service.try_tell(message.into_request(), LocalOptions::default()) {
                    Ok(()) => Ok(()),
                    Err(TryTell::Stopped) => Err(TryTellError::Refused(stopped::<S, _>())),
                    Err(TryTell::Full(request)) => match M::from_request(request) {
                        Some(message) => Err(TryTellError::Full(message)),
                        None => Err(TryTellError::Refused(stopped::<S, _>())),
                    },
                }
            }
            Backend::Channel(channel) => {
                try_tell_channel::<S, M>(channel, message, &options.call).await
            }
            Backend::Plugin(route) => {
                let ready = match ready::<S, _>(route, true).await {
                    Ok(ready) => ready,
                    Err(CallError::Restarting { .. }) => return Err(TryTellError::Full(message)),
                    Err(error) => return Err(TryTellError::Refused(error)),
                };
                let mut call = options.call;
                call.idempotent = M::IDEMPOTENT;
                try_tell_channel::<S, M>(ready.channel(), message, &call).await
            }
        }
    }

    /// Allocates a buffer for an argument in the session's shared memory, so that sending it copies nothing. For a
    /// service in this process, while a plugin is away, or while no slot is free, the buffer is on the heap. A segment can
    /// be configured to wait or fail instead of the last ([`OnExhaustion`](crate::OnExhaustion)).
    ///
    /// # Cancel safety
    /// Dropping the future allocates nothing, and gives up its place in the queue.
    ///
    /// # Errors
    /// See [`BufferError`]: the length is more than can be sent, or than there is memory for.
    pub async fn allocate(&self, len: usize) -> Result<BlobMut, BufferError> {
        let on_heap = || BlobMut::try_zeroed(len).map_err(|_| BufferError::OutOfMemory { len });
        match &self.backend {
            Backend::Local(_) => on_heap(),
            Backend::Channel(channel) => channel.session().allocate(len).await,
            Backend::Plugin(route) => match route.now(S::descriptor().name) {
                Some(ready) => ready.channel().session().allocate(len).await,
                None => on_heap(),
            },
        }
    }

    /// Makes a call. `turn` is passed on as soon as the message has left.
    pub(crate) async fn run<M: MethodCall<S>>(
        &self,
        mut message: M,
        mut options: AskOptions,
        mut turn: Turn,
    ) -> Result<M::Ok, CallError<M::Error>> {
        options.call.idempotent = M::IDEMPOTENT;
        options.call.deadline = CallContext::earliest(options.call.deadline);
        let deadline = options.call.deadline;
        match &self.backend {
            Backend::Local(service) => {
                let work = call_local(&**service, message, options, &mut turn);
                by(deadline, pin!(work)).await
            }
            Backend::Channel(channel) => {
                let mut items = message.take_items();
                call_channel::<S, M>(channel, &message, &mut items, &options.call, &mut turn)
                    .await
                    .unwrap_or_else(|failure| Err(CallError::from_call(failure)))
            }
            Backend::Plugin(route) => {
                let stopwatch = route.stats().stopwatch();
                let work = call_route::<S, M>(route, message, &options, &mut turn);
                let result = by(deadline, pin!(work)).await;
                route.settled(&stopwatch, &result);
                result
            }
        }
    }

    pub(crate) async fn send<M: MethodCall<S>>(
        &self,
        mut message: M,
        mut options: AskOptions,
    ) -> Result<(), CallError<Infallible>> {
        options.call.idempotent = M::IDEMPOTENT;
        options.call.deadline = CallContext::earliest(options.call.deadline);
        let deadline = options.call.deadline;
        match &self.backend {
            Backend::Local(service) => {
                let local = LocalOptions {
                    deadline,
                    metadata: options.call.metadata,
                };
                let work = async {
                    service
                        .tell(message.into_request(), local)
                        .await
                        .map_err(|Stopped| stopped::<S, _>())
                };
                by(deadline, pin!(work)).await
            }
            Backend::Channel(channel) => tell_channel::<S, M>(channel, &mut message, &options.call)
                .await
                .map_err(CallError::from_call),
            Backend::Plugin(route) => {
                let work = async {
                    loop {
                        let ready = ready::<S, _>(route, options.fail_fast).await?;
                        let channel = ready.channel();
                        match tell_channel::<S, M>(channel, &mut message, &options.call).await {
                            Err(failure) if will_restart(route, &failure) => {
                                if !Box::pin(left(route, &ready)).await {
                                    return Err(CallError::from_call(failure));
                                }
                            }
                            other => return other.map_err(CallError::from_call),
                        }
                    }
                };
                by(deadline, pin!(work)).await
            }
        }
    }

    /// Completes with the reason when the service behind the proxy has stopped for good.
    pub(crate) async fn closed(&self) -> String {
        match &self.backend {
            Backend::Local(service) => {
                service.stopped().await;
                format!("service `{}` has stopped", S::descriptor().name)
            }
            Backend::Channel(channel) => channel.session().ended().await.to_string(),
            Backend::Plugin(route) => route.down().await.to_string(),
        }
    }
}

/// Runs `work` until the deadline, and not at all if that has passed (X2). The caller pins the future, which
/// avoids moving it.
async fn by<T, E>(
    deadline: Option<Instant>,
    work: Pin<&mut impl Future<Output = Result<T, CallError<E>>>>,
) -> Result<T, CallError<E>> {
    match deadline {
        None => work.await,
        Some(at) if at <= now() => Err(CallError::DeadlineExceeded),
        Some(at) => tokio::time::timeout_at(at.into(), work)
            .await
            .unwrap_or(Err(CallError::DeadlineExceeded)),
    }
}
