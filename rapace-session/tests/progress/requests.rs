//! The requests of a channel, and their replies.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use rapace_session::{
    CallOptions, Channel, IncomingCall, MessageBody, Reply, RequestSink, RunningCall, Status,
};
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use super::payload::{Number, Payload, Shape};
use super::wire::Wire;
use super::world::Windows;

/// A channel, with a task for each call.
pub(super) struct Requests {
    flow: usize,
    windows: Windows,
    channel: Channel,
    inbox: Inbox,
    /// What the side of the service has read, and the number of the channel.
    read: (Wire, u32),
    calls: Vec<Call>,
    /// The requests that were taken, and have no reply.
    held: VecDeque<(RunningCall, Number)>,
    replies: Arc<Mutex<Replies>>,
}

/// The calls that arrived.
pub(super) type Inbox = mpsc::UnboundedReceiver<IncomingCall>;

pub(super) struct Outlet(pub(super) mpsc::UnboundedSender<IncomingCall>);

impl RequestSink for Outlet {
    fn deliver(&self, call: IncomingCall) -> Result<(), IncomingCall> {
        self.0.send(call).map_err(|refused| refused.0)
    }
}

struct Call {
    payload: Payload,
    state: Arc<Mutex<State>>,
    stall: Arc<Notify>,
    task: AbortHandle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not on the ring.
    Waiting,
    Sent,
    Answered,
    GivenUp,
    /// Its future is not polled.
    Stalled,
}

#[derive(Default)]
struct Replies {
    /// Replies that were begun and are not sent.
    waiting: usize,
    /// Replies that arrived, as their callers keep them.
    kept: Vec<Reply>,
}

impl Requests {
    pub(super) fn new(
        flow: usize,
        windows: Windows,
        (channel, inbox): (Channel, Inbox),
        read: (Wire, u32),
    ) -> Self {
        Self {
            flow,
            windows,
            channel,
            inbox,
            read,
            calls: Vec::new(),
            held: VecDeque::new(),
            replies: Arc::default(),
        }
    }

    pub(super) fn offer(&mut self, shape: Shape) {
        let payload = Payload::new(self.flow, self.calls.len() as Number, shape);
        let state = Arc::new(Mutex::new(State::Waiting));
        let stall = Arc::new(Notify::new());
        let call = call(
            self.flow,
            self.channel.clone(),
            payload.clone(),
            Arc::clone(&state),
            Arc::clone(&self.replies),
        );
        let (stalls, stalled) = (Arc::clone(&stall), Arc::clone(&state));
        let task = tokio::spawn(async move {
            let mut call = std::pin::pin!(call);
            tokio::select! {
                biased;
                () = &mut call => {}
                () = stalls.notified() => {
                    *stalled.lock().unwrap() = State::Stalled;
                    std::future::pending().await
                }
            }
        });
        let task = task.abort_handle();
        self.calls.push(Call {
            payload,
            state,
            stall,
            task,
        });
    }

    /// Stops polling the newest call.
    pub(super) fn stall(&self) {
        if let Some(call) = self.calls.last() {
            call.stall.notify_waiters();
        }
    }

    pub(super) fn is_stalled(&self) -> bool {
        let mut calls = self.calls.iter();
        calls.any(|call| *call.state.lock().unwrap() == State::Stalled)
    }

    fn under_way(&self) -> impl Iterator<Item = &Call> {
        let under_way = |state| matches!(state, State::Waiting | State::Sent | State::Stalled);
        let calls = self.calls.iter();
        calls.filter(move |call| under_way(*call.state.lock().unwrap()))
    }

    pub(super) fn can_cancel(&self) -> bool {
        self.under_way().next().is_some()
    }

    /// Gives up the newest call, if one is under way.
    pub(super) fn cancel(&self) {
        if let Some(call) = self.under_way().last() {
            *call.state.lock().unwrap() = State::GivenUp;
            call.task.abort();
        }
    }

    pub(super) fn can_take(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// Begins the next call that its caller still waits for.
    pub(super) fn take(&mut self) -> Option<MessageBody> {
        loop {
            let call = self.inbox.try_recv().ok()?;
            let (wire, channel) = &self.read;
            wire.dequeue(*channel);
            let Some(mut call) = call.begin() else {
                continue;
            };
            let body = call.take_arguments().expect("arguments");
            let number = Payload::read(self.flow, &body).number;
            self.held.push_back((call, number));
            return Some(body);
        }
    }

    pub(super) fn can_answer(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn answer(&mut self, shape: Shape) {
        let Some((call, number)) = self.held.pop_front() else {
            return;
        };
        let reply = Payload::new(self.flow, number, shape);
        let replies = Arc::clone(&self.replies);
        replies.lock().unwrap().waiting += 1;
        tokio::spawn(async move {
            call.reply(Status::Ok, &reply).await;
            replies.lock().unwrap().waiting -= 1;
        });
    }

    /// The replies that callers keep.
    pub(super) fn forget(&self) -> bool {
        let mut replies = self.replies.lock().unwrap();
        let some = !replies.kept.is_empty();
        if some {
            replies.kept.remove(0);
        }
        some
    }

    /// Everything that what follows depends on.
    pub(super) fn state(&self) -> String {
        let calls = self.calls.iter();
        let calls = calls.map(|call| (call.payload.shape, *call.state.lock().unwrap()));
        let held: Vec<_> = self.held.iter().map(|(_, number)| *number).collect();
        let replies = self.replies.lock().unwrap();
        let kept = replies.kept.iter().map(|reply| reply.body.carried());
        let (calls, kept): (Vec<_>, Vec<_>) = (calls.collect(), kept.collect());
        let (inbox, waiting) = (self.inbox.len(), replies.waiting);
        format!("{calls:?} {inbox} {held:?} {waiting} {kept:?}")
    }

    /// Whether each call that was not given up has its reply.
    pub(super) fn is_complete(&self) -> bool {
        self.under_way().next().is_none() && self.replies.lock().unwrap().waiting == 0
    }

    /// The most slots that payloads of this channel lie in, without requests that are kept.
    pub(super) fn slots(&self) -> (usize, usize) {
        let sent = |call: &&Call| {
            let state = *call.state.lock().unwrap();
            matches!(state, State::Sent | State::GivenUp | State::Stalled)
        };
        let calls = self.calls.iter().filter(sent);
        let requests = calls.map(|call| call.payload.slots()).sum();
        let replies = self.replies.lock().unwrap();
        (requests, 2 * (replies.kept.len() + replies.waiting))
    }

    /// PG2: what waits to be sent and is polled has the calls of the window before it, or at least half of its first bytes in requests
    /// that no handler has taken. No reply waits.
    pub(super) fn check_waits(&self) {
        let waiting = self.replies.lock().unwrap().waiting;
        assert_eq!(waiting, 0, "flow {}: a reply waits", self.flow);
        let (wire, channel) = &self.read;
        let window = u64::from(self.windows.request_bytes.first);
        let (queued, _) = wire.queued(*channel);
        let mut before = wire.unanswered(*channel);
        for call in self.under_way() {
            if *call.state.lock().unwrap() != State::Waiting {
                continue;
            }
            let full = before >= self.windows.requests as usize;
            assert!(
                full || call.payload.charge() > 0 && queued > window - window / 2,
                "flow {}: a request of {:?} waits, after {before} calls, and {queued} bytes are queued",
                self.flow,
                call.payload.shape
            );
            before += 1;
        }
    }

    /// PG3
    pub(super) fn check_bounds(&self) {
        let (wire, channel) = &self.read;
        let (queued, largest) = wire.queued(*channel);
        assert!(
            queued == 0 || queued - largest < self.windows.request_bytes.most.into(),
            "flow {}: {queued} bytes of requests wait for handlers",
            self.flow
        );
    }

    /// PG3
    pub(super) fn growth_in_use(&self) -> u64 {
        let (wire, channel) = &self.read;
        let (queued, largest) = wire.queued(*channel);
        (queued - largest + 1).saturating_sub(self.windows.request_bytes.first.into())
    }

    /// Gives up everything that is under way.
    pub(super) fn into_channel(mut self) -> (Channel, Inbox) {
        self.calls.iter().for_each(|call| call.task.abort());
        while self.inbox.try_recv().is_ok() {}
        (self.channel, self.inbox)
    }
}

async fn call(
    flow: usize,
    channel: Channel,
    payload: Payload,
    state: Arc<Mutex<State>>,
    replies: Arc<Mutex<Replies>>,
) {
    let options = CallOptions::default();
    let response = channel.begin_call(0, &payload, &options).await;
    let response = response.expect("a request that is sent");
    *state.lock().unwrap() = State::Sent;
    let reply = response.await.expect("a reply");
    let answer = Payload::read(flow, &reply.body);
    assert_eq!(answer.number, payload.number, "the reply of another call");
    *state.lock().unwrap() = State::Answered;
    replies.lock().unwrap().kept.push(reply);
}
