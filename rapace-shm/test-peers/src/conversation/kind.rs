//! The kinds of frames in the conversation, by the action of the receiver.

/// The kind of a frame: the action of the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// Mark this call.
    Call(u32),
    /// Receive the slots that the payload names.
    Attached,
    /// Keep the payload until after the next [`Kind::StopUntilHeartbeat`].
    Hold,
    /// Receive nothing before the sender's heartbeat of this number.
    StopUntilHeartbeat(u32),
    /// Answer, as to [`Kind::StopUntilHeartbeat`].
    Question,
    Answer,
    Turn,
    Leave,
}

impl Kind {
    pub(super) fn encode(self) -> (u8, u32) {
        match self {
            Self::Plain => (1, 0),
            Self::Call(call) => (2, call),
            Self::Attached => (3, 0),
            Self::Hold => (4, 0),
            Self::StopUntilHeartbeat(heartbeats) => (5, heartbeats),
            Self::Question => (6, 0),
            Self::Answer => (7, 0),
            Self::Turn => (8, 0),
            Self::Leave => (9, 0),
        }
    }

    pub(super) fn decode(frame_type: u8, argument: u32) -> Self {
        match frame_type {
            1 => Self::Plain,
            2 => Self::Call(argument),
            3 => Self::Attached,
            4 => Self::Hold,
            5 => Self::StopUntilHeartbeat(argument),
            6 => Self::Question,
            7 => Self::Answer,
            8 => Self::Turn,
            9 => Self::Leave,
            frame_type => panic!("no side sends frame type {frame_type}"),
        }
    }
}
