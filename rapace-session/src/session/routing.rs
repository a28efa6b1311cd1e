//! Puts one frame where it belongs. What comes back is a rule that the peer broke.
//!
//! - N1: routing never waits.
//! - N2: a frame for a call or a channel that is over is counted and dropped: the two sides cannot
//!   know of each other's endings in time. A frame for one that cannot have been is a fault.
//! - N3: a call whose answer broke a rule had begun, and is not settled by it: the session's end hands it on.

use std::fmt;
use std::sync::Arc;

use kameo::actor::ActorRef;

use crate::calls::pending::{Outcome, Reply};
use crate::calls::table::{Entry, Found};
use crate::serving::{IncomingCall, ServiceRoute};
use crate::session::shared::{Route, Shared};
use crate::session::{Control, SessionActor};
use crate::streams::{Arrived, Overrun, StreamParts};
use crate::transport::Claim;
use crate::wire::envelope::Envelope;
use crate::wire::error::{CallFailure, EndReason, Failure};
use crate::wire::frame::{ChannelId, Flags, Frame, Header, Status, Verb};
use crate::wire::limits::{MAX_STREAMS, MAX_TEXT};

type Fault = &'static str;

/// The service that was called last, and most likely will be next: its channel stays for as long as the session.
#[derive(Default)]
pub(crate) struct LastCalled(Option<Arc<ServiceRoute>>);

impl LastCalled {
    fn find(&mut self, shared: &Shared, channel: ChannelId) -> Option<&Arc<ServiceRoute>> {
        if self.0.as_ref().is_none_or(|last| last.id != channel) {
            let Some(Route::Service(service)) = shared.route(channel) else {
                return None;
            };
            self.0 = Some(service);
        }
        self.0.as_ref()
    }
}

/// Puts one frame where it belongs.
pub(crate) fn route(
    shared: &Arc<Shared>,
    session: &ActorRef<SessionActor>,
    called: &mut LastCalled,
    frame: Frame,
) -> Result<(), Fault> {
    let header = frame.header;
    if !header.verb.allows(header.flags) {
        return Err("flags that its verb does not have");
    }
    let len = frame.payload.bytes().len();
    if header.verb.max_payload().is_some_and(|max| len > max) {
        return Err("a payload longer than its verb may have");
    }
    match header.verb {
        Verb::Reply => reply(shared, frame),
        Verb::Request => request(shared, called, frame),
        Verb::Item | Verb::End | Verb::Stop | Verb::Reset => {
            stream_frame(shared, frame);
            Ok(())
        }
        Verb::Credit => credit(shared, header),
        Verb::Cancel => {
            if !shared.incoming.cancel(header.call) {
                shared.metrics.arrived_late();
            }
            Ok(())
        }
        Verb::Hello
        | Verb::Welcome
        | Verb::Refuse
        | Verb::Open
        | Verb::Opened
        | Verb::NotOpened
        | Verb::Drain
        | Verb::Settled
        | Verb::CloseChannel
        | Verb::Close => session
            .tell(Control(frame))
            .try_send()
            .map_err(|_| "more control frames than a session has use for"),
    }
}

fn request(shared: &Arc<Shared>, called: &mut LastCalled, frame: Frame) -> Result<(), Fault> {
    let header = frame.header;
    let service = called.find(shared, header.channel);
    let service = service.ok_or("a request on a channel that is not open")?;
    let envelope = Envelope::open(frame)?;
    let mut parts = None;
    let mut refused = false;
    if let Some(id) = envelope.stream() {
        if !shared.is_free_for_peer(id) {
            return Err("a stream with a number that is not free");
        }
        let sends = header.flags.has(Flags::SERVER_STREAM);
        let takes = header.flags.has(Flags::CLIENT_STREAM);
        // The peer counts too, and may know of an end before we have dealt with it: by as many as it can have calls.
        if shared.peer_streams() < MAX_STREAMS + shared.transport.call_table() {
            parts = Some(Box::new(shared.open_stream(id, sends, takes, None)));
        } else {
            shared.send_stream_over(id, TOO_MANY, takes);
            refused = true;
        }
    }
    deliver(shared, service, header, envelope, parts, refused)
}

fn deliver(
    shared: &Arc<Shared>,
    service: &Arc<ServiceRoute>,
    header: Header,
    envelope: Envelope,
    parts: Option<Box<StreamParts>>,
    refused: bool,
) -> Result<(), Fault> {
    let Some(call) = IncomingCall::enter(shared, service, header, envelope, parts)? else {
        return Ok(());
    };
    if refused {
        call.refuse(&Failure::LimitReached(TOO_MANY.into()));
    } else if let Err(call) = service.sink.deliver(call) {
        call.refuse(&Failure::Unavailable("the service has stopped".into()));
    }
    Ok(())
}

fn stream_frame(shared: &Shared, frame: Frame) {
    let verb = frame.header.verb;
    let Some(Route::Stream(stream)) = shared.route(frame.header.channel) else {
        return shared.metrics.arrived_late();
    };
    let told = match verb {
        Verb::Item if stream.take_allowance() => {
            stream.actor.tell(Arrived(frame)).try_send().is_ok()
        }
        Verb::Item if stream.says_first(verb) => stream.actor.tell(Overrun).try_send().is_ok(),
        Verb::Item => false,
        _ => stream.says_first(verb) && stream.actor.tell(Arrived(frame)).try_send().is_ok(),
    };
    if !told {
        shared.metrics.arrived_late();
    }
}

fn credit(shared: &Shared, header: Header) -> Result<(), Fault> {
    match shared.route(header.channel) {
        Some(Route::Stream(stream)) if !stream.granted(header.credits) => {
            Err("more credits than its window")
        }
        Some(Route::Stream(_)) => Ok(()),
        Some(Route::Client(_) | Route::Service(_)) => Err("credits for what is not a stream"),
        None => {
            shared.metrics.arrived_late();
            Ok(())
        }
    }
}

/// The answer to one of our calls.
pub(crate) fn reply(shared: &Shared, frame: Frame) -> Result<(), Fault> {
    let header = frame.header;
    let entry = match shared.calls.complete(header.call) {
        Found::Live(entry) => entry,
        Found::Forsaken(channel) => {
            shared.metrics.arrived_late();
            return match channel.id == header.channel && channel.give_back(header.credits) {
                true => Ok(()),
                false => Err("more credits than were taken"),
            };
        }
        Found::Nothing => return Err("a reply to no call"),
    };
    let outcome = match outcome(shared, &entry, frame) {
        Ok(outcome) => outcome,
        Err(what) => {
            // N3
            if let Some(entry) = shared.calls.misanswered(entry) {
                // The session has ended meanwhile, for another reason.
                let ended = shared.ended();
                entry.pending.settle(Err(CallFailure::Lost {
                    claim: Claim::Begun,
                    reason: ended.unwrap_or_else(|| EndReason::PeerFault(what.into())),
                }));
            }
            return Err(what);
        }
    };
    let Entry {
        pending,
        frame,
        awaited,
        ..
    } = entry;
    // The request's buffers are free before its caller can look, except for those that came back.
    drop(frame);
    if !pending.settle(outcome) && awaited {
        shared.metrics.arrived_late();
    }
    Ok(())
}

fn outcome(shared: &Shared, entry: &Entry, frame: Frame) -> Result<Outcome, Fault> {
    let header = frame.header;
    if header.channel != entry.channel.id {
        return Err("a reply on another channel than its call");
    }
    if !entry.channel.give_back(header.credits) {
        return Err("more credits than were taken");
    }
    let status = Status::from_word(header.method).ok_or("a reply of unknown status")?;
    if status == Status::HandlerError && !entry.awaited {
        tell_failed(
            entry,
            &"its handler gave an error, which its own process names",
        );
    }
    if status != Status::Failed {
        let envelope = match entry.awaited {
            true => Envelope::open_answer(frame, &entry.frame.blobs)?,
            false => Envelope::open(frame)?,
        };
        return Ok(Ok(Reply::new(status, envelope)));
    }
    if header.flags.has(Flags::BLOBS) {
        return Err("a failure with buffers");
    }
    if frame.payload.bytes().len() > MAX_TEXT {
        return Err("a failure longer than a text may be");
    }
    shared.metrics.failed();
    let failure = Failure::from_bytes(frame.payload.bytes());
    if !entry.awaited {
        tell_failed(entry, &failure);
    }
    Ok(Err(CallFailure::Failed(failure)))
}

/// Nobody waits for the answer. The service says so too, where it runs; but of a plugin that is text among what it prints.
fn tell_failed(entry: &Entry, error: &dyn fmt::Display) {
    let service = &*entry.channel.service;
    let number = entry.frame.header.method;
    let method = entry
        .channel
        .offer()
        .and_then(|offer| offer.methods.get(number as usize));
    let method = method.map_or("unknown", |method| method.name.as_str());
    tracing::warn!(service, method, %error, "a tell failed");
}

const TOO_MANY: &str =
    "the other side refused the stream: over 4096 of the caller's are open in this session";
