//! Who holds a channel that this side opened.
//!
//! - B1: a channel that nobody holds any more is closed once its calls are over, also one that was opened for somebody
//!   who has left.
//! - B2: whoever lets go waits for nothing: the session's actor closes it.

use std::sync::Arc;

use crate::calls::credits::ClientChannel;
use crate::link::places::Place;
use crate::session::shared::Shared;

/// Shared by all handles of one channel.
#[derive(Debug)]
pub(crate) struct Lease {
    shared: Arc<Shared>,
    /// Taken when the last handle goes.
    channel: Option<LeftChannel>,
}

/// A channel that nobody holds any more.
#[derive(Debug)]
pub(crate) struct LeftChannel {
    pub(crate) channel: Arc<ClientChannel>,
    pub(crate) place: Place,
}

impl Lease {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        channel: &Arc<ClientChannel>,
        mut place: Place,
    ) -> Self {
        place.set_leaving(false);
        Self {
            shared: Arc::clone(shared),
            channel: Some(LeftChannel {
                channel: Arc::clone(channel),
                place,
            }),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(mut left) = self.channel.take() {
            left.place.set_leaving(true);
            self.shared.left().push(left);
            self.shared.channel_left.notify_one();
            if self.shared.ended().is_some() {
                // Nobody closes anything any more, and nobody should wait for it.
                self.shared.left().clear();
            }
        }
    }
}
