//! What a run does: the frames of the peer, and the actions of this side.
//!
//! Channels, calls and transfers are numbers. Those of real channels are small: the peer's are even, this side's odd.

use crate::body::Body;
use crate::part::{Bytes, Input, Number, Part, parts};

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    pub beginning: Beginning,
    /// Whether tasks run until all are blocked after each operation.
    pub eager: bool,
    /// Whether this side opens a channel to each service of the peer's hello.
    pub opens: bool,
    pub ending: Ending,
    pub operations: Vec<Operation>,
}

impl Part for Script {
    fn read(input: &mut Input<'_>) -> Self {
        Self {
            beginning: Part::read(input),
            eager: Part::read(input),
            opens: Part::read(input),
            ending: Part::read(input),
            operations: Part::read(input),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.beginning.write(out);
        self.eager.write(out);
        self.opens.write(out);
        self.ending.write(out);
        self.operations.write(out);
    }
}

parts! {
    /// What the peer does first.
    pub enum Beginning {
        /// A hello with windows that are never used up, and a welcome.
        Wide,
        /// A hello with the smallest windows, and a welcome.
        Narrow,
        /// A hello, but no welcome.
        Unwelcome,
        /// Nothing.
        Silence,
    }

    /// How a session ends that has not ended.
    pub enum Ending {
        CloseHere,
        CloseThere,
        HangUp,
        Abort,
    }

    /// A step of a run.
    pub enum Operation {
        /// The peer sends a frame.
        Send { frame: Sent },
        /// The peer sends a frame several times, each time with the next number where it chooses one.
        Repeat { times: u8, frame: Sent },
        /// The peer sends a transfer in fragments, without its last `lacks` bytes. Its content is laid out like the
        /// payload of a request with these flags.
        Transfer { id: Number, flags: u8, stream: Number, body: Body, piece: Number, lacks: u8 },
        /// The peer reads up to so many frames.
        Read { count: u8 },
        /// The peer reads all frames, and answers those that ask for an answer.
        Behave,
        /// The peer sets a start marker.
        Mark { index: Number, generation: Number },
        /// The peer hangs up.
        HangUp,
        /// All tasks run until they are blocked.
        Settle,
        /// Time passes.
        Pass { millis: Number },
        /// This side opens a channel.
        Open,
        /// This side makes a call. Where it has one, its deadline is in so many tenths of a second.
        Call { channel: u8, method: Number, len: Number, blob: bool, deadline: u8, idempotent: bool },
        Tell { channel: u8, method: Number, len: Number, now: bool },
        CallStreaming { channel: u8, method: Number, client: bool, server: bool, deadline: u8 },
        /// This side drops the future of a call.
        DropCall { which: u8 },
        /// This side takes an item that has arrived, and keeps it or not.
        TakeItem { which: u8, keeps: bool },
        DropReceiver { which: u8 },
        /// This side sends items: a task that ends with the stream.
        SendItems { which: u8, count: u8, len: Number },
        EndItems { which: u8, how: How },
        /// This side takes the next request that waits for it.
        Serve { how: Serving },
        /// This side answers a call that it has begun.
        Answer { which: u8, len: Number },
        /// This side drops what it has kept.
        Forget,
        /// From now on no buffers are free, or they are again.
        Exhaust { exhausted: bool },
        Allocate { len: Number, keeps: bool },
        CloseChannel { which: u8, drops: bool },
        Withdraw,
        Drain,
        Ready,
        /// This side looks at what waits, and at its counters.
        Look,
        DropHandle,
        Close,
    }

    /// How this side ends items.
    pub enum How {
        End,
        Reset,
        Drop,
    }

    /// What this side does with a request.
    pub enum Serving {
        Reply { len: Number },
        ReturnBuffers,
        /// It begins, and the call and its arguments are kept.
        Keep,
        DropBegun,
        DropUnbegun,
        Refuse,
    }

    /// A frame of the peer.
    pub enum Sent {
        Hello { name: Bytes, items: Number, first: Number, most: Number, fragments: Number, services: u8, cut: u8 },
        Welcome,
        Refuse { text: Bytes },
        Open { channel: Number, service: u8 },
        Opened { channel: Number, window: Number },
        NotOpened { channel: Number, text: Bytes },
        Request {
            channel: Number, index: Number, generation: Number, method: Number, flags: u8, millis: Number,
            stream: Number, body: Body,
        },
        /// A reply to the oldest request that the peer has read and not answered.
        Reply { status: Number, credits: Number, body: Body },
        /// A reply to any call.
        ReplyTo { channel: Number, index: Number, generation: Number, status: Number, credits: Number, body: Body },
        Cancel { index: Number, generation: Number },
        Credit { channel: Number, credits: Number, bytes: Number },
        Item { channel: Number, body: Body },
        End { channel: Number },
        Stop { channel: Number },
        Reset { channel: Number, text: Bytes },
        Drain,
        Close { text: Bytes },
        Ready,
        CloseChannel { channel: Number, text: Bytes },
        Fragment { id: Number, length: Number, piece: Number },
        DropFragments { id: Number },
        /// Any header and payload.
        Raw {
            frame_type: u8, flags: u8, channel: Number, index: Number, generation: Number, method: Number,
            credits: Number, payload: Bytes,
        },
    }
}
