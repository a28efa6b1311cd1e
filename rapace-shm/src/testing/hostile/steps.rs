//! What a peer can do to an established link, and what a host does meanwhile.

use super::codec::{Bytes, Number, Operand, operands};
use crate::layout::{HEAD, HEARTBEAT, RECV_ARMED, RETURNS_TAIL, SPACE_ARMED, START_MARKERS, TAIL};
use crate::{Lane, Trust};

/// A run: what the peer is to the host, and what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) trust: Trust,
    pub(crate) steps: Vec<Step>,
}

operands! {
    /// One thing that happens.
    enum Step {
        /// The peer's doing.
        Peer { step: PeerStep },
        /// The host's doing.
        Host { step: HostStep },
        /// In the host's next doings, after so many loads: before each of the `times` that follow.
        Interleave { loads: u8, times: u8, step: PeerStep },
    }

    /// What the peer does.
    enum PeerStep {
        /// Stores anything in one of its words.
        Poke { word: Word, value: Number },
        /// Moves one of its cursors, ahead or back.
        Move { word: Word, by: i8 },
        /// Publishes a descriptor of a slot.
        Slot { index: Number, generation: Number, offset: Number, len: Number },
        /// Publishes a descriptor with a payload inside, its length as claimed.
        Inline { len: u8, byte: u8 },
        /// Publishes a descriptor without a payload.
        Empty {},
        /// Publishes a payload in a slot that begins with a table, which claims so many attachments: the first
        /// is the slot of that index, each other one so many further. It may be a byte too short.
        Attach { payload: Number, claimed: u8, short: bool, index: Number, by: u8, generation: Number, offset: Number, len: Number },
        /// Publishes a table inside a descriptor, with room for one attachment.
        AttachInside { claimed: u8, index: Number, generation: Number, offset: Number, len: Number },
        /// Publishes any 64 bytes.
        Raw { entry: [u64; 8] },
        /// Overwrites an entry of its ring, and publishes nothing.
        Overwrite { place: u8, entry: [u64; 8] },
        /// Returns any slot.
        ReturnSlot { index: Number, generation: Number },
        /// Takes what the host has published, as it should, and returns the slots if it likes.
        Consume { most: u8, return_slot: bool },
        /// Writes into a slot of its own.
        Fill { index: Number, byte: u8 },
        /// Rings.
        Ring { times: u8 },
        /// Rings until the doorbell takes no more.
        FillDoorbell {},
        /// Sends something over the control socket.
        Chat { len: u8 },
        /// Sends until the control socket takes no more.
        FloodSocket {},
        /// Hangs up.
        HangUp {},
        /// Closes its ends of both doorbells.
        DropDoorbells {},
    }

    /// A word of the peer's half.
    enum Word {
        Tail {},
        Head {},
        RecvArmed {},
        SpaceArmed {},
        ReturnsTail {},
        Heartbeat {},
        StartMarker { call: u8 },
    }

    /// What the host does.
    enum HostStep {
        /// Receives, or waits.
        Recv { max: u8 },
        /// Receives what is there.
        TryRecv { max: u8 },
        /// Drops something received.
        DropReceived { nth: u8 },
        /// Takes a slot to write.
        Allocate { len: Number, priority: bool },
        /// Shortens what it writes.
        Truncate { nth: u8, len: Number },
        /// Ends writing.
        Freeze { nth: u8 },
        /// Drops a slot that it writes.
        Abandon { nth: u8 },
        /// One more handle.
        Clone { nth: u8 },
        /// A handle on a part.
        Slice { nth: u8, start: Number, end: Number },
        /// Drops a handle.
        DropSlot { nth: u8 },
        /// Sends a few bytes.
        SendInline { len: u8, priority: bool },
        /// Sends a slot.
        SendSlot { nth: u8, priority: bool },
        /// Sends a slot as an attachment; or another, if it has one slot alone.
        SendBoth { payload: u8, attachment: u8, priority: bool },
        /// Begins to wait for a slot.
        WaitForSlot { len: Number, priority: bool },
        /// Begins to wait for room.
        WaitForRoom { priority: bool },
        /// Looks whether a wait is over.
        PollWait { nth: u8 },
        /// Gives a wait up.
        DropWait { nth: u8 },
        /// Counts.
        Stats {},
        /// Gives pages back.
        Trim {},
        /// Shows progress.
        Heartbeat {},
        /// Marks a call of the peer's as begun.
        MarkStarted { call: Number, generation: Number },
        /// Looks at the marks and the progress of the peer.
        ReadMarker { call: Number },
        /// Lets the runtime look for events.
        Turn {},
        /// Stops sending.
        Close {},
    }
}

impl Operand for Script {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        Self {
            trust: if bool::take(bytes) {
                Trust::Untrusted
            } else {
                Trust::Trusted
            },
            steps: Vec::take(bytes),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        (self.trust == Trust::Untrusted).put(out);
        self.steps.put(out);
    }
}

impl Word {
    /// Where it lies.
    pub(crate) fn offset(&self) -> usize {
        match self {
            Self::Tail {} => TAIL,
            Self::Head {} => HEAD,
            Self::RecvArmed {} => RECV_ARMED,
            Self::SpaceArmed {} => SPACE_ARMED,
            Self::ReturnsTail {} => RETURNS_TAIL,
            Self::Heartbeat {} => HEARTBEAT,
            Self::StartMarker { call } => START_MARKERS + usize::from(*call % 4) * 4,
        }
    }
}

pub(crate) fn lane(priority: bool) -> Lane {
    if priority { Lane::Priority } else { Lane::Data }
}
