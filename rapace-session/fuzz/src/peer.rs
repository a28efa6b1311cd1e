//! The peer: it keeps the rules of the transport, and no others.

use std::task::{Context, Poll, Waker};

use rapace_session::transport::SendError;
use rapace_session::{CallId, Endpoint, Flags, Frame, FrameType, Header, Lane};

use crate::account::Account;
use crate::body::Body;
use crate::frames::{reply, session, usual_hello};
use crate::limits::{FRAGMENTS, Held};
use crate::part::Number;
use crate::script::Beginning;
use crate::service::RETURNS;

/// The peer, and the transport that it has.
pub(crate) struct Peer {
    endpoint: Option<Endpoint>,
    pub(crate) account: Account,
}

impl Peer {
    pub(crate) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint: Some(endpoint),
            account: Account::default(),
        }
    }

    /// The frames that it sends first.
    pub(crate) fn beginning(beginning: &Beginning) -> Vec<Frame> {
        let welcome = || session(FrameType::Welcome, &[]);
        match beginning {
            Beginning::Wide => vec![usual_hello(true), welcome()],
            Beginning::Narrow => vec![usual_hello(false), welcome()],
            Beginning::Unwelcome => vec![usual_hello(true)],
            Beginning::Silence => Vec::new(),
        }
    }

    /// Sends a frame, if there is room for it.
    pub(crate) fn send(&mut self, frame: &Frame, held: &mut Held) -> Result<(), SendError> {
        let Some(endpoint) = &self.endpoint else {
            return Err(SendError::Closed);
        };
        endpoint.transport.send(frame, Lane::Priority)?;
        self.account.sent(frame);
        count(frame, held);
        held.streams = self.account.streams;
        Ok(())
    }

    /// Reads up to `most` frames.
    pub(crate) fn read(&mut self, most: usize) {
        let Some(endpoint) = &mut self.endpoint else {
            return;
        };
        let mut batch = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        // What it cannot read does not matter here.
        let _: Poll<_> = endpoint.incoming.poll_recv(&mut cx, &mut batch, most);
        batch.iter().for_each(|frame| self.account.read(frame));
    }

    /// Reads everything. Returns the answers of a peer that keeps the rules.
    pub(crate) fn read_and_answer(&mut self) -> Vec<Frame> {
        self.read(usize::MAX);
        let account = &mut self.account;
        let mut answers = Vec::new();
        let with_credits = |frame_type, channel, credits| {
            let mut header = Header::new(frame_type, channel);
            header.credits = credits;
            Frame::bare(header)
        };
        for channel in account.openings.drain(..) {
            answers.push(with_credits(FrameType::Opened, channel, WINDOW));
        }
        for asked in account.unanswered.drain(..) {
            let text = Body::Text { len: Number(40) };
            let body = match asked.flags.has(Flags::ONEWAY) || asked.flags.streams() {
                true => Body::Empty,
                false => text,
            };
            let (ok, one) = (Number(0), Number(1));
            answers.push(reply(asked.channel, asked.call, ok, one, &body));
        }
        for channel in account.items_read.drain(..) {
            answers.push(with_credits(FrameType::Credit, channel, 1));
        }
        for channel in account.stopped.drain(..) {
            answers.push(Frame::bare(Header::new(FrameType::End, channel)));
        }
        for channel in account.closing.drain(..) {
            // The side that opened the channel has closed it, or asks for that.
            if channel.0 % 2 == 0 {
                answers.push(Frame::bare(Header::new(FrameType::CloseChannel, channel)));
            }
        }
        answers
    }

    pub(crate) fn mark(&self, index: u32, generation: u32) {
        if let Some(endpoint) = &self.endpoint {
            let call = CallId { index, generation };
            endpoint.transport.mark_started(call);
        }
    }

    /// Reads what is left, and hangs up.
    pub(crate) fn hang_up(&mut self) {
        self.read(usize::MAX);
        self.endpoint = None;
    }

    /// The oldest request of this side that was read and not answered, if a reply is to be sent.
    pub(crate) fn oldest(&self) -> Option<&Header> {
        self.account.unanswered.front()
    }

    /// Records that a reply to the oldest request is sent.
    pub(crate) fn answered(&mut self) {
        self.account.unanswered.pop_front();
    }
}

/// Counts what a frame may make this side hold.
fn count(frame: &Frame, held: &mut Held) {
    let header = frame.header;
    let carried = frame.carried() as usize;
    held.on_ring += carried;
    held.frames_on_ring += 1;
    let message = match header.flags.has(Flags::FRAGMENTED) {
        true => carried + FRAGMENTS as usize,
        false => carried,
    };
    held.largest = held.largest.max(message);
    match header.frame_type {
        FrameType::Open => held.channels += 1,
        FrameType::Request => {
            held.requests += 1;
            held.returns += usize::from(header.method == RETURNS);
        }
        FrameType::Fragment | FrameType::DropFragments | FrameType::Reply | FrameType::Credit => {
            return;
        }
        _ => {}
    }
    held.asked += 1;
}

/// The window of a channel that the peer opens for this side.
const WINDOW: u32 = 4;
