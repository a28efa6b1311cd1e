//! The typed address of a service: in another process, in this one, or behind a plugin that is
//! restarted now and then.
//!
//! - X1: a proxy never changes; what stands behind it may.
//! - X2: the deadline spans everything that happens on the call's behalf: waiting for a plugin to
//!   come back, for credits, for the answer. A call whose deadline has passed is not sent.
//! - X3: what had not begun is sent again without the caller's noticing.

use std::convert::Infallible;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapace_codec::BlobMut;
use rapace_session::{BufferError, CallContext, CallOptions, Channel};

use crate::error::CallError;
use crate::plugin::route::PluginRoute;
use crate::service::actor::OnPanic;
use crate::service::handle::{
    AskFailure, DEFAULT_CAPACITY, LocalOptions, LocalService, Served, Stopped, TryTell, checked,
    start,
};
use crate::service::{MethodCall, Serve, Service};

pub mod actor;
pub mod call;
mod over_channel;
mod over_route;
mod turn;

use over_channel::{over_channel, tell_over, try_tell_over};
use over_route::{comes_again, ready, run_plugin};

pub use actor::{ProxyActor, ServiceGone};
pub use call::{Call, Tell};
use turn::Turn;

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

/// A generated proxy: a name for [`Proxy`] with the trait's own methods.
pub trait TypedProxy: Sized {
    /// The service.
    type Service: Service;

    /// Around the untyped-by-name proxy.
    fn from_proxy(proxy: Proxy<Self::Service>) -> Self;
}

/// How a call through a proxy is to be made.
#[derive(Clone, Debug, Default)]
pub(crate) struct AskOptions {
    pub(crate) call: CallOptions,
    pub(crate) fail_fast: bool,
}

/// Why a message was not put in a mailbox; it comes back where it can.
pub enum TryTellError<M> {
    /// There is no room in the mailbox, the window, the ring or the slots, or the plugin is being started or restarted:
    /// the message comes back.
    Full(M),
    /// It will not be taken: see the error.
    Refused(CallError<Infallible>),
}

impl<M> fmt::Debug for TryTellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("Full(..)"),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
        }
    }
}

impl<M> fmt::Display for TryTellError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str(
                "there is no room now: the mailbox or the window is full, or the plugin is being restarted; the message \
                 came back",
            ),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl<M> std::error::Error for TryTellError<M> {}

impl<S: Service> Proxy<S> {
    /// Starts a service in this process, as an actor, and gives its address. No value is encoded
    /// on the way to it.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn local<T: Serve<Service = S>>(service: T) -> Self {
        Self::serve(service, DEFAULT_CAPACITY, OnPanic::default()).0
    }

    /// As [`local`](Self::local), with the mailbox's capacity and what follows a panic; what is
    /// given beside can be offered to other processes.
    ///
    /// # Panics
    /// If the capacity is 0, and outside a tokio runtime.
    #[track_caller]
    pub fn serve<T: Serve<Service = S>>(
        service: T,
        capacity: u32,
        on_panic: OnPanic,
    ) -> (Self, Served) {
        let (served, local) = start(service, checked(capacity), on_panic, false);
        let backend = Backend::Local(local);
        (Self { backend }, served)
    }

    /// The address of the service at the other end of an open channel. Before the first call its methods are compared
    /// with those that the peer's hello lists: what differs is [`CallError::Unimplemented`] when it is called.
    #[must_use]
    pub fn over(channel: Channel) -> Self {
        Self {
            backend: Backend::Channel(channel),
        }
    }

    pub(crate) fn behind(route: Arc<PluginRoute>) -> Self {
        Self {
            backend: Backend::Plugin(route),
        }
    }

    /// Calls a method and waits for its result: `proxy.ask(Highlight { .. }).await`.
    pub fn ask<M: MethodCall<S>>(&self, message: M) -> Call<'_, S, M> {
        Call::new(self, message)
    }

    /// Sends a message without waiting for a result: `proxy.tell(Note { .. }).await`. As with a
    /// local actor, it waits while the mailbox is full, and a failure of the handler is logged.
    pub fn tell<M: MethodCall<S>>(&self, message: M) -> Tell<'_, S, M> {
        Tell::new(self, message)
    }

    /// As [`tell`](Self::tell), giving the message back where that would wait.
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
                try_tell_over::<S, M>(channel, message, &options.call).await
            }
            Backend::Plugin(route) => {
                let ready = match ready::<S, _>(route, true).await {
                    Ok(ready) => ready,
                    Err(CallError::Restarting { .. }) => return Err(TryTellError::Full(message)),
                    Err(error) => return Err(TryTellError::Refused(error)),
                };
                let mut call = options.call;
                call.idempotent = M::IDEMPOTENT;
                try_tell_over::<S, M>(ready.channel(), message, &call).await
            }
        }
    }

    /// A buffer for an argument: it lies in the session's shared memory, so that sending it copies
    /// nothing. In process, or while a plugin is away, it lies on the heap.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its turn.
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

    /// `turn` is passed on as soon as the message has left.
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
                let work = run_local(&**service, message, options, &mut turn);
                by(deadline, pin!(work)).await
            }
            Backend::Channel(channel) => {
                let mut items = message.take_items();
                over_channel::<S, M>(channel, &message, &mut items, &options.call, &mut turn)
                    .await
                    .unwrap_or_else(|failure| Err(CallError::from_call(failure)))
            }
            Backend::Plugin(route) => {
                let stopwatch = route.stats().stopwatch();
                let work = run_plugin::<S, M>(route, message, &options, &mut turn);
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
            Backend::Channel(channel) => tell_over::<S, M>(channel, &mut message, &options.call)
                .await
                .map_err(CallError::from_call),
            Backend::Plugin(route) => {
                let work = async {
                    loop {
                        let ready = ready::<S, _>(route, options.fail_fast).await?;
                        let channel = ready.channel();
                        match tell_over::<S, M>(channel, &mut message, &options.call).await {
                            Err(failure) if comes_again(route, &failure) => {
                                route.left(ready.incarnation()).await;
                            }
                            other => return other.map_err(CallError::from_call),
                        }
                    }
                };
                by(deadline, pin!(work)).await
            }
        }
    }

    /// Ends when what stands behind the proxy will not come back.
    pub(crate) async fn gone(&self) -> String {
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

/// Runs `work` for as long as the deadline allows: not at all if it has passed (X2). Pinned by the caller, so that
/// no future is moved into another.
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

/// The far deadline that a timeout stands for; none if it is past what a clock can show.
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// The present on tokio's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn stopped<S: Service, E>() -> CallError<E> {
    CallError::Unavailable(format!("service `{}` has stopped", S::descriptor().name))
}

async fn run_local<S: Service, M: MethodCall<S>>(
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
        Err(AskFailure::Failed(failure)) => Err(CallError::from_failure(failure)),
        Err(AskFailure::Stopped) => Err(stopped::<S, _>()),
        Err(AskFailure::Dropped) => {
            let service = S::descriptor().name;
            Err(CallError::Dropped(format!("a call of service `{service}`")))
        }
    }
}
