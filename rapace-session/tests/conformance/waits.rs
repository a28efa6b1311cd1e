//! What has waited for a second says so: who waits, for what, and who has it.

use std::time::Duration;

use futures_util::StreamExt;
use rapace_session::{
    CallId, CallUnderWay, Channel, Endpoint, FrameType, Header, Holder, MethodName, MethodOffer,
    Resource, ServiceOffer, Session, SessionConfig, Status, Wait, Waiter,
};
use rapace_shm::OnExhaustion;
use tokio::sync::mpsc;

use super::exhaustion::narrow;
use super::harness::*;
use super::raw::{Raw, request};

/// The clock can only be advanced on one thread.
macro_rules! scenarios_on_one_thread {
    ($($name:ident),* $(,)?) => {
        scenarios!(@ memory, Memory, 1, $($name),*);
        scenarios!(@ shm, Shm, 1, $($name),*);
        scenarios!(@ untrusted, Untrusted, 1, $($name),*);
    };
}

scenarios_on_one_thread!(
    calls_wait_for_a_credit,
    calls_wait_for_a_credit_that_the_call_table_bounds,
    calls_wait_for_bytes_of_their_channel,
    calls_wait_for_bytes_of_a_window_that_has_grown,
    calls_wait_for_the_ring,
    replies_wait_for_the_ring,
    calls_wait_in_a_mailbox,
    a_stream_waits_for_its_reader,
    a_stream_waits_for_bytes,
    a_stream_that_outlives_its_channel_keeps_its_name,
    allocations_and_calls_wait_for_slots,
    a_payload_waits_to_be_sent_in_fragments,
    calls_that_run_long_do_not_wait,
);

type Reports = mpsc::UnboundedReceiver<Wait>;

/// A configuration that reports waits, and looks at them often.
fn reporting(mut config: SessionConfig) -> (SessionConfig, Reports) {
    let (on_wait, reports) = mpsc::unbounded_channel();
    config.heartbeat = Duration::from_millis(2);
    config.on_wait = Some(Box::new(move |wait| drop(on_wait.send(wait))));
    (config, reports)
}

/// Lets a second pass.
async fn late() {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(1)).await;
    tokio::time::resume();
}

/// Waits until the host has looked at what waits.
async fn looked(host: &Session) {
    for _ in 0..2 {
        host.next_heartbeat().await;
    }
}

/// A host that reports its waits, and a plugin with the service `Crawler`.
struct Pair {
    host: Session,
    plugin: Session,
    inbox: Inbox,
    reports: Reports,
    channel: Channel,
}

const FETCH: u32 = 0;
const PARSE: u32 = 1;

async fn crawler(ends: (Endpoint, Endpoint), window: u32, bytes: u32) -> Pair {
    let mut services = Services::default();
    let inbox = services.inbox("Crawler", window);
    let mut config = services.config("plugin");
    config.request_window_bytes = bytes;
    config.stream_window_bytes = bytes;
    let method = |name: &str| MethodOffer {
        name: name.into(),
        hash: 1,
    };
    config.provides = vec![ServiceOffer {
        name: "Crawler".into(),
        methods: vec![method("fetch"), method("parse")],
    }];
    let (host, reports) = reporting(SessionConfig::new("host"));
    let (host, plugin) = connect(ends, host, config).await;
    let channel = host.open("Crawler").await.unwrap();
    Pair {
        host,
        plugin,
        inbox,
        reports,
        channel,
    }
}

const BYTES: u32 = 10_000;

fn named(service: &str, method: &str) -> MethodName {
    MethodName {
        service: service.into(),
        method: method.into(),
    }
}

fn fetch() -> MethodName {
    named("Crawler", "fetch")
}

fn parse() -> MethodName {
    named("Crawler", "parse")
}

/// Checks the one wait that is listed now.
#[track_caller]
fn listed(host: &Session, waiter: &Waiter, count: usize, resource: Resource) -> Holder {
    let mut waiting = host.waiting();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    let wait = waiting.remove(0);
    assert_eq!((&wait.waiter, wait.count), (waiter, count), "{wait}");
    assert_eq!(wait.resource, resource, "{wait}");
    assert!(wait.waited >= Duration::from_secs(1), "{wait:?}");
    wait.holder
}

/// Checks what is listed after a second, that it is reported once, and returns who has the resource.
async fn reported(
    (host, reports): (&Session, &mut Reports),
    waiter: Waiter,
    count: usize,
    resource: Resource,
) -> Holder {
    // Unless the test itself was held up, that is nothing.
    let is_long = |wait: Wait| wait.waited >= Duration::from_secs(1);
    assert!(host.waiting().into_iter().all(is_long));
    late().await;
    let holder = listed(host, &waiter, count, resource);
    let report = reports.recv().await.unwrap();
    assert_eq!((&report.waiter, report.count), (&waiter, count), "{report}");
    assert_eq!(report.resource, resource);
    late().await;
    looked(host).await;
    listed(host, &waiter, count, resource);
    assert!(reports.try_recv().is_err(), "it was said before");
    holder
}

#[track_caller]
fn calls(holder: Holder) -> (usize, CallUnderWay) {
    match holder {
        Holder::Calls { count, oldest } => (count, oldest),
        other => panic!("{other:?}"),
    }
}

/// A peer that does nothing sends no heartbeats, over a transport that has them.
#[track_caller]
fn silent_peer(kind: Kind, holder: &Holder) {
    let Holder::Peer { silent } = holder else {
        panic!("{holder:?}");
    };
    match kind {
        Kind::Memory => assert_eq!(*silent, None),
        Kind::Shm | Kind::Untrusted => assert!(*silent >= Some(Duration::from_secs(1))),
    }
}

async fn calls_wait_for_a_credit(kind: Kind) {
    let mut pair = crawler(kind.pair(), 1, BYTES).await;
    let (channel, options) = (&pair.channel, plain());
    let first = channel.begin_call(FETCH, &(), &options).await.unwrap();
    let begun = pair.inbox.recv().await.unwrap().begin().unwrap();
    let mut waiters = [(); 3].map(|()| Box::pin(channel.begin_call(PARSE, &(), &options)));
    assert!(waiters.iter_mut().all(waits));
    let (host, waiter) = (&pair.host, Waiter::Call(parse()));
    let resource = Resource::Credit {
        window: 1,
        call_table: None,
    };
    let said = (host, &mut pair.reports);
    let holder = reported(said, waiter.clone(), 3, resource).await;
    let (count, oldest) = calls(holder);
    assert_eq!((count, oldest.begun), (1, true));
    assert_eq!(oldest.method, Some(fetch()));
    let [one, two, mut three] = waiters;
    drop((one, two));
    listed(host, &waiter, 1, resource);
    begun.reply(Status::Ok, &()).await;
    first.await.unwrap();
    let third = (&mut three).await.unwrap();
    assert_eq!(host.waiting(), []);
    // It holds the one credit now, and its caller has left.
    drop(third);
    let mut next = Box::pin(channel.begin_call(PARSE, &(), &options));
    let refused = pair.inbox.recv().await.unwrap();
    assert!(waits(&mut next));
    late().await;
    let (count, oldest) = calls(listed(host, &waiter, 1, resource));
    assert_eq!((count, oldest.method), (1, None), "it was cancelled");
    assert!(refused.begin().is_none());
    drop(next.await.unwrap());
}

/// The service would take more calls at once than its caller has entries for.
async fn calls_wait_for_a_credit_that_the_call_table_bounds(kind: Kind) {
    for (call_table, capacity, window, bounds) in [
        (1, 1000, 1, true),
        (3, 1000, 1, true),
        (8, 1000, 3, true),
        (8, 3, 3, true),
        (8, 2, 2, false),
    ] {
        let sizes = Sizes {
            call_table,
            ..Sizes::default()
        };
        let mut pair = crawler(kind.pair_of(&sizes), capacity, BYTES).await;
        let (channel, options) = (&pair.channel, plain());
        let mut begun = Vec::new();
        for _ in 0..window {
            let call = channel.begin_call(FETCH, &(), &options).await.unwrap();
            let running = pair.inbox.recv().await.unwrap().begin().unwrap();
            begun.push((call, running));
        }
        let mut next = Box::pin(channel.begin_call(PARSE, &(), &options));
        assert!(waits(&mut next));
        late().await;
        let resource = Resource::Credit {
            window,
            call_table: bounds.then_some(call_table),
        };
        let holder = listed(&pair.host, &Waiter::Call(parse()), 1, resource);
        assert_eq!(calls(holder).0, window as usize);
    }
}

async fn calls_wait_for_bytes_of_their_channel(kind: Kind) {
    let mut pair = crawler(kind.pair(), 8, BYTES).await;
    let (channel, options) = (&pair.channel, plain());
    let page = Value(vec![1_u8; 6000]);
    let begun = channel.begin_call(PARSE, &page, &options).await.unwrap();
    let running = pair.inbox.recv().await.unwrap().begin().unwrap();
    let first = channel.begin_call(FETCH, &page, &options).await.unwrap();
    let also_first = channel.begin_call(FETCH, &page, &options).await.unwrap();
    let mut second = Box::pin(channel.begin_call(PARSE, &page, &options));
    assert!(waits(&mut second));
    looked(&pair.host).await;
    late().await;
    let is_sent = |wait: &Wait| wait.resource == Resource::Mailbox;
    let waiting = pair.host.waiting();
    let [one, two] = &waiting[..] else {
        panic!("{waiting:?}");
    };
    let (sent, unsent) = if is_sent(one) { (one, two) } else { (two, one) };
    assert_eq!((&sent.waiter, sent.count), (&Waiter::Call(fetch()), 2));
    assert_eq!((&unsent.waiter, unsent.count), (&Waiter::Call(parse()), 1));
    let resource = Resource::RequestBytes {
        window: BYTES,
        maximum: BYTES,
    };
    assert_eq!(unsent.resource, resource);
    let (count, oldest) = calls(unsent.holder.clone());
    assert_eq!((count, oldest.method), (2, Some(fetch())));
    assert!(!oldest.begun, "what has begun holds no bytes");
    let mut reports = [(); 2].map(|()| None);
    for report in &mut reports {
        *report = pair.reports.recv().await;
    }
    assert_eq!(
        reports
            .iter()
            .flatten()
            .filter(|wait| is_sent(wait))
            .count(),
        1
    );
    let next = pair.inbox.recv().await.unwrap().begin().unwrap();
    let second = second.await.unwrap();
    assert!(pair.host.waiting().iter().all(is_sent));
    drop((running, next, begun, first, also_first, second));
}

async fn calls_wait_for_bytes_of_a_window_that_has_grown(kind: Kind) {
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 8);
    let mut config = services.config("plugin");
    (config.request_initial_bytes, config.request_window_bytes) = (100, BYTES);
    let (host, reports) = reporting(SessionConfig::new("host"));
    let (host, _plugin) = connect(kind.pair(), host, config).await;
    let (channel, options) = (host.open("Any").await.unwrap(), plain());
    let mut under_way = Vec::new();
    // The third request of the first round has not come back.
    for (len, least, most) in [(90, 100, 100), (9000, BYTES - 100, BYTES)] {
        let page = Value(vec![1_u8; len]);
        for _ in 0..2 {
            let call = channel.begin_call(0, &page, &options).await.unwrap();
            under_way.push(call);
        }
        let mut next = Box::pin(channel.begin_call(1, &page, &options));
        assert!(waits(&mut next));
        looked(&host).await;
        late().await;
        let waiting = host.waiting();
        let next_waits = |wait: &&Wait| wait.waiter == Waiter::Call(named("Any", "#1"));
        let wait = waiting.iter().find(next_waits);
        let Resource::RequestBytes { window, maximum } = wait.unwrap().resource else {
            panic!("{waiting:?}");
        };
        assert!((least..=most).contains(&window), "{waiting:?}");
        assert_eq!(maximum, BYTES);
        for _ in 0..2 {
            let begun = inbox.recv().await.unwrap().begin().unwrap();
            begun.reply(Status::Ok, &()).await;
        }
        under_way.push(next.await.unwrap());
        let begun = inbox.recv().await.unwrap().begin().unwrap();
        begun.reply(Status::Ok, &()).await;
        for call in under_way.drain(..) {
            call.await.unwrap();
        }
    }
    drop(reports);
}

/// A session with a peer that does nothing.
async fn with_raw(ends: (Endpoint, Endpoint), services: Services) -> (Session, Raw, Reports) {
    let (host, reports) = reporting(services.config("host"));
    let (a, b) = ends;
    let (host, raw) = Raw::connect(a, b, host).await;
    (host, raw, reports)
}

async fn calls_wait_for_the_ring(kind: Kind) {
    let sizes = Sizes {
        ring: 16,
        ..Sizes::default()
    };
    let ends = kind.pair_of(&sizes);
    let (host, mut raw, mut reports) = with_raw(ends, Services::default()).await;
    let channel = raw.open(&host, "Any", 64).await;
    // Requests of cancelled calls fill the ring as others do, and nobody waits for them.
    let options = plain();
    loop {
        let mut call = Box::pin(channel.begin_call(1, &(), &options));
        if waits(&mut call) {
            break;
        }
    }
    let mut call = Box::pin(channel.call(7, &(), &options));
    assert!(waits(&mut call));
    let waiter = Waiter::Call(named("Any", "#7"));
    let said = (&host, &mut reports);
    let holder = reported(said, waiter, 1, Resource::Ring).await;
    silent_peer(kind, &holder);
    drop(call);
    assert_eq!(host.waiting(), []);
}

async fn replies_wait_for_the_ring(kind: Kind) {
    let sizes = Sizes {
        ring: 8,
        ..Sizes::default()
    };
    let mut services = Services::default();
    let mut inbox = services.inbox("Any", 64);
    let ends = kind.pair_of(&sizes);
    let (host, mut raw, mut reports) = with_raw(ends, services).await;
    raw.open_to(2, "Any").await;
    let mut replies = Vec::new();
    for index in 0..16 {
        let mut header: Header = request(2, index, 1);
        header.method = 3;
        raw.send(header).await;
        let call = inbox.recv().await.unwrap().begin().unwrap();
        let mut reply = Box::pin(call.reply(Status::Ok, &()));
        if waits(&mut reply) {
            replies.push(reply);
        }
    }
    assert!(!replies.is_empty());
    let waiter = Waiter::Reply(named("Any", "#3"));
    let said = (&host, &mut reports);
    let holder = reported(said, waiter, replies.len(), Resource::Ring).await;
    silent_peer(kind, &holder);
    let reading = async {
        let read = raw.recv_type(FrameType::Reply).await.header.call;
        assert_eq!(
            read,
            CallId {
                index: 0,
                generation: 1
            }
        );
        for _ in 1..16 {
            raw.recv_type(FrameType::Reply).await;
        }
    };
    tokio::join!(futures_util::future::join_all(replies), reading);
    assert_eq!(host.waiting(), []);
}

async fn calls_wait_in_a_mailbox(kind: Kind) {
    let mut pair = crawler(kind.pair(), 8, BYTES).await;
    let (channel, options) = (&pair.channel, plain());
    let first = channel.begin_call(FETCH, &(), &options).await.unwrap();
    looked(&pair.host).await;
    let (host, waiter) = (&pair.host, Waiter::Call(fetch()));
    let said = (host, &mut pair.reports);
    let holder = reported(said, waiter, 1, Resource::Mailbox).await;
    assert!(matches!(holder, Holder::Peer { .. }), "{holder:?}");
    let begun = pair.inbox.recv().await.unwrap().begin().unwrap();
    assert_eq!(host.waiting(), []);
    let second = channel.begin_call(PARSE, &(), &options).await.unwrap();
    let third = channel.begin_call(PARSE, &(), &options).await.unwrap();
    looked(host).await;
    let (said, waiter) = ((host, &mut pair.reports), Waiter::Call(parse()));
    let holder = reported(said, waiter.clone(), 2, Resource::Mailbox).await;
    let (count, oldest) = calls(holder);
    assert_eq!((count, oldest.begun), (1, true));
    assert_eq!(oldest.method, Some(fetch()));
    assert!(oldest.seen >= Duration::from_secs(3), "{oldest}");
    drop(second);
    listed(host, &waiter, 1, Resource::Mailbox);
    begun.reply(Status::Ok, &()).await;
    first.await.unwrap();
    while let Some(call) = pair.inbox.recv().await {
        if let Some(call) = call.begin() {
            call.reply(Status::Ok, &()).await;
            break;
        }
    }
    third.await.unwrap();
    assert_eq!(host.waiting(), []);
}

async fn a_stream_waits_for_its_reader(kind: Kind) {
    let mut pair = crawler(kind.pair(), 8, BYTES).await;
    let (channel, options) = (&pair.channel, plain());
    let call = channel.call_streaming(FETCH, &(), &options, true, false);
    let (parts, _response) = call.await.unwrap();
    let mut begun = pair.inbox.recv().await.unwrap().begin().unwrap();
    let mut sender = parts.sender.unwrap();
    for _ in 0..32 {
        sender.send(&Value(1_u32)).await.unwrap();
    }
    let item = Value(2_u32);
    let mut next = Box::pin(sender.send(&item));
    assert!(waits(&mut next));
    let said = (&pair.host, &mut pair.reports);
    let resource = Resource::StreamItems { window: 32 };
    let holder = reported(said, Waiter::Stream(fetch()), 1, resource).await;
    assert_eq!(holder, Holder::Receiver);
    drop(begun.take_receiver());
    assert!(next.await.is_err());
    assert_eq!(pair.host.waiting(), []);
}

/// In the direction from the peer's call: the stream is named by the method that this side serves.
async fn a_stream_waits_for_bytes(kind: Kind) {
    let mut pair = crawler(kind.pair(), 8, BYTES).await;
    let (channel, options) = (&pair.channel, plain());
    let call = channel.call_streaming(PARSE, &(), &options, false, true);
    let (parts, _response) = call.await.unwrap();
    let mut receiver = parts.receiver.unwrap();
    let mut begun = pair.inbox.recv().await.unwrap().begin().unwrap();
    let mut sender = begun.take_sender().unwrap();
    let item = Value(vec![1_u8; 5 << 20]);
    let waiter = Waiter::Stream(parse());
    // At first, and when the receiver has taken an item.
    for window in [64 << 10, 4 << 20] {
        sender.send(&item).await.unwrap();
        let mut next = Box::pin(sender.send(&item));
        assert!(waits(&mut next));
        late().await;
        let resource = Resource::StreamBytes {
            window,
            maximum: 4 << 20,
        };
        let holder = listed(&pair.plugin, &waiter, 1, resource);
        assert_eq!(holder, Holder::Receiver);
        receiver.next().await.unwrap().unwrap();
        next.await.unwrap();
        assert_eq!(pair.plugin.waiting(), []);
        receiver.next().await.unwrap().unwrap();
    }
    sender.send(&item).await.unwrap();
    let mut next = Box::pin(sender.send(&item));
    assert!(waits(&mut next));
    drop(receiver);
    assert!(next.await.is_err());
    assert_eq!(pair.plugin.waiting(), []);
    drop(begun);
}

/// On both sides, and its wait is not reported again.
async fn a_stream_that_outlives_its_channel_keeps_its_name(kind: Kind) {
    let Pair {
        host,
        plugin,
        mut inbox,
        mut reports,
        channel,
    } = crawler(kind.pair(), 8, BYTES).await;
    let options = plain();
    let call = channel.call_streaming(PARSE, &(), &options, true, true);
    let (parts, response) = call.await.unwrap();
    let mut begun = inbox.recv().await.unwrap().begin().unwrap();
    let (mut theirs, _receiver) = (begun.take_sender().unwrap(), begun.take_receiver());
    begun.reply(Status::Ok, &()).await;
    response.await.unwrap();
    let mut ours = parts.sender.unwrap();
    let item = Value(1_u32);
    for _ in 0..32 {
        ours.send(&item).await.unwrap();
        theirs.send(&item).await.unwrap();
    }
    let mut sends = [Box::pin(ours.send(&item)), Box::pin(theirs.send(&item))];
    assert!(sends.iter_mut().all(waits));
    let (items, waiter) = (Resource::StreamItems { window: 32 }, || {
        Waiter::Stream(parse())
    });
    reported((&host, &mut reports), waiter(), 1, items).await;
    let actor = channel.actor().clone();
    drop(channel);
    until(|| !actor.is_alive()).await;
    // Then the plugin has read of the close.
    let _another = host.open("Crawler").await.unwrap();
    late().await;
    looked(&host).await;
    for side in [&host, &plugin] {
        assert_eq!(listed(side, &waiter(), 1, items), Holder::Receiver);
    }
    assert!(reports.try_recv().is_err(), "it was said before");
    drop(sends);
}

async fn allocations_and_calls_wait_for_slots(kind: Kind) {
    let Some(ends) = narrow(kind, 1 << 20, OnExhaustion::Wait) else {
        return;
    };
    let mut pair = crawler(ends, 8, 16 << 20).await;
    let host = &pair.host;
    let held = host.allocate(1 << 20).await.unwrap();
    let lens = [1 << 19, 1 << 18];
    let mut allocations = lens.map(|len| Box::pin(host.allocate(len)));
    assert!(allocations.iter_mut().all(waits));
    let size = Resource::Slot { size: 1 << 20 };
    let said = (host, &mut pair.reports);
    let holder = reported(said, Waiter::Allocation, 2, size).await;
    let expected = Holder::Slots {
        total: 2,
        used_by_peer: 0,
        held_here: 1,
        reserved: 1,
    };
    assert_eq!(holder, expected);
    drop(allocations);
    let (page, options) = (Value(vec![1_u8; 1 << 19]), plain());
    let mut call = Box::pin(pair.channel.begin_call(FETCH, &page, &options));
    assert!(waits(&mut call));
    let said = (host, &mut pair.reports);
    reported(said, Waiter::Call(fetch()), 1, size).await;
    drop(held);
    drop(call.await.unwrap());
    assert_eq!(host.waiting(), []);
}

async fn a_payload_waits_to_be_sent_in_fragments(kind: Kind) {
    let Some(ends) = narrow(kind, 1 << 20, OnExhaustion::Fragment) else {
        return;
    };
    let (host, mut raw, mut reports) = with_raw(ends, Services::default()).await;
    let channel = raw.open(&host, "Any", 8).await;
    let _held = host.allocate(1 << 20).await.unwrap();
    let (page, options) = (Value(vec![1_u8; 1_000_000]), plain());
    let mut call = Box::pin(channel.begin_call(7, &page, &options));
    assert!(waits(&mut call));
    let waiter = Waiter::Call(named("Any", "#7"));
    let said = (&host, &mut reports);
    let holder = reported(said, waiter, 1, Resource::Fragments).await;
    silent_peer(kind, &holder);
    // Now the peer reads, and nobody polls the call.
    while !matches!(host.waiting().as_slice(), []) {
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            _ = raw.recv_type(FrameType::Request) => panic!("its frame is not sent"),
        }
    }
    late().await;
    let waiter = Waiter::Call(named("Any", "#7"));
    let holder = listed(&host, &waiter, 1, Resource::Fragments);
    assert_eq!(holder, Holder::Unpolled);
    tokio::select! {
        sent = &mut call => drop(sent.unwrap()),
        _ = raw.recv_type(FrameType::Request) => panic!("sent, and not noticed"),
    }
    assert_eq!(host.waiting(), []);
}

async fn calls_that_run_long_do_not_wait(kind: Kind) {
    let mut pair = crawler(kind.pair(), 8, BYTES).await;
    let (channel, options) = (&pair.channel, plain());
    let long = channel.begin_call(FETCH, &(), &options).await.unwrap();
    let begun = pair.inbox.recv().await.unwrap().begin().unwrap();
    for _ in 0..5 {
        for _ in 0..20 {
            let call = channel.call(PARSE, &(), &options);
            let (reply, ()) = tokio::join!(call, answer_next(&mut pair.inbox, 1_u32));
            reply.unwrap();
        }
        looked(&pair.host).await;
        late().await;
        assert_eq!(pair.host.waiting(), []);
    }
    looked(&pair.host).await;
    begun.reply(Status::Ok, &()).await;
    long.await.unwrap();
    assert!(pair.reports.try_recv().is_err());
}
