//! The steps of a script: what a peer can do to an established link, and what a host does meanwhile.

use super::codec::{Bytes, Number, Operand, operands};
use crate::layout::{
    HEAD, HEARTBEAT, PRODUCER_ARMED, RECEIVER_ARMED, RETURNS_TAIL, START_MARKERS, TAIL,
};
use crate::{Lane, Trust};

/// A run: how far the host trusts the peer, and what happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) trust: Trust,
    pub(crate) steps: Vec<Step>,
}

operands! {
    /// One step.
    enum Step {
        /// A step of the peer.
        Peer { step: PeerStep },
        /// A step of the host.
        Host { step: HostStep },
        /// A step of the peer during the next host step: after this many loads, before each of the `times` that follow.
        Interleave { loads: u8, times: u8, step: PeerStep },
    }

    /// An action of the peer.
    enum PeerStep {
        /// Stores any value in one of its words.
        Poke { word: Word, value: Number },
        /// Moves one of its cursors, ahead or back.
        Move { word: Word, by: i8 },
        /// Publishes a descriptor of a slot.
        Slot { index: Number, generation: Number, offset: Number, len: Number },
        /// Publishes a descriptor with a payload inside, its length as claimed.
        Inline { len: u8, byte: u8 },
        /// Publishes a descriptor without a payload.
        Empty {},
        /// Publishes a payload in a slot that begins with a table, which claims this many attachments: the
        /// first is the slot of that index, each other one is further by a fixed distance. It may be a byte too short.
        Attach { payload: Number, claimed: u8, short: bool, index: Number, by: u8, generation: Number, offset: Number, len: Number },
        /// Publishes a table inside a descriptor, with room for one attachment.
        AttachInside { claimed: u8, index: Number, generation: Number, offset: Number, len: Number },
        /// Publishes any 64 bytes.
        Raw { entry: [u64; 8] },
        /// Overwrites an entry of its ring, and publishes nothing.
        Overwrite { place: u8, entry: [u64; 8] },
        /// Returns any slot.
        ReturnSlot { index: Number, generation: Number },
        /// Takes what the host has published, as an honest peer does, and may return the slots.
        Consume { most: u8, return_slot: bool },
        /// Writes into a slot of its own.
        Fill { index: Number, byte: u8 },
        /// Rings.
        Ring { times: u8 },
        /// Rings until the doorbell is full.
        FillDoorbell {},
        /// Sends some bytes over the control socket.
        Chat { len: u8 },
        /// Sends until the control socket is full.
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
        ReceiverArmed {},
        ProducerArmed {},
        ReturnsTail {},
        Heartbeat {},
        StartMarker { call: u8 },
    }

    /// An action of the host.
    enum HostStep {
        /// Receives, or waits.
        Recv { max: u8 },
        /// Receives without waiting.
        TryRecv { max: u8 },
        /// Drops a received payload.
        DropReceived { nth: u8 },
        /// Allocates a slot.
        Allocate { len: Number, priority: bool },
        /// Truncates a slot being written.
        Truncate { nth: u8, len: Number },
        /// Freezes a slot.
        Freeze { nth: u8 },
        /// Drops a slot being written.
        Abandon { nth: u8 },
        /// Clones a handle.
        Clone { nth: u8 },
        /// Makes a handle on a part.
        Slice { nth: u8, start: Number, end: Number },
        /// Drops a handle.
        DropSlot { nth: u8 },
        /// Sends a few bytes.
        SendInline { len: u8, priority: bool },
        /// Sends a slot.
        SendSlot { nth: u8, priority: bool },
        /// Sends a slot with another as an attachment; or a further one, if it has one slot alone.
        SendBoth { payload: u8, attachment: u8, priority: bool },
        /// Starts to wait for a slot.
        WaitForSlot { len: Number, priority: bool },
        /// Starts to wait for room.
        WaitForRoom { priority: bool },
        /// Polls a pending wait.
        PollWait { nth: u8 },
        /// Drops a pending wait.
        DropWait { nth: u8 },
        /// Reads the statistics.
        Stats {},
        /// Gives pages back.
        Trim {},
        /// Increments the heartbeat.
        Heartbeat {},
        /// Marks a call of the peer's as begun.
        MarkStarted { call: Number, generation: Number },
        /// Reads the peer's start markers and heartbeat.
        ReadMarker { call: Number },
        /// Lets the runtime poll for events.
        Turn {},
        /// Stops sending.
        Close {},
        /// Allocates a fragment slot.
        AllocateFragment { len: Number, priority: bool },
        /// Starts to wait for a fragment slot.
        WaitForFragment { len: Number, priority: bool },
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
    /// Returns the offset of the word.
    pub(crate) fn offset(&self) -> usize {
        match self {
            Self::Tail {} => TAIL,
            Self::Head {} => HEAD,
            Self::ReceiverArmed {} => RECEIVER_ARMED,
            Self::ProducerArmed {} => PRODUCER_ARMED,
            Self::ReturnsTail {} => RETURNS_TAIL,
            Self::Heartbeat {} => HEARTBEAT,
            Self::StartMarker { call } => START_MARKERS + usize::from(*call % 4) * 4,
        }
    }
}

pub(crate) fn lane(priority: bool) -> Lane {
    if priority { Lane::Priority } else { Lane::Data }
}
