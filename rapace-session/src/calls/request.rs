//! Sending of a request. It takes a credit and bytes of the channel's window, buffers, an entry of the table and room on the
//! ring, in this order.
//!
//! - RQ1: a sender that waits for one of these holds none of those that come after it. So two
//!   senders cannot deadlock. One that waits for its window holds nothing. One that waits for buffers or for the ring loses what
//!   it has of the window if others need it and it is not polled ([`Reservations`](crate::calls::reservations::Reservations)).
//! - RQ2: dropping the future before the request is on the ring sends nothing, and releases credit,
//!   entry and bytes.
//! - RQ3: a call that the session's end finds in the table is settled by the end. A call that is
//!   not in the table then was never sent.
//! - RQ4: a call that is cancelled before it is on the ring is never put there, and a cancellation
//!   is never sent before its request ([`Stage`](crate::calls::stage::Stage)).

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;

use crate::calls::credits::ClientChannel;
use crate::calls::failure::CallFailure;
use crate::calls::options::CallOptions;
use crate::calls::outgoing::OutgoingCalls;
use crate::calls::pending::Pending;
use crate::calls::pending::Table;
use crate::calls::request_window::Admitted;
use crate::calls::stage::Sender;
use crate::calls::table::{Entry, NotEntered, Publish, Terms};
use crate::calls::unsettled::UnsettledCall;
use crate::link::Link;
use crate::link::byte_window::charge;
use crate::link::deadline::millis_left;
use crate::link::encode::Encode;
use crate::link::encoder::{Attempt, EncodedPayload, Prepared, Unfinished};
use crate::link::payload_error::{PayloadError, no_slot};
use crate::link::prefix::Prefix;
use crate::link::waits::Need;
use crate::streams::moves::Moves;
use crate::transport::{Lane, SendError, StartState};
use crate::wire::frame::{CallId, ChannelId, Flags, Frame, FrameType, Header};
use crate::wire::remote_error::RemoteError;

/// A request, in a form that can be encoded more than once.
pub(crate) struct Request<'a> {
    body: Body<'a>,
    method: u32,
    flags: Flags,
    terms: Terms,
    awaited: bool,
    sender: Sender,
    /// The channel of the stream that the request opens.
    stream: Option<ChannelId>,
    pub(crate) moves: Option<Moves>,
}

enum Body<'a> {
    Values {
        arguments: &'a (dyn Encode + 'a),
        prefix: Prefix<'a>,
    },
    /// A request that was encoded for another session.
    Encoded(&'a Frame),
}

/// The result of sending a call that was entered into the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Published,
    /// The request was not sent here: the session's end settles the call, or the call was
    /// cancelled.
    Relinquished,
}

/// Why a call was not entered into the table.
pub(crate) enum NotSent {
    /// The session is over.
    Over,
    Failed(CallFailure),
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        method: u32,
        arguments: &'a (dyn Encode + 'a),
        options: &'a CallOptions,
        deadline: Option<Instant>,
        awaited: bool,
    ) -> Self {
        Self {
            body: Body::Values {
                arguments,
                prefix: Prefix {
                    stream: None,
                    metadata: &options.metadata,
                },
            },
            method,
            flags: Flags::none().and_if(Flags::ONEWAY, !awaited),
            terms: Terms {
                deadline,
                idempotent: options.idempotent,
                crash_count: 0,
                order: None,
            },
            awaited,
            sender: Sender::Caller,
            stream: None,
            moves: None,
        }
    }

    /// Makes the request of an unsettled call again. The number of the method may differ on this
    /// channel.
    pub(crate) fn again(unsettled: &'a UnsettledCall, method: u32) -> Self {
        let mut terms = unsettled.terms.clone();
        terms.crash_count += u32::from(unsettled.start_state == StartState::Begun);
        Self {
            body: Body::Encoded(&unsettled.frame),
            method,
            flags: unsettled.frame.header.flags,
            terms,
            awaited: unsettled.awaited,
            sender: Sender::Another,
            stream: None,
            moves: unsettled.moves.clone(),
        }
    }

    pub(crate) fn stream(&mut self, id: ChannelId, client: bool, server: bool) {
        self.flags = self
            .flags
            .and_if(Flags::CLIENT_STREAM, client)
            .and_if(Flags::SERVER_STREAM, server);
        self.stream = self.flags.streams().then_some(id);
        if let Body::Values { prefix, .. } = &mut self.body {
            prefix.stream = self.stream;
        }
    }

    pub(crate) fn method(&self) -> u32 {
        self.method
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.terms.deadline
    }

    /// Enters the call and puts it on the ring.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready sends nothing.
    pub(crate) async fn send(
        &self,
        calls: &Arc<OutgoingCalls>,
        channel: &Arc<ClientChannel>,
        pending: &Arc<Pending>,
    ) -> Result<Sent, NotSent> {
        let link = &*calls.link;
        loop {
            let prepared = self.prepare(link)?;
            let bytes = charge(prepared.carried());
            // RQ1
            let admitted = match channel.window.try_admit(bytes) {
                None => channel.admit(self.method, bytes, &link.waits).await,
                admitted => admitted,
            };
            let admitted = admitted.ok_or(NotSent::Over)?;
            let attempt = link.encoder.finish_prepared(prepared, Lane::Data);
            let (encoded, admitted) = match attempt.map_err(not_encoded)? {
                Attempt::Encoded(encoded) => (encoded, admitted),
                Attempt::Waiting(unfinished) => {
                    let finished = self.finish(calls, channel, admitted, *unfinished);
                    match finished.await? {
                        Some(finished) => finished,
                        None => continue,
                    }
                }
            };
            let mut frame = Frame {
                header: Header::new(FrameType::Request, channel.id),
                payload: encoded.payload,
                blobs: encoded.blobs,
            };
            frame.header.method = self.method;
            frame.header.flags = encoded.flags.and(self.flags);
            let entry = Entry {
                pending: Arc::clone(pending),
                channel: Arc::clone(channel),
                frame: frame.clone(),
                terms: self.terms.clone(),
                awaited: self.awaited,
                moves: self.moves.clone(),
                given_up: false,
                bytes,
            };
            let note = |call| pending.enter(calls, call);
            let call = calls.table.enter(entry, self.sender, note);
            let call = call.map_err(not_entered)?;
            admitted.hand_over();
            frame.header.call = call;
            let mut unsent = Unsent(Some((calls, call)));
            let sent = match self.put(calls, channel, &mut frame).await {
                Put::Sent => {
                    link.metrics.sent_call(&frame);
                    Sent::Published
                }
                Put::Relinquished => Sent::Relinquished,
                Put::Withdrawn => {
                    unsent.0 = None;
                    match pending.detach() {
                        true => continue,
                        // The caller cancelled.
                        false => Sent::Relinquished,
                    }
                }
            };
            unsent.0 = None;
            return Ok(sent);
        }
    }

    /// Encodes a request that has to wait for buffers, or travels in fragments. `None` if it must start again, since it was not
    /// polled and others needed what it had.
    ///
    /// Boxed, since it waits on a rare path, where it would make the futures of all calls larger.
    #[cold]
    fn finish<'b>(
        &'b self,
        calls: &'b OutgoingCalls,
        channel: &'b Arc<ClientChannel>,
        admitted: Admitted<'b>,
        unfinished: Unfinished<'b>,
    ) -> BoxFuture<'b, Result<Option<(EncodedPayload, Admitted<'b>)>, NotSent>> {
        let reservation = calls.reservations.admitted(channel, admitted);
        let flow = channel.flow(self.method);
        let encoder = &calls.link.encoder;
        Box::pin(async move {
            let work = encoder.finish_later(unfinished, flow, Lane::Data);
            let Some(encoded) = reservation.attend(work).await else {
                return Ok(None);
            };
            let encoded = encoded.map_err(not_encoded)?;
            let admitted = reservation.claim(channel);
            Ok(admitted.map(|admitted| (encoded, admitted)))
        })
    }

    fn prepare(&self, link: &Link) -> Result<Prepared<'_>, NotSent> {
        let prepared = match self.body {
            Body::Values { arguments, prefix } => link.encoder.prepare(prefix, arguments),
            Body::Encoded(frame) => link.encoder.prepare_again(frame, self.stream),
        };
        prepared.map_err(not_encoded)
    }

    /// Puts a request on the ring, or leaves the call to the session's end (RQ3). A cancelled call
    /// is not put on the ring (RQ4).
    async fn put(
        &self,
        calls: &OutgoingCalls,
        channel: &Arc<ClientChannel>,
        frame: &mut Frame,
    ) -> Put {
        let call = frame.header.call;
        let mut sender = self.sender;
        loop {
            frame.header.credits = millis_left(self.terms.deadline);
            let refused = match calls.link.transport.send(frame, Lane::Data) {
                Ok(()) => {
                    // If the caller itself sends, it could not cancel meanwhile.
                    if sender == Sender::Another {
                        calls.published(call);
                    }
                    return Put::Sent;
                }
                Err(refused) => refused,
            };
            if !calls.not_published(call) {
                return Put::Relinquished;
            }
            match refused {
                // Another frame with one of the buffers was sent first: encode again, with a copy of that buffer.
                SendError::InFlight if calls.withdraw(call) => return Put::Withdrawn,
                SendError::InFlight | SendError::Closed => return Put::Relinquished,
                SendError::Full => {}
            }
            self.wait_for_ring(calls, channel, call).await;
            match calls.table.publish(call) {
                Publish::Now => sender = Sender::Another,
                Publish::Withdrawn => return Put::Withdrawn,
                Publish::HandedOut => return Put::Relinquished,
            }
        }
    }

    /// Waits until the ring may have room, or the request is withdrawn.
    #[cold]
    fn wait_for_ring<'b>(
        &self,
        calls: &'b OutgoingCalls,
        channel: &'b Arc<ClientChannel>,
        call: CallId,
    ) -> BoxFuture<'b, ()> {
        let (link, flow) = (&calls.link, channel.flow(self.method));
        Box::pin(async move {
            let room = link.transport.ready(Lane::Data);
            let room = link.waits.during(flow, Need::Ring, room);
            let reservation = calls.reservations.entered(channel, call);
            // If the session is over, the next attempt finds that.
            let _ = reservation.attend(room).await;
        })
    }
}

fn not_entered(why: NotEntered) -> NotSent {
    let failed = |why| NotSent::Failed(CallFailure::Failed(why));
    match why {
        NotEntered::Closed => NotSent::Over,
        NotEntered::Unwanted => failed(RemoteError::Cancelled),
        NotEntered::Full => failed(RemoteError::LimitReached(
            "the call table is full, since the other side granted more calls than it has entries"
                .into(),
        )),
    }
}

fn not_encoded(error: PayloadError) -> NotSent {
    match error {
        PayloadError::Encode(why) => NotSent::Failed(CallFailure::Encode(why)),
        PayloadError::TooLarge { len, max } => NotSent::Failed(CallFailure::TooLarge { len, max }),
        PayloadError::NoSlot { len } => {
            NotSent::Failed(CallFailure::Failed(RemoteError::LimitReached(no_slot(len))))
        }
        PayloadError::Closed => NotSent::Over,
    }
}

/// The result of putting a request on the ring.
enum Put {
    Sent,
    /// The session's end settles the call, or the call was cancelled.
    Relinquished,
    /// The call is in no table: encode it again.
    Withdrawn,
}

/// Returns credit and entry if the future is dropped between taking them and sending (RQ2).
struct Unsent<'a>(Option<(&'a OutgoingCalls, CallId)>);

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        if let Some((calls, call)) = self.0 {
            calls.cancel(call);
        }
    }
}
