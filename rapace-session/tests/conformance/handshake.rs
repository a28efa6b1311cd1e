//! Handshakes that fail.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use rapace_session::{
    Channel, ChannelId, EndReason, FrameType, HandshakeError, Header, MethodOffer, MismatchKind,
    PROTOCOL_VERSION, ServiceOffer, Session, SessionConfig,
};
use rapace_shm::SizeClass;

use super::harness::*;
use super::raw::{MAGIC, Raw};

scenarios!(
    a_schema_mismatch_is_explained_to_both_sides,
    another_version_is_refused_with_both_numbers,
    a_peer_that_does_not_speak_the_protocol_is_recognised,
    a_hello_that_cannot_be_read_is_refused,
    a_peer_that_hangs_up_ends_the_handshake,
    a_hello_that_never_comes_is_ended_by_the_callers_timeout,
    a_peer_that_does_not_welcome_us_is_not_established,
    a_side_that_cannot_send_its_hello_tells_the_other_why,
    a_side_that_refuses_a_session_tells_the_other_why,
    channels_are_asked_for_before_the_welcome_and_used_after_it,
    a_peer_that_asks_for_channels_and_is_refused_gets_none,
    a_peer_is_ready_when_it_says_so,
);

fn offer(methods: &[(&str, u64)]) -> ServiceOffer {
    ServiceOffer {
        name: "Markdown".into(),
        methods: methods
            .iter()
            .map(|(name, hash)| MethodOffer {
                name: (*name).into(),
                hash: *hash,
            })
            .collect(),
    }
}

async fn a_schema_mismatch_is_explained_to_both_sides(kind: Kind) {
    let (a, b) = kind.pair();
    let (mut ours, mut theirs) = (SessionConfig::new("host"), SessionConfig::new("plugin"));
    ours.requires = vec![offer(&[("render", 1), ("links", 2)])];
    theirs.provides = vec![offer(&[("render", 1), ("links", 3)])];
    let (host, plugin) = tokio::join!(Session::establish(a, ours), Session::establish(b, theirs));
    let Err(HandshakeError::Schema(mismatch)) = host else {
        panic!("{host:?}");
    };
    assert_eq!(
        mismatch.kind,
        MismatchKind::Methods {
            missing: vec![],
            unknown: vec![],
            differing: vec!["links".into()]
        }
    );
    let Err(HandshakeError::RefusedByPeer(why)) = plugin else {
        panic!("{plugin:?}");
    };
    assert!(why.contains("Markdown") && why.contains("links"), "{why}");
}

/// HS3
async fn channels_are_asked_for_before_the_welcome_and_used_after_it(kind: Kind) {
    let (a, b) = kind.pair();
    let mut raw = Raw::new(b);
    raw.hello_with(&["Markdown", "Images"]).await;
    let mut answers = Vec::new();
    let mut establishing = Box::pin(Session::establish_and_open(a, SessionConfig::new("host")));
    for (frame_type, payload) in [
        (FrameType::Hello, None),
        (FrameType::Welcome, None),
        (FrameType::Open, Some("Markdown")),
        (FrameType::Open, Some("Images")),
    ] {
        let frame = tokio::select! {
            biased;
            _ = &mut establishing => panic!("established without a welcome"),
            frame = raw.recv() => frame,
        };
        assert_eq!(frame.header.frame_type, frame_type);
        if let Some(payload) = payload {
            assert_eq!(frame.payload.bytes(), payload.as_bytes());
            let mut opened = Header::new(FrameType::Opened, frame.header.channel);
            opened.credits = 5;
            answers.push(opened);
        }
    }
    raw.send(Header::new(FrameType::Welcome, ChannelId::SESSION))
        .await;
    for opened in answers {
        raw.send(opened).await;
    }
    let (session, channels) = establishing.await.unwrap();
    let channels = channels.unwrap();
    let names = channels.iter().map(Channel::service).collect::<Vec<_>>();
    assert_eq!(names, ["Markdown", "Images"]);
    assert_eq!(session.end_reason(), None);
}

/// HS3
async fn a_peer_that_asks_for_channels_and_is_refused_gets_none(kind: Kind) {
    let (a, b) = kind.pair();
    let (host, mut plugin) = (SessionConfig::new("host"), SessionConfig::new("plugin"));
    plugin.provides = vec![offer(&[("render", 1)])];
    plugin.requires = vec![offer(&[("render", 2)])];
    let (host, plugin) = tokio::join!(
        Session::establish_and_open(a, host),
        Session::establish(b, plugin)
    );
    assert!(matches!(plugin, Err(HandshakeError::Schema(_))));
    assert!(matches!(host, Err(HandshakeError::RefusedByPeer(_))));
}

async fn a_peer_is_ready_when_it_says_so(kind: Kind) {
    let (a, b) = kind.pair();
    let (session, mut raw) = Raw::connect(a, b, SessionConfig::new("host")).await;
    let mut ready = Box::pin(session.peer_ready());
    raw.open_is_refused(&session).await;
    assert!(ready.as_mut().now_or_never().is_none());
    raw.send(Header::new(FrameType::Ready, ChannelId::SESSION))
        .await;
    ready.await;
    session.peer_ready().await;
    // A second one changes nothing.
    raw.send(Header::new(FrameType::Ready, ChannelId::SESSION))
        .await;
    raw.open_is_refused(&session).await;
    session.notify_ready();
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Ready);
}

async fn refuses(kind: Kind, hello: &[u8]) -> HandshakeError {
    let (a, b) = kind.pair();
    let mut raw = Raw::new(b);
    let header = Header::new(FrameType::Hello, ChannelId::SESSION);
    raw.send_with(header, hello).await;
    let refused = Session::establish(a, SessionConfig::new("host"))
        .await
        .unwrap_err();
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Hello);
    let why = raw.recv_type(FrameType::Refuse).await;
    let why = String::from_utf8(why.payload.bytes().to_vec()).unwrap();
    assert_eq!(why, refused.to_string());
    assert!(raw.try_recv().await.is_none());
    refused
}

async fn another_version_is_refused_with_both_numbers(kind: Kind) {
    let mut hello = MAGIC.to_vec();
    hello[4] = 99;
    hello.extend([0xff; 40]);
    let refused = refuses(kind, &hello).await;
    let (ours, theirs) = (PROTOCOL_VERSION, 99);
    assert_eq!(refused, HandshakeError::Version { ours, theirs });
}

async fn a_peer_that_does_not_speak_the_protocol_is_recognised(kind: Kind) {
    assert_eq!(
        refuses(kind, b"HTTP/1.1 400 Bad").await,
        HandshakeError::NotAPeer
    );
    assert_eq!(refuses(kind, b"").await, HandshakeError::NotAPeer);
    let (a, b) = kind.pair();
    let mut raw = Raw::new(b);
    raw.send(Header::new(FrameType::Drain, ChannelId::SESSION))
        .await;
    let refused = Session::establish(a, SessionConfig::new("host")).await;
    assert_eq!(refused.unwrap_err(), HandshakeError::NotAPeer);
}

async fn a_hello_that_cannot_be_read_is_refused(kind: Kind) {
    let mut hello = MAGIC.to_vec();
    hello.extend([0xff; 30]);
    let refused = refuses(kind, &hello).await;
    assert!(
        matches!(refused, HandshakeError::BadHello(_)),
        "{refused:?}"
    );
}

async fn a_peer_that_hangs_up_ends_the_handshake(kind: Kind) {
    let (a, b) = kind.pair();
    drop(b);
    let ended = Session::establish(a, SessionConfig::new("host")).await;
    assert!(matches!(ended, Err(HandshakeError::Ended(_))), "{ended:?}");
}

async fn a_hello_that_never_comes_is_ended_by_the_callers_timeout(kind: Kind) {
    let (a, b) = kind.pair();
    let config = SessionConfig::new("host");
    let metrics = Arc::clone(&config.metrics);
    let establish = Session::establish(a, config);
    let given_up = tokio::time::timeout(Duration::from_millis(20), establish).await;
    assert!(given_up.is_err());
    // The other side is told, and this side holds nothing any more.
    let mut raw = Raw::new(b);
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Hello);
    assert_eq!(raw.recv().await.header.frame_type, FrameType::Close);
    assert!(raw.try_recv().await.is_none());
    until(|| Arc::strong_count(&metrics) == 1).await;
}

async fn a_peer_that_does_not_welcome_us_is_not_established(kind: Kind) {
    let (a, b) = kind.pair();
    let mut raw = Raw::new(b);
    raw.hello().await;
    let mut header = Header::new(FrameType::Refuse, ChannelId::SESSION);
    header.credits = 7; // Has no meaning here.
    raw.send_with(header, b"built from another schema").await;
    let refused = Session::establish(a, SessionConfig::new("host")).await;
    let why = HandshakeError::RefusedByPeer("built from another schema".into());
    assert_eq!(refused.unwrap_err(), why);
    assert_eq!(
        EndReason::Refused(why.clone()).to_string(),
        format!("no session: {why}")
    );
}

/// HS4
async fn a_side_that_cannot_send_its_hello_tells_the_other_why(kind: Kind) {
    for size in [64, 256] {
        let class = SizeClass {
            slot_size: size,
            slots: 2,
        };
        let (a, b) = kind.pair_of(&Sizes {
            classes: vec![class],
            ..Sizes::default()
        });
        let (host, mut plugin) = (SessionConfig::new("host"), SessionConfig::new("plugin"));
        plugin.provides = vec![offer(&[(&"long".repeat(50), 1), (&"name".repeat(50), 2)])];
        let (host, plugin) =
            tokio::join!(Session::establish(a, host), Session::establish(b, plugin));
        let Err(HandshakeError::HelloTooLarge { len, max }) = plugin else {
            panic!("{plugin:?}");
        };
        assert_eq!(max, size as usize);
        let Err(HandshakeError::RefusedByPeer(why)) = host else {
            panic!("{host:?}");
        };
        // As much as fits.
        let text = HandshakeError::HelloTooLarge { len, max }.to_string();
        let text = text.replace("this side's hello", "its hello");
        assert!(text.starts_with(&why), "{why}");
        assert!(why.contains(&len.to_string()), "{why}");
        assert!(size < 256 || why == text, "{why}");
    }
}

async fn a_side_that_refuses_a_session_tells_the_other_why(kind: Kind) {
    let (a, b) = kind.pair();
    Session::refuse(b, "it has nothing to offer");
    let refused = Session::establish(a, SessionConfig::new("host")).await;
    let why = HandshakeError::RefusedByPeer("it has nothing to offer".into());
    assert_eq!(refused.unwrap_err(), why);
}
