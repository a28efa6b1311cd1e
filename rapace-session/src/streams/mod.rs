//! One stream: a channel of its own, an actor that owns its state, and its two halves.
//!
//! - S1: each direction ends by `End`, by `Reset`, or with the session; its reader always learns which. The other
//!   direction goes on.
//! - S2: a sender has as many items under way as it was granted; the receiver checks.
//! - S3: credits go back when an item is taken by its consumer, not when it arrives.
//! - S4: the route goes when both directions are over; what comes later is counted and dropped.
//! - S5: what a peer can put into a stream's mailbox is bounded: items by the window, everything
//!   else by being said once.
//! - S6: a rule that the peer broke, and a runtime that is gone, end both directions: the peer hears a `Reset`, which
//!   says why, also if nothing was to come any more, and a `Stop` if it still sends.

use std::sync::Arc;

use kameo::actor::Spawn;
use kameo::mailbox;
use tokio::sync::mpsc;

use crate::link::places::Place;
use crate::session::shared::Shared;
use crate::wire::frame::ChannelId;

mod actor;
pub(crate) mod moves;
mod receiver;
mod route;
mod sender;

pub(crate) use actor::{Arrived, Overrun, SessionEnded};
use actor::{NeverOpened, StreamActor};
pub use receiver::StreamReceiver;
pub(crate) use route::StreamRoute;
pub use sender::{StreamSendError, StreamSender};

/// The largest window that one stream can have.
pub const MAX_WINDOW: u32 = 1 << 16;

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
    pub(crate) fn route(&self) -> Option<&Arc<StreamRoute>> {
        match (&self.sender, &self.receiver) {
            (Some(sender), _) => Some(sender.route()),
            (None, Some(receiver)) => Some(receiver.route()),
            (None, None) => None,
        }
    }

    /// Takes the stream down without a word: the peer has never heard of it.
    pub(crate) fn never_opened(mut self) {
        let Some(route) = self.route().map(Arc::clone) else {
            return;
        };
        if let Some(sender) = &mut self.sender {
            sender.silence();
        }
        if let Some(receiver) = &mut self.receiver {
            receiver.silence();
        }
        let _ = route.actor.tell(NeverOpened).try_send();
    }
}

/// Starts a stream's actor and gives its halves: `ours` if this side sends, `theirs` if the peer
/// does. The route is installed before this returns. A stream that this side opens has a place.
pub(crate) fn open(
    shared: &Arc<Shared>,
    id: ChannelId,
    ours: bool,
    theirs: bool,
    place: Option<Place>,
) -> StreamParts {
    let (items, taken) = mpsc::unbounded_channel();
    let actor = StreamActor::spawn_with_mailbox(
        StreamActor::new(Arc::clone(shared), id, ours, theirs.then_some(items)),
        // Bounded by S5.
        mailbox::unbounded(),
    );
    let window = shared.stream_window();
    let granted = shared.peer_stream_window();
    let halves = u8::from(ours) + u8::from(theirs);
    let route = StreamRoute::new(actor, granted, theirs.then_some(window));
    let route = Arc::new(route.holding(halves, place));
    shared.install_stream(id, &route);
    StreamParts {
        sender: ours.then(|| StreamSender::new(Arc::clone(shared), id, Arc::clone(&route))),
        receiver: theirs.then(|| StreamReceiver::new(Arc::clone(shared), id, route, taken, window)),
    }
}
