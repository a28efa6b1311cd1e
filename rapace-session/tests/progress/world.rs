//! Two sessions, their flows, and what must hold between them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rapace_session::{
    CallOptions, Channel, MessageBody, RequestSink, ServiceResolver, Session, SessionConfig, Status,
};
use tokio::sync::mpsc;

use super::action::Action;
use super::link::{self, Side};
use super::payload::{Payload, Shape};
use super::requests::{Inbox, Outlet, Requests};
use super::slots::Sizes;
use super::stream::Stream;

/// What both sides grant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    pub(super) stream_items: u32,
    pub(super) stream_bytes: ByteRange,
    pub(super) requests: u32,
    pub(super) request_bytes: ByteRange,
    pub(super) fragment_bytes: u32,
    /// How many bytes the windows of a side may grow together.
    pub(super) budget: u64,
}

/// The size of a window at first, and at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByteRange {
    pub(super) first: u32,
    pub(super) most: u32,
}

/// A kind of flow, and the side that sends its payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlowKind {
    /// A stream from the side that calls.
    Upload {
        from: usize,
    },
    /// A stream to the side that calls.
    Download {
        from: usize,
    },
    Requests {
        from: usize,
    },
}

impl FlowKind {
    /// The side that receives its payloads.
    fn receiver(self) -> usize {
        match self {
            Self::Upload { from } | Self::Download { from } | Self::Requests { from } => 1 - from,
        }
    }
}

/// Sessions, before anything happens.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    pub(super) sizes: Sizes,
    pub(super) windows: Windows,
    pub(super) flows: Vec<FlowKind>,
}

enum Flow {
    Stream(Stream),
    Requests(Requests),
}

pub(super) struct World {
    windows: Windows,
    sides: [Side; 2],
    sessions: [Session; 2],
    flows: Vec<Flow>,
    /// The side that receives each flow.
    receivers: Vec<usize>,
    kept: VecDeque<MessageBody>,
    /// Openings of channels that are under way.
    opening: Arc<AtomicUsize>,
    _long: [Inbox; 2],
    /// Actions whose effects cannot be seen from outside.
    unseen: Vec<Action>,
}

/// Returns when every task is blocked: time is paused, and passes only then.
async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Services whose calls the model takes itself.
#[derive(Default)]
struct Services(Mutex<HashMap<String, Service>>);

/// Where the calls of a service go, and its window.
type Service = (Arc<dyn RequestSink>, u32);

impl Services {
    fn inbox(&self, name: &str, window: u32) -> Inbox {
        let (outlet, inbox) = mpsc::unbounded_channel();
        let sink: Arc<dyn RequestSink> = Arc::new(Outlet(outlet));
        self.0.lock().unwrap().insert(name.into(), (sink, window));
        inbox
    }
}

struct Resolver(Arc<Services>);

impl ServiceResolver for Resolver {
    fn resolve(&self, service: &str) -> Result<Service, String> {
        let services = self.0.0.lock().unwrap();
        services.get(service).cloned().ok_or_else(|| service.into())
    }
}

impl World {
    /// Returns when every task is blocked. What a payload that is not polled holds is revoked before.
    async fn idle(&self) {
        if self.flows.iter().any(Flow::is_stalled) {
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        idle().await;
    }

    pub(super) async fn new(setup: &Setup) -> Self {
        let (ends, sides) = link::pair(&setup.sizes);
        let services = [(); 2].map(|()| Arc::new(Services::default()));
        let config = |name: &str, services: &Arc<Services>| {
            let mut config = SessionConfig::new(name);
            config.resolver = Arc::new(Resolver(Arc::clone(services)));
            config.stream_window = setup.windows.stream_items;
            config.stream_initial_bytes = setup.windows.stream_bytes.first;
            config.stream_window_bytes = setup.windows.stream_bytes.most;
            config.request_initial_bytes = setup.windows.request_bytes.first;
            config.request_window_bytes = setup.windows.request_bytes.most;
            config.window_budget_bytes = setup.windows.budget;
            config.fragment_window_bytes = setup.windows.fragment_bytes;
            config.heartbeat = Duration::from_millis(500);
            config
        };
        let [a, b] = ends;
        let (a, b) = tokio::try_join!(
            Session::establish(a, config("a", &services[0])),
            Session::establish(b, config("b", &services[1])),
        )
        .expect("a handshake");
        let mut world = Self {
            windows: setup.windows,
            sides,
            sessions: [a, b],
            flows: Vec::new(),
            receivers: setup.flows.iter().map(|kind| kind.receiver()).collect(),
            kept: VecDeque::new(),
            opening: Arc::default(),
            unseen: Vec::new(),
            _long: [0, 1].map(|side: usize| services[side].inbox(LONG, 1)),
        };
        for (at, kind) in setup.flows.iter().enumerate() {
            let flow = world.open(at, *kind, &services).await;
            world.flows.push(flow);
        }
        idle().await;
        world
    }

    async fn open(&self, at: usize, kind: FlowKind, services: &[Arc<Services>; 2]) -> Flow {
        let (from, to) = match kind {
            FlowKind::Upload { from } | FlowKind::Requests { from } => (from, 1 - from),
            FlowKind::Download { from } => (1 - from, from),
        };
        let mut inbox = services[to].inbox("S", self.windows.requests);
        let channel = self.sessions[from].open("S").await.expect("a channel");
        if let FlowKind::Requests { .. } = kind {
            let read = self.sides[to].read.clone();
            let number = read.opened();
            let ends = (channel, inbox);
            return Flow::Requests(Requests::new(at, self.windows, ends, (read, number)));
        }
        let upload = matches!(kind, FlowKind::Upload { .. });
        let (sender, receiver) = open_stream(&channel, &mut inbox, upload).await;
        Flow::Stream(Stream::new(at, self.windows, sender, receiver))
    }

    pub(super) fn flows(&self) -> usize {
        self.flows.len()
    }

    /// Whether an action does anything.
    pub(super) fn allows(&self, action: Action) -> bool {
        match action {
            Action::Offer { flow, .. }
            | Action::GiveUp { flow, .. }
            | Action::Stall { flow, .. } => match &self.flows[flow] {
                Flow::Stream(stream) => stream.is_open(),
                Flow::Requests(_) => true,
            },
            Action::Cancel { flow } => match &self.flows[flow] {
                Flow::Stream(stream) => stream.can_cancel(),
                Flow::Requests(requests) => requests.can_cancel(),
            },
            Action::Take { flow, .. } => match &self.flows[flow] {
                Flow::Stream(stream) => stream.can_take(),
                Flow::Requests(requests) => requests.can_take(),
            },
            Action::Answer { flow, .. } => match &self.flows[flow] {
                Flow::Stream(_) => false,
                Flow::Requests(requests) => requests.can_answer(),
            },
            Action::Forget => !self.kept.is_empty() || self.keeps_replies(),
            Action::Leave { flow } => match &self.flows[flow] {
                Flow::Stream(stream) => stream.is_open(),
                Flow::Requests(_) => false,
            },
            Action::Open { .. } => true,
            Action::Pause { side } => !self.sides[side].gate.is_closed(),
            Action::Resume { side } => self.sides[side].gate.is_closed(),
        }
    }

    fn keeps_replies(&self) -> bool {
        self.flows.iter().any(|flow| match flow {
            Flow::Stream(_) => false,
            Flow::Requests(requests) => requests.slots().1 > 0,
        })
    }

    /// Does an action, waits until nothing more happens, and checks the rules.
    pub(super) async fn act(&mut self, action: Action) {
        let paused = self.sides.iter().any(|side| side.gate.is_closed());
        if paused || matches!(action, Action::GiveUp { .. } | Action::Stall { .. }) {
            self.unseen.push(action);
        }
        match action {
            Action::Offer { flow, shape } => self.flows[flow].offer(shape),
            Action::GiveUp { flow, shape, turns } => {
                self.flows[flow].offer(shape);
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                self.flows[flow].cancel();
            }
            Action::Stall { flow, shape, turns } => {
                self.flows[flow].offer(shape);
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                self.flows[flow].stall();
            }
            Action::Cancel { flow } => self.flows[flow].cancel(),
            Action::Take { flow, keep } => {
                if let Some(body) = self.flows[flow].take() {
                    self.kept.extend(keep.then_some(body));
                }
            }
            Action::Answer { flow, shape } => {
                if let Flow::Requests(requests) = &mut self.flows[flow] {
                    requests.answer(shape);
                }
            }
            Action::Forget => self.forget(),
            Action::Leave { flow } => {
                if let Flow::Stream(stream) = &mut self.flows[flow] {
                    stream.leave();
                }
            }
            Action::Open { side } => self.open_long(side),
            Action::Pause { side } => self.sides[side].gate.close(),
            Action::Resume { side } => self.sides[side].gate.open(),
        }
        self.idle().await;
        self.check();
    }

    fn open_long(&self, side: usize) {
        let (session, opening) = (self.sessions[side].clone(), Arc::clone(&self.opening));
        opening.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            session.open(LONG).await.expect("a channel");
            opening.fetch_sub(1, Ordering::Relaxed);
        });
    }

    fn forget(&mut self) {
        if self.kept.pop_front().is_some() {
            return;
        }
        for flow in &self.flows {
            if let Flow::Requests(requests) = flow
                && requests.forget()
            {
                return;
            }
        }
    }

    /// PG2 and PG3.
    fn check(&self) {
        for session in &self.sessions {
            assert_eq!(session.end_reason(), None, "a session ended");
        }
        let running = self.sides.iter().all(|side| !side.gate.is_closed());
        let stalled = self.flows.iter().any(Flow::is_stalled);
        let mut slots = 2 * self.kept.len();
        let mut growth = [0; 2];
        for (flow, receiver) in self.flows.iter().zip(&self.receivers) {
            growth[*receiver] += flow.growth_in_use();
            match flow {
                Flow::Stream(stream) => {
                    stream.check_bounds();
                    slots += stream.slots();
                    if running {
                        stream.check_waits();
                    }
                }
                Flow::Requests(requests) => {
                    requests.check_bounds();
                    let (sent, replies) = requests.slots();
                    slots += sent + replies;
                    if running {
                        requests.check_waits();
                    }
                }
            }
        }
        let budget = self.windows.budget;
        assert!(
            growth.into_iter().all(|bytes| bytes <= budget),
            "{growth:?} bytes beyond the first windows"
        );
        for side in &self.sides {
            let most = side.read.most_in_transfers();
            let window = self.windows.fragment_bytes.into();
            assert!(most <= window, "{most} bytes in open transfers");
            if running && !stalled {
                assert_eq!(side.slots.fragments_in_use(), 0, "a fragment is kept");
                assert_eq!(side.read.open_transfers(), 0, "a transfer stays open");
            }
        }
        let used: usize = self.sides.iter().map(|side| side.slots.in_use()).sum();
        if running {
            assert_eq!(self.opening.load(Ordering::Relaxed), 0, "an opening waits");
            assert!(
                stalled || used <= slots,
                "{used} slots in use for {slots} buffers"
            );
        }
    }

    pub(super) fn is_complete(&self, flow: usize) -> bool {
        self.flows[flow].is_complete()
    }

    /// Everything that what follows depends on.
    pub(super) fn state(&self) -> String {
        let flows: Vec<_> = self.flows.iter().map(Flow::state).collect();
        let kept = self.kept.iter().map(MessageBody::carried);
        let sides = self.sides.each_ref();
        let sides = sides.map(|side| (side.slots.free(), side.gate.is_closed()));
        let (kept, unseen): (Vec<_>, _) = (kept.collect(), &self.unseen);
        format!("{flows:?} {kept:?} {sides:?} {unseen:?}")
    }

    /// How many transfers are open on both sides.
    pub(super) fn open_transfers(&self) -> usize {
        self.sides
            .iter()
            .map(|side| side.read.open_transfers())
            .sum()
    }

    /// How many fragments both sides have read.
    pub(super) fn fragments(&self) -> u64 {
        self.sides.iter().map(|side| side.read.fragments()).sum()
    }

    /// PG1: the receiver of this flow reads on, and nothing else happens. The replies of requests have this shape.
    pub(super) async fn read_on(&mut self, flow: usize, keep: bool, reply: Shape) {
        self.resume().await;
        for _ in 0..ROUNDS {
            // What was given up is taken, too.
            let mut progress = self.allows(Action::Take { flow, keep });
            if let Flow::Requests(requests) = &mut self.flows[flow] {
                while requests.can_answer() {
                    requests.answer(reply);
                    progress = true;
                }
            }
            while let Some(body) = self.flows[flow].take() {
                self.kept.extend(keep.then_some(body));
                progress = true;
            }
            if !progress {
                break;
            }
            self.idle().await;
            self.check();
        }
        assert!(
            self.is_complete(flow) || self.flows[flow].is_stalled(),
            "flow {flow}: its receiver reads on, and does not get all payloads"
        );
    }

    async fn resume(&mut self) {
        self.sides.iter().for_each(|side| side.gate.open());
        self.idle().await;
        self.check();
    }

    /// PG4: drops everything, and then sends as much as the windows hold.
    pub(super) async fn finish(mut self) {
        self.resume().await;
        self.kept.clear();
        self.flows.iter().for_each(Flow::cancel);
        self.idle().await;
        let flows = std::mem::take(&mut self.flows);
        let channels = flows.into_iter().filter_map(Flow::into_channel);
        let channels: Vec<(Channel, Inbox)> = channels.collect();
        self.idle().await;
        for side in &self.sides {
            let left = (side.slots.in_use(), side.slots.fragments_in_use());
            assert_eq!(left, (0, 0), "slots that did not come back");
            assert_eq!(side.read.open_transfers(), 0, "transfers that stay open");
        }
        for session in &self.sessions {
            assert_eq!((session.calls_under_way(), session.end_reason()), (0, None));
        }
        self.windows_are_whole(channels).await;
        for session in &self.sessions {
            session.close("the sequence is over");
        }
        self.idle().await;
    }

    /// Sends a request beside which no other fits in the window of its channel, although half of the window waits for its
    /// handler already. It needs the whole window of fragments, if that is not larger than a payload can be.
    async fn windows_are_whole(&self, channels: Vec<(Channel, Inbox)>) {
        let hold = |side: &Side| {
            let buffers = std::iter::from_fn(|| side.slots.try_allocate(1).ok());
            let large =
                std::iter::from_fn(|| side.slots.try_allocate(side.slots.max_payload()).ok());
            buffers.chain(large).collect::<Vec<_>>()
        };
        let _held: Vec<_> = self.sides.iter().map(hold).collect();
        let largest = self.sides[0].slots.max_payload();
        for (at, (channel, mut inbox)) in channels.into_iter().enumerate() {
            let len = largest.min(self.windows.fragment_bytes as usize) - 8;
            let mut responses = Vec::new();
            let payload = Payload::new(at, 0, Shape::Bytes(len));
            let options = CallOptions::default();
            let window = self.windows.request_bytes.first;
            let half = (window - window / 2).min(largest as u32);
            let first = half.checked_sub(Payload::MOST_BESIDES as u32);
            let first = first.filter(|_| self.windows.requests > 1);
            let first = first.map(|len| Payload::new(at, 0, Shape::Bytes(len as usize)));
            let serve = async {
                let mut calls = Vec::new();
                for _ in 0..1 + usize::from(first.is_some()) {
                    calls.push(inbox.recv().await.expect("a call"));
                }
                for call in calls {
                    let call = call.begin().expect("a wanted call");
                    call.reply(Status::Ok, &payload).await;
                }
            };
            let calls = async {
                for payload in first.iter().chain([&payload]) {
                    let call = channel.begin_call(0, payload, &options).await;
                    responses.push(call.expect("a request that is sent"));
                }
                for response in responses {
                    response.await.expect("a reply");
                }
            };
            let both = async { tokio::join!(calls, serve) };
            let both = tokio::time::timeout(Duration::from_secs(5), both).await;
            both.expect("a window that is not whole");
        }
    }
}

impl Flow {
    fn offer(&mut self, shape: Shape) {
        match self {
            Self::Stream(stream) => stream.offer(shape),
            Self::Requests(requests) => requests.offer(shape),
        }
    }

    fn cancel(&self) {
        match self {
            Self::Stream(stream) => stream.cancel(),
            Self::Requests(requests) => requests.cancel(),
        }
    }

    fn stall(&self) {
        match self {
            Self::Stream(stream) => stream.stall(),
            Self::Requests(requests) => requests.stall(),
        }
    }

    /// How many bytes wait for the receiver that its window had no room for at first, without one payload.
    fn growth_in_use(&self) -> u64 {
        match self {
            Self::Stream(stream) => stream.growth_in_use(),
            Self::Requests(requests) => requests.growth_in_use(),
        }
    }

    fn is_stalled(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_stalled(),
            Self::Requests(requests) => requests.is_stalled(),
        }
    }

    fn take(&mut self) -> Option<MessageBody> {
        match self {
            Self::Stream(stream) => stream.take(),
            Self::Requests(requests) => requests.take(),
        }
    }

    fn state(&self) -> String {
        match self {
            Self::Stream(stream) => stream.state(),
            Self::Requests(requests) => requests.state(),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Stream(stream) => stream.is_complete(),
            Self::Requests(requests) => requests.is_complete(),
        }
    }

    /// Gives up everything that is under way.
    fn into_channel(self) -> Option<(Channel, Inbox)> {
        match self {
            Self::Stream(_) => None,
            Self::Requests(requests) => Some(requests.into_channel()),
        }
    }
}

async fn open_stream(
    channel: &Channel,
    inbox: &mut Inbox,
    upload: bool,
) -> (rapace_session::StreamSender, rapace_session::StreamReceiver) {
    let options = CallOptions::default();
    let call = channel.call_streaming(0, &(), &options, upload, !upload);
    let (ours, response) = call.await.expect("a stream");
    let call = inbox.recv().await.expect("a call").begin();
    let mut call = call.expect("a wanted call");
    let (sender, receiver) = match upload {
        true => (ours.sender, call.take_receiver()),
        false => (call.take_sender(), ours.receiver),
    };
    call.reply(Status::Ok, &()).await;
    response.await.expect("a reply");
    (sender.expect("a sender"), receiver.expect("a receiver"))
}

/// A name that does not fit in a frame.
const LONG: &str = "a service with a long name";

/// More rounds than any sequence has payloads.
const ROUNDS: usize = 1000;
