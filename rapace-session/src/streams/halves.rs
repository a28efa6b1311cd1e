//! The two halves of a stream on one side.

use std::sync::Arc;

use crate::streams::actor::NeverOpened;
use crate::streams::state::StreamState;
use crate::streams::{StreamReceiver, StreamSender};

/// Both ends of a stream's channel on one side; a direction that the method lacks is `None`.
#[derive(Debug, Default)]
pub struct StreamParts {
    /// For items that this side sends.
    pub sender: Option<StreamSender>,
    /// For items that this side receives.
    pub receiver: Option<StreamReceiver>,
}

impl StreamParts {
    /// What both halves share.
    pub(crate) fn state(&self) -> Option<&Arc<StreamState>> {
        match (&self.sender, &self.receiver) {
            (Some(sender), _) => Some(sender.state()),
            (None, Some(receiver)) => Some(receiver.state()),
            (None, None) => None,
        }
    }

    /// Takes the stream down without a word: the peer has never heard of it.
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
