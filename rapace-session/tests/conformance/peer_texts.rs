//! Texts of the peer arrive escaped, on one line.

use futures_util::StreamExt;
use rapace_session::{
    CallFailure, ChannelId, FrameType, HandshakeError, Header, MethodOffer, OpenError,
    ServiceOffer, Session, SessionConfig, Status, StreamError,
};

use super::harness::*;
use super::raw::{MAGIC, Raw};

scenarios!(
    the_text_of_a_failure_is_escaped,
    a_failure_without_a_text_says_so,
    the_reason_of_a_reset_is_escaped,
    the_reason_of_a_refused_channel_is_escaped,
    the_reason_of_a_close_is_escaped,
    the_reason_of_a_refusal_is_escaped,
    the_name_of_a_channel_is_escaped,
    a_name_in_a_hello_that_cannot_be_printed_is_refused,
    a_name_of_our_own_is_escaped_before_it_is_sent,
);

const SAID: &str = "\x1b[2J\x1b[31mno\n2026-11-27 ERROR \u{202e}all is lost\r\u{9b}0m";
const READ: &str = r"\u{1b}[2J\u{1b}[31mno\n2026-11-27 ERROR \u{202e}all is lost\r\u{9b}0m";

async fn connect_raw(kind: Kind) -> (Session, Raw) {
    let (a, b) = kind.pair();
    Raw::connect(a, b, SessionConfig::new("host")).await
}

/// Returns the outcome of a call whose reply is this error.
async fn fails_with(kind: Kind, payload: &[u8]) -> String {
    let (session, mut raw) = connect_raw(kind).await;
    let channel = raw.open(&session, "Any", 4).await;
    let options = plain();
    let mut call = Box::pin(channel.call(0, &(), &options));
    assert!(waits(&mut call));
    let asked = raw.recv_type(FrameType::Request).await.header;
    let mut header = Header::new(FrameType::Reply, asked.channel);
    header.call = asked.call;
    header.credits = 1;
    header.method = Status::Failed as u32;
    raw.send_with(header, payload).await;
    match call.await {
        Err(CallFailure::Failed(failure)) => {
            let text = failure.to_string();
            let (_, message) = failure.parts();
            assert!(text.ends_with(message) && !message.is_empty());
            text
        }
        other => panic!("{other:?}"),
    }
}

async fn the_text_of_a_failure_is_escaped(kind: Kind) {
    for code in [1, 4, 5, 6, 7, 9] {
        let text = fails_with(kind, &[&[code], SAID.as_bytes()].concat()).await;
        assert!(text.ends_with(READ), "{text:?}");
    }
}

async fn a_failure_without_a_text_says_so(kind: Kind) {
    for (code, said) in [
        (1, "the handler panicked: a panic without a message"),
        (7, "the service takes no calls: no reason was given"),
        (
            9,
            "a limit of the session is reached; the other side does not say which",
        ),
    ] {
        assert_eq!(fails_with(kind, &[code]).await, said);
    }
}

async fn the_reason_of_a_reset_is_escaped(kind: Kind) {
    let (session, mut raw) = connect_raw(kind).await;
    let channel = raw.open(&session, "Any", 4).await;
    let options = plain();
    for (said, read) in [(SAID, READ), ("", "no reason was given")] {
        let call = channel.call_streaming(0, &(), &options, false, true);
        let (parts, _settlement) = call.await.unwrap();
        let asked = raw.recv_type(FrameType::Request).await;
        let number = asked.payload.bytes().first_chunk().unwrap();
        let header = Header::new(FrameType::Reset, ChannelId(u32::from_le_bytes(*number)));
        raw.send_with(header, said.as_bytes()).await;
        let last = parts.receiver.unwrap().next().await.unwrap();
        assert_eq!(last.unwrap_err(), StreamError::Reset(read.into()));
    }
}

async fn the_reason_of_a_refused_channel_is_escaped(kind: Kind) {
    let (session, mut raw) = connect_raw(kind).await;
    for (said, read) in [(SAID, READ), ("", "no reason was given")] {
        let mut opening = Box::pin(session.open("Any"));
        let asked = tokio::select! {
            biased;
            frame = raw.recv_type(FrameType::Open) => frame.header,
            _ = &mut opening => panic!("opened by nobody"),
        };
        raw.send_with(
            Header::new(FrameType::NotOpened, asked.channel),
            said.as_bytes(),
        )
        .await;
        assert_eq!(opening.await.unwrap_err(), OpenError::Refused(read.into()));
    }
}

async fn the_reason_of_a_close_is_escaped(kind: Kind) {
    let (session, mut raw) = connect_raw(kind).await;
    let close = Header::new(FrameType::Close, ChannelId::SESSION);
    raw.send_with(close, SAID.as_bytes()).await;
    let why = session.ended().await.to_string();
    assert_eq!(why, format!("the peer closed the session: {READ}"));
}

async fn the_reason_of_a_refusal_is_escaped(kind: Kind) {
    let (a, b) = kind.pair();
    let mut raw = Raw::new(b);
    let refuse = Header::new(FrameType::Refuse, ChannelId::SESSION);
    raw.send_with(refuse, SAID.as_bytes()).await;
    let refused = Session::establish(a, SessionConfig::new("host")).await;
    assert_eq!(
        refused.unwrap_err(),
        HandshakeError::RefusedByPeer(READ.into())
    );
}

/// A service resolver includes the name in its reason.
async fn the_name_of_a_channel_is_escaped(kind: Kind) {
    let (a, b) = kind.pair();
    let services = Services::default();
    let (_session, mut raw) = Raw::connect(a, b, services.config("host")).await;
    raw.send_with(Header::new(FrameType::Open, ChannelId(2)), SAID.as_bytes())
        .await;
    let why = raw.recv_type(FrameType::NotOpened).await;
    let why = String::from_utf8_lossy(why.payload.bytes()).into_owned();
    assert!(why.contains(READ), "{why:?}");
}

async fn a_name_in_a_hello_that_cannot_be_printed_is_refused(kind: Kind) {
    let service = |name: &str, method: &str| ServiceOffer {
        name: name.into(),
        methods: vec![MethodOffer {
            name: method.into(),
            hash: 1,
        }],
    };
    for (name, services, of) in [
        ("a\nb", vec![], "itself"),
        ("peer", vec![service("a\nb", "any")], "a service"),
        (
            "peer",
            vec![service("Any", "a\nb")],
            "a method of service `Any`",
        ),
    ] {
        let (a, b) = kind.pair();
        let mut raw = Raw::new(b);
        let body = rapace_codec::to_vec(&(name.to_owned(), [4_u32; 6]))
            .unwrap()
            .0;
        let services = rapace_codec::to_vec(&(services, 0_u32)).unwrap().0;
        let hello = [&MAGIC, &*body, &*services].concat();
        raw.send_with(Header::new(FrameType::Hello, ChannelId::SESSION), &hello)
            .await;
        let refused = Session::establish(a, SessionConfig::new("host")).await;
        let why = refused.unwrap_err();
        assert!(matches!(why, HandshakeError::Hello(_)), "{why:?}");
        let text = format!(
            r"the other side's hello has the name `a\nb` for {of}; a name is one line of printable characters"
        );
        assert_eq!(why.to_string(), text);
    }
}

async fn a_name_of_our_own_is_escaped_before_it_is_sent(kind: Kind) {
    let (a, b) = kind.pair();
    let ours = SessionConfig::new("two\nlines\tof it");
    let (session, plugin) = connect((a, b), ours, SessionConfig::new("plugin")).await;
    assert_eq!(plugin.peer().unwrap().name, r"two\nlines\tof it");
    // No service can have this name.
    let refused = session.open("a\nb").await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        r"the channel was refused: a service's name is one line of printable characters, and this one is `a\nb`"
    );
}
