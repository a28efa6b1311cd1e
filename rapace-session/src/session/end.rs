//! How a session ends, whoever ends it.
//!
//! - Z1: the session ends once; the first reason stays.
//! - Z2: at the end every wait is ended: calls are settled or handed on, handlers cancelled, streams
//!   failed, channels closed.
//! - Z3: nothing is begun any more before anybody can know of the end. So a peer that reads of it
//!   sees every start marker that was ever set, and what is not marked never runs.

use crate::calls::unsettled::UnsettledCall;
use crate::link::end::EndReason;
use crate::session::parts::Parts;
use crate::wire::frame::{ChannelId, FrameType};
use crate::wire::handshake_error::HandshakeError;

impl Parts {
    /// Ends the session.
    pub(crate) fn end(&self, reason: EndReason) {
        // What a living peer has not begun it may begin until it learns of the end; one that closed
        // or is gone begins nothing any more (Z3).
        let peer_is_done = matches!(reason, EndReason::ClosedByPeer(_) | EndReason::PeerGone);
        let last_word = match &reason {
            // For whoever has to find the mistake over there.
            EndReason::PeerFault(what) => {
                Some(format!("it was sent what breaks the protocol: {what}"))
            }
            EndReason::Internal(what) => Some(what.clone()),
            EndReason::RuntimeGone => Some("its runtime was shut down".to_owned()),
            _ => None,
        };
        let last_word = last_word.as_deref().map(|why| (FrameType::Close, why));
        self.end_with(&reason, peer_is_done, last_word);
    }

    /// Ends the session with a peer that is known to be dead.
    pub(crate) fn end_without_peer(&self, reason: EndReason) {
        self.end_with(&reason, true, None);
    }

    /// Ends the session and tells the peer why.
    pub(crate) fn close(&self, why: &str) {
        self.end_with(&EndReason::Closed, false, Some((FrameType::Close, why)));
    }

    /// Ends the session before it was one, and tells the peer why.
    pub(crate) fn refuse(&self, why: HandshakeError) {
        let text = why.to_string();
        let reason = EndReason::Refused(why);
        self.end_with(&reason, true, Some((FrameType::Refuse, &text)));
    }

    /// Ends the session before there is one, and tells the peer why.
    pub(crate) fn decline(&self, why: &str) {
        self.end_with(&EndReason::Closed, true, Some((FrameType::Refuse, why)));
    }

    fn end_with(
        &self,
        reason: &EndReason,
        peer_is_done: bool,
        last_word: Option<(FrameType, &str)>,
    ) {
        self.incoming.close(); // Z3
        if !self.link.end.settle(reason) {
            return;
        }
        // The reader leaves when it hears of the end, and the transport with it: this goes before.
        if let Some((frame_type, why)) = last_word {
            self.link.send_text(frame_type, ChannelId::SESSION, why);
        }
        self.link.outbox.flush_now();
        self.link.end.publish(reason);
        self.link.transport.close();
        let unsettled = self.calls.close(reason, peer_is_done);
        self.transfer(unsettled, reason);
        self.channels.end();
        self.streams.end(reason);
    }

    /// Unsettled calls go to whoever takes them, in the order in which they were made.
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
