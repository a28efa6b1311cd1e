//! Hellos and texts are bounded. An excess is reported by name, on the sending side before anything
//! is sent.

use rapace_session::limits::{MAX_HELLO, MAX_METADATA, MAX_NAME, MAX_SERVICES, MAX_TEXT};
use rapace_session::{
    CallFailure, CallOptions, ChannelId, EndReason, Flags, FrameType, HandshakeError, Header,
    Hello, HelloLimit, MethodOffer, OpenError, ServiceOffer, Session, SessionConfig, Status,
};

use super::harness::*;
use super::raw::{MAGIC, Raw, request};

scenarios!(
    a_hello_over_a_limit_is_refused_by_the_limit,
    a_hello_that_only_claims_much_is_refused_by_what_it_claims,
    our_own_hello_is_held_to_the_same_limits,
    a_payload_longer_than_its_frame_type_may_have,
    a_window_of_zero_or_too_large,
    a_service_without_room_for_a_call_is_not_opened,
    a_name_that_no_service_can_have_is_not_asked_for,
    metadata_over_the_limit_is_not_sent_and_not_taken,
);

fn offer(name: &str, methods: usize) -> ServiceOffer {
    let method = |number| MethodOffer {
        name: format!("{number}"),
        hash: 1,
    };
    ServiceOffer {
        name: name.into(),
        methods: (0..methods).map(method).collect(),
    }
}

fn hello() -> Hello {
    Hello {
        name: "peer".into(),
        stream_window: 4,
        stream_initial_bytes: 4 << 20,
        stream_window_bytes: 4 << 20,
        request_initial_bytes: 4 << 20,
        request_window_bytes: 4 << 20,
        fragment_window_bytes: 256 << 20,
        services: Vec::new(),
        spin_micros: 0,
    }
}

async fn refused(kind: Kind, body: &[u8]) -> HandshakeError {
    let (a, b) = kind.pair();
    let mut raw = Raw::new(b);
    let header = Header::new(FrameType::Hello, ChannelId::SESSION);
    raw.send_with(header, &[&MAGIC, body].concat()).await;
    let config = SessionConfig::new("host");
    let refused = Session::establish_and_open(a, config).await;
    let refused = refused.map(|_| ()).unwrap_err();
    // The peer gets the same text.
    let why = raw.recv_type(FrameType::Refuse).await;
    assert_eq!(why.payload.bytes(), refused.to_string().as_bytes());
    refused
}

async fn a_hello_over_a_limit_is_refused_by_the_limit(kind: Kind) {
    let many = |count| (0..count).map(|n| offer(&n.to_string(), 0)).collect();
    let cases = [
        (
            Hello {
                services: many(500),
                ..hello()
            },
            "lists 500 services; a hello may list at most 256",
        ),
        (
            Hello {
                services: vec![offer("Wide", 5000)],
                ..hello()
            },
            "lists 5000 methods of service `Wide`; a service may have at most 1024",
        ),
        (
            Hello {
                services: many(256)
                    .into_iter()
                    .map(|it: ServiceOffer| offer(&it.name, 1000))
                    .collect(),
                ..hello()
            },
            "bytes; a hello may take at most 262144",
        ),
        (
            Hello {
                name: "x".repeat(300),
                ..hello()
            },
            "has a name of 300 bytes for itself",
        ),
        (
            Hello {
                services: vec![offer("", 1)],
                ..hello()
            },
            "has a name of 0 bytes for a service",
        ),
        (
            Hello {
                services: vec![offer("Twin", 1), offer("Twin", 1)],
                ..hello()
            },
            "two services called `Twin`",
        ),
        (
            Hello {
                stream_window: 0,
                ..hello()
            },
            "has a stream window of 0 items",
        ),
        (
            Hello {
                stream_initial_bytes: 0,
                stream_window_bytes: 0,
                request_initial_bytes: 1,
                request_window_bytes: 1,
                fragment_window_bytes: 1,
                ..hello()
            },
            "has a window of 0 bytes, `stream_initial_bytes`",
        ),
    ];
    for (hello, what) in cases {
        let body = rapace_codec::to_vec(&hello).unwrap().0;
        let why = refused(kind, &body).await;
        assert!(matches!(why, HandshakeError::Hello(_)), "{why:?}");
        let text = why.to_string();
        assert!(
            text.starts_with("the other side's hello ") && text.contains(what),
            "{text}"
        );
    }
}

/// The hello claims far more than its bytes contain.
async fn a_hello_that_only_claims_much_is_refused_by_what_it_claims(kind: Kind) {
    let mut body = rapace_codec::to_vec(&("peer".to_owned(), [4_u32; 6]))
        .unwrap()
        .0;
    body.extend(rapace_codec::to_vec(&u64::MAX).unwrap().0);
    let count = u64::MAX;
    let limit = HelloLimit::Services { count };
    assert_eq!(refused(kind, &body).await, HandshakeError::Hello(limit));
}

async fn our_own_hello_is_held_to_the_same_limits(kind: Kind) {
    let wide = |config: &mut SessionConfig| config.provides.push(offer("Wide", 1025));
    let many = |config: &mut SessionConfig| {
        let count = MAX_SERVICES + 1;
        config.provides = (0..count).map(|n| offer(&n.to_string(), 0)).collect();
    };
    let shut = |config: &mut SessionConfig| config.stream_window = 0;
    let empty = |config: &mut SessionConfig| config.request_window_bytes = 0;
    type Change<'a> = &'a dyn Fn(&mut SessionConfig);
    let changes: [(Change<'_>, _); 4] = [
        (&wide, "lists 1025 methods of service `Wide`"),
        (&many, "lists 257 services"),
        (&shut, "has a stream window of 0 items"),
        (&empty, "has a window of 0 bytes, `request_window_bytes`"),
    ];
    for (change, what) in changes {
        let (a, b) = kind.pair();
        let mut config = SessionConfig::new("host");
        change(&mut config);
        let why = Session::establish(a, config).await.unwrap_err();
        assert!(matches!(why, HandshakeError::OwnHello(_)), "{why:?}");
        let text = why.to_string();
        assert!(
            text.starts_with("this side's hello ") && text.contains(what),
            "{text}"
        );
        // HS4
        let mut raw = Raw::new(b);
        let sent = raw.recv().await;
        assert_eq!(sent.header.frame_type, FrameType::Refuse);
        let told = text.replace("this side's hello", "its hello");
        assert_eq!(sent.payload.bytes(), told.as_bytes());
        assert!(raw.try_recv().await.is_none(), "nothing else was sent");
    }
    // A name is only displayed, so it may be truncated.
    let (a, b) = kind.pair();
    let long = SessionConfig::new("x".repeat(10 * MAX_HELLO));
    let (_host, plugin) = connect((a, b), long, SessionConfig::new("plugin")).await;
    assert_eq!(plugin.peer().unwrap().name.len(), MAX_NAME);
}

async fn faulted(session: &Session, names: &str) {
    match session.ended().await {
        EndReason::PeerFault(what) => assert!(what.contains(names), "{what}"),
        other => panic!("{other:?}"),
    }
}

async fn a_payload_longer_than_its_frame_type_may_have(kind: Kind) {
    let cases = [
        (FrameType::Open, 2, MAX_NAME + 1),
        (FrameType::NotOpened, 1, MAX_TEXT + 1),
        (FrameType::Close, 0, MAX_TEXT + 1),
        (FrameType::Reset, 2, MAX_TEXT + 1),
        (FrameType::Drain, 0, 1),
        (FrameType::Cancel, 0, 1),
    ];
    for (frame_type, channel, len) in cases {
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
        let header = Header::new(frame_type, ChannelId(channel));
        raw.send_with(header, &vec![b'x'; len]).await;
        faulted(&session, "a payload longer than its frame type may have").await;
    }
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let channel = raw.open(&session, "Any", 4).await;
    let (body, options) = (Value(0_u32), plain());
    let call = channel.call(0, &body, &options);
    let answer = async {
        let request = raw.recv_type(FrameType::Request).await.header;
        let mut header = Header::new(FrameType::Reply, request.channel);
        header.call = request.call;
        header.method = Status::Failed as u32;
        header.credits = 1;
        raw.send_with(header, &[1; MAX_TEXT + 1]).await;
    };
    let (outcome, ()) = tokio::join!(call, answer);
    assert!(
        matches!(outcome, Err(CallFailure::SessionEnded { .. })),
        "{outcome:?}"
    );
    faulted(&session, "a remote error longer than the limit of a text").await;
}

async fn a_window_of_zero_or_too_large(kind: Kind) {
    for window in [0, u32::MAX] {
        let (a, b) = kind.pair();
        let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
        let opening = session.open("Any");
        let answer = async {
            let asked = raw.recv_type(FrameType::Open).await.header;
            let mut header = Header::new(FrameType::Opened, asked.channel);
            header.credits = window;
            raw.send(header).await;
        };
        let (opened, ()) = tokio::join!(opening, answer);
        assert!(opened.is_err());
        faulted(&session, "a channel's window that is 0 or too large").await;
    }
}

async fn a_service_without_room_for_a_call_is_not_opened(kind: Kind) {
    let mut services = Services::default();
    let _inbox = services.inbox("Full", 0);
    let (host, _plugin) = host_of(kind, services).await;
    let why = OpenError::Refused("service `Full` has a mailbox of capacity 0".into());
    assert_eq!(host.open("Full").await.unwrap_err(), why);
}

async fn a_name_that_no_service_can_have_is_not_asked_for(kind: Kind) {
    let (host, _plugin) = host_of(kind, Services::default()).await;
    let refused = host.open(&"x".repeat(MAX_NAME + 1)).await.unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("at most 255 bytes, and this one has 256"),
        "{refused}"
    );
    assert_eq!(host.end_reason(), None);
}

async fn metadata_over_the_limit_is_not_sent_and_not_taken(kind: Kind) {
    let mut services = Services::default();
    services.serve("Echo", 4, echo::<u32>);
    let (host, _plugin) = host_of(kind, services).await;
    let channel = host.open("Echo").await.unwrap();
    let with = |len: usize| CallOptions {
        metadata: vec![("k".into(), "v".repeat(len))],
        ..plain()
    };
    // Apart from a count, two lengths and a key.
    let most = MAX_METADATA - 1 - 2 - 3;
    assert_eq!(
        answer::<u32>(&channel.call(0, &Value(7_u32), &with(most)).await.unwrap()),
        7
    );
    let refused = channel
        .call(0, &Value(7_u32), &with(most + 1))
        .await
        .unwrap_err();
    let text = refused.to_string();
    assert!(
        text.contains("its metadata takes 65537 bytes; a call can have at most 65536"),
        "{text}"
    );
    assert_eq!(ask::<u32, u32>(&channel, 0, 8).await, 8);

    let mut services = Services::default();
    let _inbox = services.inbox("Any", 4);
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, services.config("host")).await;
    raw.open_to(2, "Any").await;
    let mut header = request(2, 0, 1);
    header.flags = Flags::METADATA;
    let mut payload = (MAX_METADATA as u32 + 1).to_le_bytes().to_vec();
    payload.resize(4 + MAX_METADATA + 1, 0);
    raw.send_with(header, &payload).await;
    faulted(&session, "metadata longer than the limit").await;
}
