//! The order in which a session ends, for every reason.
//!
//! - SE1: the session ends once; the first reason is kept.
//! - SE2: the end ends every wait: calls are settled or handed out, handlers cancelled, streams
//!   failed, channels closed.
//! - SE3: no call begins after the end becomes observable. So a peer that reads of the end sees all
//!   start markers that are ever set, and an unmarked call never runs.

use crate::calls::unsettled::UnsettledCall;
use crate::link::end::EndReason;
use crate::session::parts::Parts;
use crate::wire::frame::{ChannelId, FrameType};
use crate::wire::handshake_error::HandshakeError;

impl Parts {
    /// Ends the session.
    pub(crate) fn end(&self, reason: EndReason) {
        // A peer that is alive may begin calls until it learns of the end. A peer that closed the
        // session, or is gone, begins no more calls (SE3).
        let peer_is_done = matches!(reason, EndReason::ClosedByPeer(_) | EndReason::PeerGone);
        let close_frame = match &reason {
            // Helps to find the mistake on the other side.
            EndReason::PeerFault(what) => Some(format!("a protocol violation: {what}")),
            EndReason::Internal(what) => Some(what.clone()),
            EndReason::RuntimeGone => Some("its runtime was shut down".to_owned()),
            _ => None,
        };
        let close_frame = close_frame.as_deref().map(|why| (FrameType::Close, why));
        self.end_with(&reason, peer_is_done, close_frame);
    }

    /// Ends the session with a peer that is known to be dead.
    pub(crate) fn end_without_peer(&self, reason: EndReason) {
        self.end_with(&reason, true, None);
    }

    /// Ends the session and tells the peer why.
    pub(crate) fn close(&self, why: &str) {
        self.end_with(&EndReason::Closed, false, Some((FrameType::Close, why)));
    }

    /// Ends the session during the handshake, and tells the peer why.
    pub(crate) fn refuse(&self, why: HandshakeError) {
        let text = why.text_for_peer();
        let reason = EndReason::Refused(why);
        self.end_with(&reason, true, Some((FrameType::Refuse, &text)));
    }

    /// Ends the session in place of a hello, and tells the peer why.
    pub(crate) fn decline(&self, why: &str) {
        self.end_with(&EndReason::Closed, true, Some((FrameType::Refuse, why)));
    }

    fn end_with(
        &self,
        reason: &EndReason,
        peer_is_done: bool,
        close_frame: Option<(FrameType, &str)>,
    ) {
        self.incoming.close(); // SE3
        if !self.link.end.settle(reason) {
            return;
        }
        // Sent before the end is published, since the reader then stops and drops the transport.
        if let Some((frame_type, why)) = close_frame {
            self.link.send_text(frame_type, ChannelId::SESSION, why);
        }
        self.link.outbox.flush_now();
        self.link.end.publish(reason);
        self.link.transport.close();
        let unsettled = self.calls.close(reason, peer_is_done);
        self.transfer(unsettled, reason);
        self.link.encoder.fragmenter().close();
        self.link.spare_buffers.close();
        self.channels.end();
        self.streams.end(reason);
    }

    /// Hands out the unsettled calls, in the order in which they were made.
    fn transfer(&self, unsettled: Vec<UnsettledCall>, reason: &EndReason) {
        let Some(on_unsettled) = &self.config.on_unsettled else {
            return; // Dropping an unsettled call settles it.
        };
        let mut wanted = Vec::with_capacity(unsettled.len());
        for call in unsettled {
            if call.pending.detach() {
                wanted.push(call);
            }
        }
        on_unsettled(wanted, reason.clone());
    }
}
