//! A channel to a service of the peer, and the calls over it.
//!
//! - CH1: the guard that cancels a call exists before the request is sent.

use std::any::TypeId;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use kameo::actor::ActorRef;

use crate::calls::credits::ClientChannel;
use crate::calls::failure::CallFailure;
use crate::calls::methods::{MethodMap, MethodMismatch};
use crate::calls::options::CallOptions;
use crate::calls::pending::{Outcome, Pending};
use crate::calls::request::{NotSent, Request, Sent};
use crate::calls::response::{CallGuard, ResponseFuture, within};
use crate::calls::unsettled::UnsettledCall;
use crate::link::encode::Encode;
use crate::link::end::EndReason;
use crate::link::places::Place;
use crate::serving::context::CallContext;
use crate::session::actor::OpenedChannel;
use crate::session::channel_actor::ChannelActor;
use crate::session::channels::Lease;
use crate::session::handle::Session;
use crate::session::parts::Parts;
use crate::streams::halves::StreamParts;
use crate::streams::moves::Moves;
use crate::streams::state::StreamState;
use crate::transport::StartState;
use crate::wire::frame::Flags;
use crate::wire::limits::MAX_STREAMS;
use crate::wire::offer::ServiceOffer;
use crate::wire::remote_error::RemoteError;

/// An open channel to a service of the peer. Cheap to clone.
///
/// A channel is closed when its last clone is dropped, by [`close`](Self::close), when the peer
/// withdraws the service ([`Session::withdraw`]), and at the session's end. Calls under way on a
/// closed channel finish, unless the session has ended; new calls fail with
/// [`RemoteError::Unavailable`]. After its last call, a closed channel no longer counts towards the
/// limit of the session.
#[derive(Clone)]
pub struct Channel {
    session: Session,
    pub(crate) inner: Arc<ClientChannel>,
    lease: Arc<Lease>,
}

impl Channel {
    pub(crate) fn new(session: Session, OpenedChannel { channel, lease }: OpenedChannel) -> Self {
        Self {
            session,
            inner: channel,
            lease: Arc::new(lease),
        }
    }

    fn parts(&self) -> &Parts {
        self.session.parts()
    }

    /// The session that the channel belongs to.
    #[must_use]
    pub fn session(&self) -> Session {
        self.session.clone()
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.inner.service
    }

    /// The channel's actor, for linking: it stops when the channel is closed and its calls are
    /// over, and when the session ends. Stopping it closes the channel, as [`close`](Self::close)
    /// does, but linked actors and waiters for its shutdown are told before the last call is over.
    #[must_use]
    pub fn actor(&self) -> &ActorRef<ChannelActor> {
        self.lease.actor()
    }

    /// Closes the channel and all its clones: new calls, and calls that wait for a credit, fail
    /// with [`RemoteError::Unavailable`] from now on. Calls under way go on. To wait for the last
    /// of them, wait until the channel's [`actor`](Self::actor) has shut down. A call whose request is not
    /// sent yet, and whose future is not polled, keeps the channel open for a second or so.
    pub fn close(&self) {
        self.lease.close("this side closed the channel");
    }

    /// Why the channel was closed, if it was; the peer's reason if the peer closed it. `None` if
    /// the channel is open, or ended with its session: see [`ended`](Self::ended). A call that crossed with
    /// the peer's close may fail a moment before this says so.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.inner.close_reason()
    }

    /// Waits until the channel is closed to new calls, by either side, or its session has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn wait_closed(&self) {
        tokio::select! {
            biased;
            () = self.inner.wait_closed() => {}
            _ = self.session.ended() => {}
        }
    }

    /// The largest length of a payload or buffer, in bytes.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.parts().link.transport.max_payload()
    }

    /// Why the session ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        self.session.end_reason()
    }

    /// Returns the peer's number for a method of ours, found by the method's name and hash. `S`
    /// identifies our service and `offer` describes it. The two sides are compared on the first
    /// call for `S`.
    ///
    /// # Errors
    /// If the peer has no such method, or another one of that name, or the channel is open to
    /// another service.
    pub fn method<S: 'static>(
        &self,
        ours: u32,
        offer: impl Fn() -> ServiceOffer,
    ) -> Result<u32, MethodMismatch> {
        let compare = || MethodMap::new(&offer(), self.inner.offer());
        let map = self.inner.maps.of(TypeId::of::<S>(), compare);
        map.number(ours).map_err(|refused| {
            let offer = offer();
            let method = offer.methods.get(ours as usize);
            let method = method.map_or_else(|| format!("#{ours}"), |method| method.name.clone());
            refused.explain(&offer.name, &method, self.inner.offer())
        })
    }

    /// Calls a method and waits for its result. `method` is the peer's number; see
    /// [`method`](Self::method).
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call: a call that has not begun never begins, and a running
    /// handler is dropped at its next await.
    ///
    /// # Errors
    /// See [`CallFailure`].
    pub async fn call(
        &self,
        method: u32,
        arguments: &(dyn Encode + '_),
        options: &CallOptions,
    ) -> Outcome {
        let request = request(method, arguments, options, true);
        let work = pin!(self.settle(&request));
        match request.deadline() {
            None => work.await,
            deadline => within(deadline, work).await,
        }
    }

    /// Makes a call as [`call`](Self::call) does, in two steps: returns a future for the result
    /// once the request is sent.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing. Dropping the [`ResponseFuture`]
    /// cancels the call.
    ///
    /// # Errors
    /// See [`CallFailure`].
    pub async fn begin_call(
        &self,
        method: u32,
        arguments: &(dyn Encode + '_),
        options: &CallOptions,
    ) -> Result<ResponseFuture, CallFailure> {
        let request = request(method, arguments, options, true);
        let deadline = request.deadline();
        let guard = within(deadline, pin!(self.begin(&request))).await?;
        Ok(ResponseFuture::of(guard).by(deadline))
    }

    /// Calls a method without waiting for its result. Returns once the request is sent; waits for a
    /// credit, for buffers and for room on the ring.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing.
    ///
    /// # Errors
    /// See [`CallFailure`]. Errors of the handler are only logged.
    pub async fn tell(
        &self,
        method: u32,
        arguments: &(dyn Encode + '_),
        options: &CallOptions,
    ) -> Result<(), CallFailure> {
        let request = request(method, arguments, options, false);
        let work = async {
            self.begin(&request).await?.disarm();
            Ok(())
        };
        within(request.deadline(), pin!(work)).await
    }

    /// Calls a method as [`tell`](Self::tell) does, without waiting. Returns false, and sends
    /// nothing, if it would have to wait.
    ///
    /// # Errors
    /// See [`tell`](Self::tell).
    pub async fn try_tell(
        &self,
        method: u32,
        arguments: &(dyn Encode + '_),
        options: &CallOptions,
    ) -> Result<bool, CallFailure> {
        // If the future is pending, dropping it sends nothing. Unconstrained, since tokio makes a
        // task that used up its budget wait.
        let now = tokio::task::unconstrained(self.tell(method, arguments, options));
        match now.now_or_never() {
            Some(sent) => sent.map(|()| true),
            None => Ok(false),
        }
    }

    /// Calls a method with streams: `client` if this side sends items, `server` if it receives
    /// items. The halves are usable at once; the outcome shows whether the method has these
    /// streams.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing. Dropping the [`ResponseFuture`]
    /// cancels the call, but not the streams, which have halves of their own.
    ///
    /// # Errors
    /// See [`CallFailure`]. If this side holds [`MAX_STREAMS`] open streams, the error is
    /// [`RemoteError::LimitReached`], immediately. If some of them were dropped and only the peer
    /// has to end them, this waits for one of those.
    pub async fn call_streaming(
        &self,
        method: u32,
        arguments: &(dyn Encode + '_),
        options: &CallOptions,
        client: bool,
        server: bool,
    ) -> Result<(StreamParts, ResponseFuture), CallFailure> {
        let id = self.parts().streams.next_id();
        let mut request = request(method, arguments, options, true);
        request.stream(id, client, server);
        let deadline = request.deadline();
        let place = within(deadline, pin!(self.stream_place())).await?;
        // Items may arrive as soon as the request is sent, so the stream is registered before.
        let opener = (self.inner.id, method);
        let streams = &self.parts().streams;
        let parts = streams.open(id, opener, client, server, Some(place));
        let parts = Unopened(Some(parts));
        let moves = parts.state().map(Moves::new);
        request.moves.clone_from(&moves);
        let guard = within(deadline, pin!(self.begin(&request))).await?;
        let response = ResponseFuture::of(guard).by(deadline).moving(moves);
        Ok((parts.opened(), response))
    }

    /// Sends an unsettled call of an earlier session again. Its caller does not notice; if the call
    /// opened a stream, the caller gets halves of this session from [`ResponseFuture::moves`]. A
    /// call whose caller has sent items fails with [`CallFailure::SessionEnded`]: see
    /// [`UnsettledCall::items_were_sent`]; so may one that had begun and is not idempotent: see
    /// [`UnsettledCall::payload_given_up`].
    ///
    /// If the peers of both sessions list the service's methods, the method is found by its name
    /// and hash, and may have another number here. If this peer does not have the method, the call
    /// fails.
    ///
    /// # Cancel safety
    /// Dropping the future settles the call with [`CallFailure::SessionEnded`].
    ///
    /// # Errors
    /// Returns the unsettled call if this session ended before the call was entered, so that
    /// another session can send it. All other failures settle the call.
    pub async fn resend(&self, unsettled: UnsettledCall) -> Result<(), UnsettledCall> {
        if unsettled.items_were_sent() || unsettled.payload_given_up() {
            drop(unsettled);
            return Ok(());
        }
        let number = unsettled.frame.header.method;
        let method = match self.inner.renumber(&unsettled.channel, number) {
            Ok(method) => method,
            Err(mismatch) => {
                if !unsettled.awaited {
                    tracing::warn!(service = self.service(), %mismatch, "a tell was not handled");
                }
                unsettled.settle(mismatch.into());
                return Ok(());
            }
        };
        let mut request = Request::again(&unsettled, method);
        let stream = match self.open_again(&unsettled, &mut request).await {
            Ok(stream) => stream,
            Err(failure) => {
                unsettled.settle(failure);
                return Ok(());
            }
        };
        let sent = {
            let work = async {
                Ok(request
                    .send(&self.parts().calls, &self.inner, &unsettled.pending)
                    .await)
            };
            within(request.deadline(), pin!(work)).await
        };
        match sent {
            Ok(Ok(sent)) => {
                if let (Sent::Published, Some((moves, parts))) = (sent, stream) {
                    moves.arrived(parts.opened());
                }
                unsettled.transfer();
            }
            Ok(Err(NotSent::Over)) => match self.unavailable() {
                Some(failure) if self.ended().is_none() => unsettled.settle(failure),
                _ => return Err(unsettled),
            },
            Ok(Err(NotSent::Failed(failure))) | Err(failure) => unsettled.settle(failure),
        }
        Ok(())
    }

    /// Opens the stream of a call that is sent again, if it has one, before the request is sent.
    async fn open_again(
        &self,
        unsettled: &UnsettledCall,
        request: &mut Request<'_>,
    ) -> Result<Option<(Moves, Unopened)>, CallFailure> {
        let Some(moves) = unsettled.moves.clone() else {
            return Ok(None);
        };
        let place = within(request.deadline(), pin!(self.stream_place())).await?;
        let id = self.parts().streams.next_id();
        let flags = unsettled.frame.header.flags;
        let client = flags.has(Flags::CLIENT_STREAM);
        let server = flags.has(Flags::SERVER_STREAM);
        let opener = (self.inner.id, request.method());
        let streams = &self.parts().streams;
        let parts = streams.open(id, opener, client, server, Some(place));
        let parts = Unopened(Some(parts));
        let Some(stream) = parts.state() else {
            return Ok(None);
        };
        moves.leaves_for(stream);
        request.stream(id, client, server);
        Ok(Some((moves, parts)))
    }

    async fn stream_place(&self) -> Result<Place, CallFailure> {
        self.parts().streams.places.take().await.ok_or_else(|| {
            CallFailure::Failed(RemoteError::LimitReached(format!(
                "this side holds {MAX_STREAMS} open streams in the session, which is the limit; end or drop some first"
            )))
        })
    }

    async fn settle(&self, request: &Request<'_>) -> Outcome {
        let guard = self.begin(request).await?;
        ResponseFuture::of(guard).await
    }

    async fn begin(&self, request: &Request<'_>) -> Result<CallGuard, CallFailure> {
        let guard = CallGuard::new(Pending::new()); // CH1
        match request
            .send(&self.parts().calls, &self.inner, guard.pending())
            .await
        {
            Ok(_) => Ok(guard),
            Err(NotSent::Failed(failure)) => Err(failure),
            Err(NotSent::Over) => match self.unavailable() {
                Some(failure) => Err(failure),
                // The transport may know of the end before the session does.
                None => Err(CallFailure::SessionEnded {
                    start_state: StartState::NotBegun,
                    reason: self.session.ended().await,
                }),
            },
        }
    }

    /// Returns the outcome of a call over a closed channel.
    fn unavailable(&self) -> Option<CallFailure> {
        let why = self.closed()?.to_owned();
        Some(CallFailure::Failed(RemoteError::Unavailable(why)))
    }
}

/// Makes a request. Its deadline is that of the call being handled, if that is earlier than its
/// own.
fn request<'a>(
    method: u32,
    arguments: &'a (dyn Encode + 'a),
    options: &'a CallOptions,
    awaited: bool,
) -> Request<'a> {
    let deadline = CallContext::earliest(options.deadline);
    Request::new(method, arguments, options, deadline, awaited)
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("service", &self.service())
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Removes a stream whose request was never sent.
struct Unopened(Option<StreamParts>);

impl Unopened {
    fn state(&self) -> Option<Arc<StreamState>> {
        self.0.as_ref()?.state().map(Arc::clone)
    }

    fn opened(mut self) -> StreamParts {
        self.0.take().unwrap_or_default()
    }
}

impl Drop for Unopened {
    fn drop(&mut self) {
        if let Some(parts) = self.0.take() {
            parts.never_opened();
        }
    }
}
