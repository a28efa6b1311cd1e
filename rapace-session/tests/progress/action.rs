//! What can happen between two sessions.

use super::payload::Shape;

/// A step of a sequence. `flow` is an index into the flows of the [`Setup`](super::world::Setup).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A sender has a payload.
    Offer {
        flow: usize,
        shape: Shape,
    },
    /// As `Offer`, but after this many turns of the scheduler the sender gives up.
    GiveUp {
        flow: usize,
        shape: Shape,
        turns: usize,
    },
    /// As `Offer`, but after this many turns of the scheduler the sender does not poll the payload's future any more, and
    /// does not drop it either.
    Stall {
        flow: usize,
        shape: Shape,
        turns: usize,
    },
    /// The sender gives up the oldest payload that is under way.
    Cancel {
        flow: usize,
    },
    /// The receiver takes the next payload, and keeps it or drops it.
    Take {
        flow: usize,
        keep: bool,
    },
    /// The handler of the oldest request that was taken replies. Its caller keeps the reply.
    Answer {
        flow: usize,
        shape: Shape,
    },
    /// The oldest payload that is kept is dropped.
    Forget,
    /// The receiver of a stream is dropped.
    Leave {
        flow: usize,
    },
    /// A side opens a channel, whose service has a name that does not fit in a frame, and closes it.
    Open {
        side: usize,
    },
    /// A side reads no frames until it is resumed, or reads them again.
    Pause {
        side: usize,
    },
    Resume {
        side: usize,
    },
}

impl Action {
    /// The flow that the action belongs to.
    pub(super) fn flow(self) -> Option<usize> {
        match self {
            Self::Offer { flow, .. }
            | Self::GiveUp { flow, .. }
            | Self::Stall { flow, .. }
            | Self::Cancel { flow }
            | Self::Take { flow, .. }
            | Self::Answer { flow, .. }
            | Self::Leave { flow } => Some(flow),
            Self::Forget | Self::Open { .. } | Self::Pause { .. } | Self::Resume { .. } => None,
        }
    }
}
