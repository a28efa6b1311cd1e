//! A running service: its actor, the capacity of its mailbox, and how calls get into it.
//!
//! The mailbox itself is unbounded; its senders provide the backpressure. Each session's channel is granted the
//! capacity as its credit window, and the callers in this process share one window of the same size. So the
//! queue is bounded by the capacity times the number of windows, and a reader never finds the mailbox full.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use rapace_session::{CallContext, CancelGuard, IncomingCall, Metadata, RemoteError, RequestSink};
use tokio::sync::{Semaphore, oneshot, watch};

use super::actor::{LocalCall, LocalReply, OnPanic, RemoteCall, ServiceActor, ServiceArgs};
use super::contained::Contained;
use super::descriptor::ServiceDescriptor;
use super::{Serve, Service};

/// Default capacity of a service's mailbox: 64, kameo's own default.
pub const DEFAULT_CAPACITY: u32 = 64;

/// A handle to a running service, which any session can serve. Cheap to clone.
#[derive(Clone)]
pub struct ServiceHandle {
    pub(crate) descriptor: &'static ServiceDescriptor,
    pub(crate) capacity: u32,
    pub(crate) sink: Arc<dyn RequestSink>,
    pub(crate) stopped: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl std::fmt::Debug for ServiceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceHandle")
            .field("service", &self.descriptor.name)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// How callers in the same process reach a service.
pub(crate) trait LocalService<S: Service>: Send + Sync {
    /// Waits for a place in the mailbox, then enqueues the request.
    fn tell(
        &self,
        request: S::Request,
        options: LocalOptions,
    ) -> BoxFuture<'_, Result<(), Stopped>>;

    /// Enqueues the request if the mailbox has a free place now.
    fn try_tell(&self, request: S::Request, options: LocalOptions) -> Result<(), TryTell<S>>;

    /// Waits until the service has stopped.
    fn stopped(&self) -> BoxFuture<'_, ()>;

    /// As [`tell`](Self::tell), and returns a future of the answer.
    fn ask(
        &self,
        request: S::Request,
        options: LocalOptions,
    ) -> BoxFuture<'_, Result<LocalAnswer<S>, Stopped>>;
}

/// The pending answer to a local call. Dropping it cancels the call.
pub(crate) struct LocalAnswer<S: Service> {
    answer: oneshot::Receiver<Result<Contained<S::Response>, RemoteError>>,
    _guard: CancelGuard,
}

impl<S: Service> LocalAnswer<S> {
    pub(crate) async fn wait(self) -> Result<S::Response, AskFailure> {
        match self.answer.await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(failure)) => Err(AskFailure::Failed(failure)),
            Err(_) => Err(AskFailure::Dropped),
        }
    }
}

/// Options of a local call.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalOptions {
    pub(crate) deadline: Option<Instant>,
    pub(crate) metadata: Metadata,
}

/// The service has stopped.
#[derive(Debug)]
pub(crate) struct Stopped;

/// Why a request was returned to its caller.
pub(crate) enum TryTell<S: Service> {
    Full(S::Request),
    Stopped,
}

/// Why a local call has no response.
#[derive(Debug)]
pub(crate) enum AskFailure {
    Failed(RemoteError),
    Stopped,
    /// The service stopped while it had the call.
    Dropped,
}

struct Handle<T: Serve> {
    actor: ActorRef<ServiceActor<T>>,
    places: Arc<Semaphore>,
}

impl<T: Serve> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self {
            actor: self.actor.clone(),
            places: Arc::clone(&self.places),
        }
    }
}

/// Checks a mailbox capacity that a user sets.
///
/// # Panics
/// If it is 0: calls would wait forever.
#[track_caller]
pub(crate) fn checked(capacity: u32) -> u32 {
    assert!(
        capacity > 0,
        "a mailbox of capacity 0 never takes a message: give the service room for at least 1"
    );
    capacity
}

/// Starts a service's actor.
pub(crate) fn start<T: Serve>(
    service: T,
    capacity: u32,
    on_panic: OnPanic,
    halts: bool,
) -> (ServiceHandle, Arc<dyn LocalService<T::Service>>) {
    let (halted, has_halted) = watch::channel(false);
    let args = ServiceArgs {
        service,
        on_panic,
        halted,
        halts,
    };
    let actor = ServiceActor::spawn_with_mailbox(args, mailbox::unbounded());
    let handle = Handle {
        places: Arc::new(Semaphore::new(capacity as usize)),
        actor: actor.clone(),
    };
    let served = ServiceHandle {
        descriptor: T::Service::descriptor(),
        capacity,
        sink: Arc::new(handle.clone()),
        stopped: Arc::new(move || {
            let actor = actor.clone();
            let mut halted = has_halted.clone();
            Box::pin(async move {
                tokio::select! {
                    () = actor.wait_for_shutdown() => {}
                    _ = halted.wait_for(|halted| *halted) => {}
                }
            })
        }),
    };
    (served, Arc::new(handle))
}

impl<T: Serve> RequestSink for Handle<T> {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        use kameo::error::SendError;
        match self.actor.tell(RemoteCall(call)).try_send() {
            Ok(()) => Ok(()),
            Err(
                SendError::ActorNotRunning(RemoteCall(call))
                | SendError::MailboxFull(RemoteCall(call))
                | SendError::Timeout(Some(RemoteCall(call))),
            ) => Err(call),
            // Dropping the call answers it.
            Err(_) => Ok(()),
        }
    }
}

impl<T: Serve> Handle<T> {
    fn put(
        &self,
        request: <T::Service as Service>::Request,
        options: LocalOptions,
        place: tokio::sync::OwnedSemaphorePermit,
        reply: Option<LocalReply<T::Service>>,
    ) -> Result<CancelGuard, Stopped> {
        let deadline = CallContext::earliest(options.deadline);
        let (context, guard) = CallContext::local(deadline, options.metadata);
        let call = LocalCall {
            request: Contained::new(request),
            context,
            reply,
            place,
        };
        self.actor.tell(call).try_send().map_err(|_| Stopped)?;
        Ok(guard)
    }

    async fn place(&self) -> Result<tokio::sync::OwnedSemaphorePermit, Stopped> {
        let waiting = Arc::clone(&self.places).acquire_owned();
        tokio::select! {
            biased;
            place = waiting => place.map_err(|_| Stopped),
            () = self.actor.wait_for_shutdown() => Err(Stopped),
        }
    }
}

impl<T: Serve> LocalService<T::Service> for Handle<T> {
    fn tell(
        &self,
        request: <T::Service as Service>::Request,
        options: LocalOptions,
    ) -> BoxFuture<'_, Result<(), Stopped>> {
        Box::pin(async move {
            let place = self.place().await?;
            self.put(request, options, place, None)
                .map(CancelGuard::disarm)
        })
    }

    fn try_tell(
        &self,
        request: <T::Service as Service>::Request,
        options: LocalOptions,
    ) -> Result<(), TryTell<T::Service>> {
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => self
                .put(request, options, place, None)
                .map(CancelGuard::disarm)
                .map_err(|Stopped| TryTell::Stopped),
            Err(_) => Err(TryTell::Full(request)),
        }
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.actor.wait_for_shutdown())
    }

    fn ask(
        &self,
        request: <T::Service as Service>::Request,
        options: LocalOptions,
    ) -> BoxFuture<'_, Result<LocalAnswer<T::Service>, Stopped>> {
        Box::pin(async move {
            let place = self.place().await?;
            let (reply, answer) = oneshot::channel();
            let _guard = self.put(request, options, place, Some(reply))?;
            Ok(LocalAnswer { answer, _guard })
        })
    }
}
