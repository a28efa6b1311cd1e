//! Windows in bytes begin small, and those that are read grow out of the budget of their session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::{FutureExt, StreamExt};
use rapace_session::{
    CallOptions, Channel, ChannelId, EndReason, Flags, FrameType, Header, Session, SessionConfig,
    Status, StreamReceiver,
};

use super::harness::*;
use super::raw::{Raw, request};

scenarios!(
    unread_streams_hold_their_first_windows_and_read_ones_share_the_budget,
    a_stream_that_is_read_grows_and_others_do_not,
    what_a_stream_had_of_the_budget_goes_to_others_when_it_ends,
    a_channel_that_is_served_grows_and_others_do_not,
    what_a_channel_had_of_the_budget_goes_to_others_when_it_is_closed,
    a_stream_of_large_items_waits_once_and_takes_no_more_credits,
    growth_beyond_the_window_of_the_hello_is_a_fault,
);

const INITIAL: u32 = 1000;
const WINDOW: u32 = 9000;

fn small(mut config: SessionConfig, budget: u64) -> SessionConfig {
    config.stream_window = 1000;
    config.stream_initial_bytes = INITIAL;
    config.stream_window_bytes = WINDOW;
    config.request_initial_bytes = INITIAL;
    config.request_window_bytes = WINDOW;
    config.window_budget_bytes = budget;
    config
}

/// Opens a stream to the session, whose caller sends items. Returns the receiver.
async fn open_raw(raw: &mut Raw, inbox: &mut Inbox, id: u32) -> StreamReceiver {
    let mut header = request(2, 0, id);
    header.flags = Flags::CLIENT_STREAM;
    raw.send_with(header, &id.to_le_bytes()).await;
    let mut call = inbox.recv().await.unwrap().begin().unwrap();
    let receiver = call.take_receiver().unwrap();
    call.reply(Status::Ok, &()).await;
    raw.recv_type(FrameType::Reply).await;
    receiver
}

async fn send_items(raw: &mut Raw, id: u32, count: usize, len: usize) {
    for _ in 0..count {
        let item = Header::new(FrameType::Item, ChannelId(id));
        raw.send_with(item, &vec![1; len]).await;
    }
}

/// The channel of the next credit, and the bytes by which its window grows.
async fn growth(raw: &mut Raw) -> (u32, u32) {
    let credit = raw.recv_type(FrameType::Credit).await.header;
    (credit.channel.0, credit.method)
}

/// A hostile peer opens a thousand streams.
async fn unread_streams_hold_their_first_windows_and_read_ones_share_the_budget(kind: Kind) {
    const STREAMS: u32 = 1000;
    // They lie in their frames, so that they need no slots.
    const ITEM: usize = 24;
    let mut services = Services::default();
    let mut inbox = services.inbox("Feed", 4);
    let mut config = small(services.config("host"), 1600);
    (config.stream_initial_bytes, config.stream_window_bytes) = (40, 360);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Feed").await;
    let mut receivers = Vec::new();
    let ids = (0..STREAMS).map(|nth| 4 + 2 * nth);
    for id in ids.clone() {
        receivers.push(open_raw(&mut raw, &mut inbox, id).await);
    }
    // Two items reach the first window, and the third is refused.
    let exceeds = |id: u32| id.is_multiple_of(4);
    for id in ids.clone() {
        send_items(&mut raw, id, 2 + usize::from(exceeds(id)), ITEM).await;
        if exceeds(id) {
            let reset = raw.recv_type(FrameType::Reset).await;
            assert_eq!(reset.header.channel, ChannelId(id));
        }
    }
    raw.open_is_refused(&session).await;
    // The others are read. Each grows, until the budget is used up.
    let mut grown = Vec::new();
    for (id, receiver) in ids.zip(&mut receivers) {
        if !exceeds(id) {
            receiver.next().await.unwrap().unwrap();
            let (channel, bytes) = growth(&mut raw).await;
            assert_eq!(channel, id);
            grown.push(bytes);
        }
    }
    assert_eq!(grown[..7], [320, 320, 320, 320, 160, 80, 40]);
    assert!(grown.iter().sum::<u32>() <= 1600);
    // A stream that has grown takes what it was granted, and no more. One item was not read.
    let granted = 360 / ITEM - 1;
    send_items(&mut raw, 6, granted, ITEM).await;
    raw.open_is_refused(&session).await;
    send_items(&mut raw, 6, 1, ITEM).await;
    let reset = raw.recv_type(FrameType::Reset).await;
    assert_eq!(reset.header.channel, ChannelId(6));
    assert_eq!(session.end_reason(), None);
}

async fn what_a_stream_had_of_the_budget_goes_to_others_when_it_ends(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Feed", 4);
    let config = small(services.config("host"), 12_000);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, config).await;
    raw.open_to(2, "Feed").await;
    let mut receivers = Vec::new();
    for (id, more) in [(4, 6000), (6, 3000)] {
        let mut receiver = open_raw(&mut raw, &mut inbox, id).await;
        send_items(&mut raw, id, 2, 600).await;
        raw.open_is_refused(&session).await;
        receiver.next().await.unwrap().unwrap();
        assert_eq!(growth(&mut raw).await, (id, more));
        receivers.push(receiver);
    }
    // Of 9000 that are left when the first ends, the second may take half.
    drop(receivers.remove(0));
    send_items(&mut raw, 6, 6, 600).await;
    raw.open_is_refused(&session).await;
    let mut second = receivers.remove(0);
    read(&mut second, 4).await;
    assert_eq!(growth(&mut raw).await, (6, 4500));
    // A stream that was read to its end has returned what it had, although its receiver is kept.
    raw.send(Header::new(FrameType::End, ChannelId(6))).await;
    while second.next().await.is_some() {}
    let mut third = open_raw(&mut raw, &mut inbox, 8).await;
    send_items(&mut raw, 8, 2, 600).await;
    raw.open_is_refused(&session).await;
    third.next().await.unwrap().unwrap();
    assert_eq!(growth(&mut raw).await, (8, 6000));
    drop(second);
}

/// A service that streams items of 600 bytes, 500 of each call, and counts them by method.
fn serve_items(services: &mut Services) -> Arc<[AtomicU32; 2]> {
    let sent = Arc::new([const { AtomicU32::new(0) }; 2]);
    let counts = Arc::clone(&sent);
    services.serve("Items", 8, move |mut call| {
        let counts = Arc::clone(&counts);
        async move {
            let method = call.method() as usize;
            let mut items = call.take_sender().unwrap();
            call.reply(Status::Ok, &()).await;
            for _ in 0..500 {
                if items.send(&Value(vec![1; 598])).await.is_err() {
                    return;
                }
                counts[method].fetch_add(1, Ordering::SeqCst);
            }
            items.end();
        }
    });
    sent
}

async fn open_stream(channel: &Channel, method: u32) -> StreamReceiver {
    let options = CallOptions::default();
    let call = channel.call_streaming(method, &(), &options, false, true);
    let (parts, response) = call.await.unwrap();
    response.await.unwrap();
    parts.receiver.unwrap()
}

async fn read(items: &mut StreamReceiver, count: usize) {
    for _ in 0..count {
        items.next().await.unwrap().unwrap();
    }
}

/// How many items of 600 bytes are sent into a window of so many bytes.
fn in_window(bytes: u32) -> u32 {
    bytes.div_ceil(600)
}

async fn a_stream_that_is_read_grows_and_others_do_not(kind: Kind) {
    let mut services = Services::default();
    let sent = serve_items(&mut services);
    let sent = |method: usize| sent[method].load(Ordering::SeqCst);
    let host = small(SessionConfig::new("host"), 1 << 30);
    let (host, _plugin) = connect(kind.pair(), host, services.config("plugin")).await;
    let channel = host.open("Items").await.unwrap();
    let _unread = open_stream(&channel, 0).await;
    let mut slow = open_stream(&channel, 1).await;
    until(|| sent(0) == in_window(INITIAL) && sent(1) == in_window(INITIAL)).await;
    // Twice the last window.
    let taken = 2 * WINDOW / 600;
    read(&mut slow, taken as usize).await;
    let unreturned = in_window(WINDOW / 2);
    until(|| sent(1) >= taken + in_window(WINDOW) - unreturned).await;
    assert!(sent(1) <= taken + in_window(WINDOW));
    assert_eq!(sent(0), in_window(INITIAL));
}

/// Requests of 600 bytes to services that begin them when the test says so.
struct Requests {
    inbox: Inbox,
    running: Vec<rapace_session::RunningCall>,
    channel: Channel,
    sent: Vec<rapace_session::ResponseFuture>,
}

impl Requests {
    async fn open(host: &Session, service: &str, inbox: Inbox) -> Self {
        Self {
            inbox,
            running: Vec::new(),
            channel: host.open(service).await.unwrap(),
            sent: Vec::new(),
        }
    }

    /// Sends what the window lets through at once. Returns how many that are.
    fn send_all(&mut self) -> u32 {
        let mut sent = 0;
        loop {
            let (bytes, options) = (Value(vec![1u8; 598]), plain());
            let call = self.channel.begin_call(0, &bytes, &options);
            let call = tokio::task::unconstrained(call);
            let Some(call) = call.now_or_never() else {
                return sent;
            };
            self.sent.push(call.unwrap());
            sent += 1;
        }
    }

    /// Begins requests, when all that were sent have arrived.
    async fn begin(&mut self, count: usize) {
        let queued = self.sent.len() - self.running.len();
        until(|| self.inbox.len() == queued).await;
        for _ in 0..count {
            let call = self.inbox.recv().await.unwrap();
            self.running.push(call.begin().unwrap());
        }
    }

    /// Sends until so many were sent.
    async fn send(&mut self, count: u32) {
        let mut sent = 0;
        until(|| {
            sent += self.send_all();
            assert!(sent <= count, "{sent} instead of {count}");
            sent == count
        })
        .await;
    }
}

async fn channels(kind: Kind, budget: u64) -> (Session, Session, [Requests; 2]) {
    let mut services = Services::default();
    let inboxes = ["A", "B"].map(|name| services.inbox(name, 200));
    let plugin = small(services.config("plugin"), budget);
    let (host, plugin) = connect(kind.pair(), SessionConfig::new("host"), plugin).await;
    let [a, b] = inboxes;
    let a = Requests::open(&host, "A", a).await;
    let b = Requests::open(&host, "B", b).await;
    (host, plugin, [a, b])
}

async fn a_channel_that_is_served_grows_and_others_do_not(kind: Kind) {
    let (host, _plugin, [mut served, mut stuck]) = channels(kind, 1 << 30).await;
    assert_eq!(served.send_all(), in_window(INITIAL));
    assert_eq!(stuck.send_all(), in_window(INITIAL));
    served.begin(1).await;
    served.send(in_window(WINDOW) - 1).await;
    // Half of the window is 4500.
    served.begin(8).await;
    served.send(8).await;
    assert_eq!((stuck.send_all(), served.send_all()), (0, 0));
    assert_eq!(host.end_reason(), None);
}

async fn what_a_channel_had_of_the_budget_goes_to_others_when_it_is_closed(kind: Kind) {
    let (host, _plugin, [mut first, mut second]) = channels(kind, 12_000).await;
    first.send_all();
    first.begin(1).await;
    // One of the two is still queued.
    first.send(in_window(INITIAL + 6000) - 1).await;
    second.send_all();
    second.begin(1).await;
    second.send(in_window(INITIAL + 3000) - 1).await;
    // All of its calls end, and it is closed.
    let Requests {
        inbox,
        running,
        channel,
        sent,
    } = first;
    drop((inbox, running));
    for call in sent {
        assert!(call.await.is_err());
    }
    channel.close();
    channel.actor().wait_for_shutdown().await;
    // The peer has read the close when it answers this.
    assert!(host.open("C").await.is_err());
    second.begin(4).await;
    // Eight requests are 200 bytes more than the window.
    second.send(in_window(4 * 600 + 4500 - 200)).await;
}

/// With the default windows: the sender waits for the first credit, and has the whole window then.
async fn a_stream_of_large_items_waits_once_and_takes_no_more_credits(kind: Kind) {
    for (len, items, in_credit) in [(64 << 10, 161, 16), (1 << 20, 21, 2)] {
        let mut services = Services::default();
        let mut inbox = services.inbox("Feed", 4);
        let config = services.config("host");
        let (initial, window) = (config.stream_initial_bytes, config.stream_window_bytes);
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, config).await;
        raw.open_to(2, "Feed").await;
        let mut receiver = open_raw(&mut raw, &mut inbox, 4).await;
        let mut credits = Vec::new();
        for nth in 1..=items {
            send_items(&mut raw, 4, 1, len).await;
            let item = receiver.next().await.unwrap().unwrap();
            assert_eq!(item.carried() as usize, len);
            if nth == 1 || (nth - 1) % in_credit == 0 {
                let credit = raw.recv_type(FrameType::Credit).await.header;
                credits.push((credit.credits, credit.method));
            }
        }
        let (first, others) = credits.split_first().unwrap();
        assert_eq!(*first, (1, window - initial));
        assert!(others.iter().all(|other| *other == (in_credit, 0)));
        session.close("enough");
        while let Some(frame) = raw.try_recv().await {
            assert_ne!(frame.header.frame_type, FrameType::Credit, "more credits");
        }
    }
}

async fn growth_beyond_the_window_of_the_hello_is_a_fault(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 4).await;
    let options = plain();
    let call = channel.call_streaming(0, &(), &options, true, false);
    let (_parts, _response) = call.await.unwrap();
    let opened = raw.recv_type(FrameType::Request).await;
    let id = opened.payload.bytes()[..4].try_into().unwrap();
    let mut credit = Header::new(FrameType::Credit, ChannelId(u32::from_le_bytes(id)));
    // The hello has windows of 4 MiB that do not grow.
    raw.send(credit).await;
    raw.open_is_refused(&session).await;
    assert_eq!(session.end_reason(), None);
    credit.method = 1;
    raw.send(credit).await;
    let EndReason::PeerFault(what) = session.ended().await else {
        panic!("no fault");
    };
    assert!(what.contains("more credits than its window"), "{what}");
}
