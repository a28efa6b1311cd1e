//! Routing of a received frame. An error is a rule that the peer broke.
//!
//! - DI1: routing never waits.
//! - DI2: a frame for a call or channel that is over is counted and dropped, since each side learns
//!   of the other's ends with a delay. A frame for a call or channel that never existed is a fault.
//! - DI3: the payload of a control frame, and the text of a reset, is copied when it is routed if it may lie in a fragment
//!   slot, so that the slot is free again in the same turn. A longer one is checked before anything is done for its length.

use std::sync::Arc;

use kameo::actor::ActorRef;

use crate::link::discarded::Lost;
use crate::link::reassembly::Reassembly;
use crate::link::spare_buffers::SpareBuffers;
use crate::serving::IncomingCall;
use crate::serving::service::ServiceRoute;
use crate::session::actor::{Control, SessionActor};
use crate::session::channels::NOT_OPEN;
use crate::session::lost_message::fail;
use crate::session::parts::Parts;
use crate::streams::halves::StreamParts;
use crate::wire::frame::{ChannelId, Flags, Frame, FrameType, Header, Payload};
use crate::wire::message_body::MessageBody;
use crate::wire::remote_error::RemoteError;
use crate::wire::transfer::TransferId;

type Fault = &'static str;

/// A cache of the service that was called last, which is most likely to be called next. It never
/// returns a closed channel, whose number can be reused.
#[derive(Default)]
struct LastCalled(Option<Arc<ServiceRoute>>);

impl LastCalled {
    fn find(&mut self, parts: &Parts, channel: ChannelId) -> Option<&Arc<ServiceRoute>> {
        if self.0.as_ref().is_none_or(|last| last.id() != channel) {
            self.0 = Some(parts.channels.service(channel)?);
        }
        self.0.as_ref()
    }
}

/// What the reader remembers between frames.
pub(crate) struct Routing {
    called: LastCalled,
    reassembly: Reassembly,
    /// Whether a message came in fragments.
    fragmented: bool,
}

impl Routing {
    /// `window` is what the peer may have in fragments.
    pub(crate) fn new(window: u32, spare_buffers: Arc<SpareBuffers>) -> Self {
        Self {
            called: LastCalled::default(),
            reassembly: Reassembly::new(window, spare_buffers),
            fragmented: false,
        }
    }

    /// Completes a frame of which parts came in fragments. Returns what it lacks beside it.
    #[cold]
    fn complete(&mut self, parts: &Parts, frame: Frame) -> Result<(Frame, Option<Lost>), Fault> {
        let (frame, lost) = self.reassembly.complete(frame)?;
        parts.link.metrics.arrived_in_fragments();
        if !std::mem::replace(&mut self.fragmented, true) {
            tracing::warn!(
                peer = parts.link.encoder.fragmenter().peer(),
                bytes = lost.map_or_else(|| frame.carried(), |lost| lost.carried),
                "the other side finds no free slot for a message, so it sends it in fragments, with two copies. Keep fewer of its \
                 results, items and arguments here, copy those that are kept for long (`Blob::to_vec`), or give the class more \
                 slots (`SegmentConfig::with_classes`). Further messages are counted only (`fragmented_in`)"
            );
        }
        Ok((frame, lost))
    }
}

/// Routes a frame.
///
/// # Errors
/// The rule that the peer broke.
pub(crate) fn dispatch(
    parts: &Arc<Parts>,
    session: &ActorRef<SessionActor>,
    routing: &mut Routing,
    mut frame: Frame,
) -> Result<(), Fault> {
    let mut header = frame.header;
    if !header.frame_type.allows(header.flags) {
        return Err("flags that its frame type does not have");
    }
    let too_long = |max| frame.payload.bytes().len() > max;
    if header.frame_type.max_payload().is_some_and(too_long) {
        return Err("a payload longer than its frame type may have");
    }
    if header.flags.has(Flags::FRAGMENTED) {
        let lost;
        (frame, lost) = routing.complete(parts, frame)?;
        if let Some(lost) = lost {
            return fail(parts, frame, lost);
        }
        header = frame.header;
    }
    match header.frame_type {
        FrameType::Reply => parts.calls.reply(frame),
        FrameType::Request => request(parts, &mut routing.called, frame),
        FrameType::Item | FrameType::End | FrameType::Stop => {
            parts.streams.arrived(frame);
            Ok(())
        }
        FrameType::Reset => {
            parts.streams.arrived(copied(parts, frame));
            Ok(())
        }
        FrameType::Credit => credit(parts, session, frame),
        FrameType::Cancel => {
            if !parts.incoming.cancel(header.call) {
                parts.link.metrics.arrived_late();
            }
            Ok(())
        }
        FrameType::Hello
        | FrameType::Welcome
        | FrameType::Refuse
        | FrameType::Open
        | FrameType::Opened
        | FrameType::NotOpened
        | FrameType::Drain
        | FrameType::Ready
        | FrameType::Close => control(parts, session, frame),
        FrameType::CloseChannel => {
            routing.called = LastCalled::default();
            control(parts, session, frame)
        }
        FrameType::Fragment => routing.reassembly.add(header, frame.payload.bytes()),
        FrameType::DropFragments => {
            routing.reassembly.drop_transfer(TransferId(header.method));
            Ok(())
        }
    }
}

fn request(parts: &Arc<Parts>, called: &mut LastCalled, frame: Frame) -> Result<(), Fault> {
    let header = frame.header;
    let service = called.find(parts, header.channel);
    let service = service.ok_or(NOT_OPEN)?;
    let body = MessageBody::parse(frame)?;
    let mut streams = None;
    let mut refused = false;
    if let Some(id) = parts.channels.opened_by(&body)? {
        let sends = header.flags.has(Flags::SERVER_STREAM);
        let takes = header.flags.has(Flags::CLIENT_STREAM);
        if parts.streams.has_room_for_peer() {
            let opener = (header.channel, header.method);
            streams = Some(Box::new(parts.streams.open(id, opener, sends, takes, None)));
        } else {
            parts.streams.refuse(id, TOO_MANY, takes);
            refused = true;
        }
    }
    deliver(parts, service, header, body, streams, refused)
}

fn deliver(
    parts: &Arc<Parts>,
    service: &Arc<ServiceRoute>,
    header: Header,
    body: MessageBody,
    streams: Option<Box<StreamParts>>,
    refused: bool,
) -> Result<(), Fault> {
    let Some(call) = IncomingCall::enter(&parts.incoming, &service.window, header, body, streams)?
    else {
        return Ok(());
    };
    if refused {
        call.refuse(&RemoteError::LimitReached(TOO_MANY.into()));
    } else if let Err(call) = service.sink.deliver(call) {
        call.refuse(&RemoteError::Unavailable("the service has stopped".into()));
    }
    Ok(())
}

fn credit(parts: &Parts, session: &ActorRef<SessionActor>, frame: Frame) -> Result<(), Fault> {
    let header = frame.header;
    if parts.streams.granted(header)? {
        return Ok(());
    }
    if parts.channels.is_to_service(header.channel) {
        return Err("credits from the side that takes them");
    }
    if let Some(channel) = parts.channels.client(header.channel) {
        return parts.channels.window_grew(&channel, header);
    }
    // Handled by the session's actor, after the answer to the opening.
    if !parts.channels.ids.is_peers(header.channel) && parts.channels.ids.is_used(header.channel) {
        return control(parts, session, frame);
    }
    parts.link.metrics.arrived_late();
    Ok(())
}

fn control(parts: &Parts, session: &ActorRef<SessionActor>, frame: Frame) -> Result<(), Fault> {
    session
        .tell(Control(copied(parts, frame)))
        .try_send()
        .map_err(|_| "more control frames than a session can queue")
}

/// Moves a payload out of its slot, if it may be a fragment slot (DI3).
fn copied(parts: &Parts, mut frame: Frame) -> Frame {
    if let Payload::Buffer(text) = &frame.payload
        && text.len() <= parts.link.transport.max_fragment()
    {
        frame.payload = Payload::Buffer(text.to_vec().into());
    }
    frame
}

const TOO_MANY: &str =
    "the other side refused the stream: over 4096 of the caller's are open in this session";
