//! The two halves of a stream on one side.

use std::sync::Arc;

use crate::streams::actor::NeverOpened;
use crate::streams::state::StreamState;
use crate::streams::{StreamReceiver, StreamSender};

/// The halves of a stream on one side. A direction that the method lacks is `None`.
#[derive(Debug, Default)]
pub struct StreamParts {
    /// Sends items.
    pub sender: Option<StreamSender>,
    /// Receives items.
    pub receiver: Option<StreamReceiver>,
}

impl StreamParts {
    /// The state that both halves share.
    pub(crate) fn state(&self) -> Option<&Arc<StreamState>> {
        match (&self.sender, &self.receiver) {
            (Some(sender), _) => Some(sender.state()),
            (None, Some(receiver)) => Some(receiver.state()),
            (None, None) => None,
        }
    }

    /// Drops the stream without sending a frame, since the peer never saw its request.
    pub(crate) fn never_opened(mut self) {
        let sender = self.sender.as_ref().map(StreamSender::actor);
        let receiver = self.receiver.as_ref().map(StreamReceiver::actor);
        let Some(actor) = sender.or(receiver).cloned() else {
            return;
        };
        if let Some(sender) = &mut self.sender {
            sender.silence();
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.silence();
        }
        let _ = actor.tell(NeverOpened).try_send();
    }
}
