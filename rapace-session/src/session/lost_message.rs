//! Messages of which a part came in fragments and found no memory here: each fails alone, and the session goes on.
//!
//! - NM1: the rules of the peer hold for such a message as for any other, and it returns what it took: its credit, its bytes,
//!   its entry of the call table.
//! - NM2: the error of its call, or of its stream, names the bytes that were missing, and on which side.

use std::sync::Arc;

use crate::link::discarded::Lost;
use crate::serving::IncomingCall;
use crate::session::channels::NOT_OPEN;
use crate::session::parts::Parts;
use crate::wire::frame::{Flags, Frame, FrameType};
use crate::wire::message_body::MessageBody;
use crate::wire::remote_error::RemoteError;

type Fault = &'static str;

/// Fails a message, whose frame has the beginning of its payload and empty buffers.
///
/// # Errors
/// The rule that the peer broke.
#[cold]
pub(super) fn fail(parts: &Arc<Parts>, frame: Frame, lost: Lost) -> Result<(), Fault> {
    let header = frame.header;
    tracing::warn!(
        peer = parts.link.encoder.fragmenter().peer(),
        bytes = lost.missing,
        frame_type = ?header.frame_type,
        "there is no memory here for a message of the other side, which came in fragments: its call, or its stream, fails"
    );
    match header.frame_type {
        FrameType::Reply => parts.calls.reply_without_memory(frame, lost),
        FrameType::Request => refuse(parts, frame, lost),
        // No other frame type has fragments.
        _ => {
            parts.streams.arrived_without_memory(header.channel, lost);
            Ok(())
        }
    }
}

fn refuse(parts: &Arc<Parts>, mut frame: Frame, lost: Lost) -> Result<(), Fault> {
    let header = frame.header;
    let service = parts.channels.service(header.channel).ok_or(NOT_OPEN)?;
    // It lies behind the beginning of the payload, and nobody reads it.
    frame.header.flags = frame.header.flags.without(Flags::METADATA);
    let body = MessageBody::parse(frame)?;
    let why = format!(
        "the other side has no memory for {} bytes of the arguments: send them in parts, as a stream, or try again later",
        lost.missing
    );
    if let Some(id) = parts.channels.opened_by(&body)? {
        let takes = header.flags.has(Flags::CLIENT_STREAM);
        parts.streams.refuse(id, &why, takes);
    }
    let (calls, window) = (&parts.incoming, &service.window);
    if let Some(call) = IncomingCall::enter_without_memory(calls, window, header, body, lost)? {
        call.refuse(&RemoteError::LimitReached(why));
    }
    Ok(())
}
