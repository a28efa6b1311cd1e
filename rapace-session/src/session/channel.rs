//! A channel that we opened to one of the peer's services, and the calls over it.
//!
//! - W5: what cancels exists before the request leaves.

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
use crate::link::encoder::Encode;
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

/// An open channel to one of the peer's services. Cheap to clone.
///
/// A channel is closed when its last clone is dropped, by [`close`](Self::close), by the peer that withdraws its service
/// ([`Session::withdraw`]), and at the session's end. Calls that are under way on a closed channel finish, unless the session
/// has ended; new ones fail with [`RemoteError::Unavailable`]. After the last call it counts no more against the channels that a
/// session may have.
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

    /// The service that the channel leads to.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.inner.service
    }

    /// The channel's actor, to link to: it stops when the channel is closed and its calls are over, and when the session
    /// ends. Stopping it closes the channel; see [`close`](Self::close).
    #[must_use]
    pub fn actor(&self) -> &ActorRef<ChannelActor> {
        self.lease.actor()
    }

    /// Closes the channel, for all its clones: new calls, and those that wait for a credit, fail with
    /// [`RemoteError::Unavailable`] from now on. Those under way go on. To wait for the last of them, wait until the channel's
    /// [`actor`](Self::actor) has shut down.
    pub fn close(&self) {
        self.lease.close("this side closed the channel");
    }

    /// Why new calls fail, if the channel was closed: what the peer said, if it was the peer. `None` if it is open, and if
    /// it ended with its session: see [`ended`](Self::ended).
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        self.inner.close_reason()
    }

    /// Bytes that a buffer may have.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        self.parts().link.transport.max_payload()
    }

    /// Why the session ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<EndReason> {
        self.session.end_reason()
    }

    /// The peer's number for a method of a service of ours, by the name and the hash of the method. `S` stands for the
    /// service, `offer` describes it; the two sides are compared the first time that this channel is asked about `S`.
    ///
    /// # Errors
    /// If the peer has no such method, or another one of that name, or the channel leads to another service.
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

    /// Calls `method` and waits for its result. The number is the peer's; see [`method`](Self::method).
    ///
    /// # Cancel safety
    /// Dropping the future cancels the call: a request not yet begun is removed, a running
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

    /// As [`call`](Self::call) in two steps: returns when the request is on its way, with what waits for the result.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing. Dropping the [`ResponseFuture`] cancels the call.
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

    /// Sends `method` without waiting for its result: returns when the request is on its way. It
    /// waits for a credit, and while buffers or the ring are full.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing.
    ///
    /// # Errors
    /// See [`CallFailure`]; what the handler answers is nobody's.
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

    /// As [`tell`](Self::tell), without waiting for anything.
    ///
    /// # Errors
    /// `Ok(false)` when it would have to wait; nothing was sent then.
    pub async fn try_tell(
        &self,
        method: u32,
        arguments: &(dyn Encode + '_),
        options: &CallOptions,
    ) -> Result<bool, CallFailure> {
        // What cannot be had at once is given up, which leaves no trace. Unconstrained, since
        // a task that used up its turn would be told to wait.
        let now = tokio::task::unconstrained(self.tell(method, arguments, options));
        match now.now_or_never() {
            Some(told) => told.map(|()| true),
            None => Ok(false),
        }
    }

    /// Calls a method that streams: `client` says whether we send items, `server` whether we
    /// receive some. The halves are usable at once; the outcome says whether the method agreed.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing. Dropping the [`ResponseFuture`] cancels the
    /// call, but not the streams, which have halves of their own.
    ///
    /// # Errors
    /// See [`CallFailure`]. With [`MAX_STREAMS`] of this side's open and held, it is [`RemoteError::LimitReached`] at once;
    /// if some were let go and only have to be ended by the peer, it waits for one of these.
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
        // Items may arrive as soon as the request is sent, so the stream is there before.
        let parts = self.parts().streams.open(id, client, server, Some(place));
        let parts = Unopened(Some(parts));
        let moves = parts.state().map(Moves::new);
        request.moves.clone_from(&moves);
        let guard = within(deadline, pin!(self.begin(&request))).await?;
        let response = ResponseFuture::of(guard).by(deadline).moving(moves);
        Ok((parts.opened(), response))
    }

    /// Sends a call again that an earlier session did not settle. Its caller does not notice; if the call
    /// opened a stream, it gets halves of this session from [`ResponseFuture::moves`]. One of which items
    /// had been sent ends with [`CallFailure::SessionEnded`]: see [`UnsettledCall::items_were_sent`].
    ///
    /// If the peers of both sessions list the service's methods, the method is found by its name and hash, whatever its
    /// number is here; one that this peer does not have ends the call.
    ///
    /// # Cancel safety
    /// Dropping the future ends the call with [`CallFailure::SessionEnded`].
    ///
    /// # Errors
    /// Gives the unsettled call back when this session has ended before the call was entered: it is another
    /// session's to send. Everything else that goes wrong is told to the caller.
    pub async fn resend(&self, unsettled: UnsettledCall) -> Result<(), UnsettledCall> {
        if unsettled.items_were_sent() {
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

    /// The stream of a call that is sent again, if it has one: there before the request is.
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
        let parts = self.parts().streams.open(id, client, server, Some(place));
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
                "this side holds {MAX_STREAMS} open streams in the session, which is the most; end or drop some first"
            )))
        })
    }

    async fn settle(&self, request: &Request<'_>) -> Outcome {
        let guard = self.begin(request).await?;
        ResponseFuture::of(guard).await
    }

    async fn begin(&self, request: &Request<'_>) -> Result<CallGuard, CallFailure> {
        let guard = CallGuard::new(Pending::new()); // W5
        match request
            .send(&self.parts().calls, &self.inner, guard.pending())
            .await
        {
            Ok(_) => Ok(guard),
            Err(NotSent::Failed(failure)) => Err(failure),
            Err(NotSent::Over) => match self.unavailable() {
                Some(failure) => Err(failure),
                // The transport may know it before the session does.
                None => Err(CallFailure::SessionEnded {
                    start_state: StartState::NotBegun,
                    reason: self.session.ended().await,
                }),
            },
        }
    }

    /// What a call comes to over a channel that was closed.
    fn unavailable(&self) -> Option<CallFailure> {
        let why = self.closed()?.to_owned();
        Some(CallFailure::Failed(RemoteError::Unavailable(why)))
    }
}

/// A request with the deadline that it inherits from the call being handled, if that is earlier than its own.
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

/// Takes a stream back whose request was never sent.
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
