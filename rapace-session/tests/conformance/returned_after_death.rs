//! Buffers of a request that was sent again: its reply can return only those of the last request.

use rapace_codec::Blob;
use rapace_session::{
    CallOptions, EndReason, Session, SessionConfig, StartState, Status, UnsettledCall,
};
use tokio::sync::mpsc;

use super::harness::*;

scenarios!(
    a_call_that_is_sent_again_gets_the_buffer_of_its_last_sending,
    an_end_between_encoding_and_sending_loses_nothing,
);

/// A host whose unsettled calls the test takes, and a plugin whose calls it takes.
struct Life {
    host: Session,
    plugin: Session,
    inbox: Inbox,
    unsettled: mpsc::UnboundedReceiver<Vec<UnsettledCall>>,
}

impl Life {
    async fn of(kind: Kind) -> Self {
        let (hand_out, unsettled) = mpsc::unbounded_channel();
        let mut config = SessionConfig::new("host");
        config.on_unsettled = Some(Box::new(move |all, _| drop(hand_out.send(all))));
        let mut services = Services::default();
        let inbox = services.inbox("Busy", 4);
        let (host, plugin) = connect(kind.pair(), config, services.config("plugin")).await;
        Self {
            host,
            plugin,
            inbox,
            unsettled,
        }
    }

    /// Kills the plugin, as the kernel would report it. One call is unsettled.
    async fn dies(&mut self) -> UnsettledCall {
        self.plugin.abort(EndReason::PeerGone);
        self.unsettled.recv().await.unwrap().remove(0)
    }

    /// Whether no slot of the host is in use.
    async fn is_free(&self) {
        let free = || {
            let stats = self.host.link_stats();
            stats.is_none_or(|stats| {
                let mut classes = stats.classes.iter().chain([&stats.fragments]);
                classes.all(|class| class.free == class.total)
            })
        };
        until(free).await;
    }
}

async fn filled(session: &Session) -> Blob {
    let mut buffer = session.allocate(LEN).await.unwrap();
    buffer.fill(5);
    buffer.freeze()
}

async fn a_call_that_is_sent_again_gets_the_buffer_of_its_last_sending(kind: Kind) {
    let mut first = Life::of(kind).await;
    let sent = filled(&first.host).await;
    let channel = first.host.open("Busy").await.unwrap();
    let argument = Value(sent.clone());
    let options = CallOptions {
        idempotent: true,
        ..plain()
    };
    let call = tokio::spawn(async move { channel.call(0, &argument, &options).await });
    let mut dead = first.inbox.recv().await.unwrap().begin().unwrap();
    let arguments = dead.take_arguments().unwrap();
    let kept: Blob = value(&arguments);
    let result = Value(kept.clone());
    let too_late = dead.encode(Status::Ok, &result).await;
    let unsettled = first.dies().await;
    assert_eq!(unsettled.start_state, StartState::Begun);
    // The session of this reply has ended, so the reply is dropped.
    too_late.send().await;

    let mut second = Life::of(kind).await;
    let channel = second.host.open("Busy").await.unwrap();
    channel.resend(unsettled).await.unwrap();
    let mut again = second.inbox.recv().await.unwrap().begin().unwrap();
    let given: Blob = value(&again.take_arguments().unwrap());
    // A buffer of the first request is no buffer of the second.
    let both = Value((given, kept.clone()));
    let answered = again.encode(Status::Ok, &both).await;
    drop(both);
    answered.send().await;
    let reply = call.await.unwrap().unwrap();
    let (got, other): (Blob, Blob) = answer(&reply);
    assert!(*got == [5; LEN] && *other == [5; LEN]);
    let copied = if kind == Kind::Memory { 0 } else { LEN as u64 };
    assert_eq!(second.host.bytes_copied(), copied, "to be sent again");
    assert_eq!(second.plugin.bytes_copied(), copied, "what is another's");
    drop((reply, got, other));
    second.is_free().await;
    assert!(*sent == [5; LEN]);
    drop((result, arguments, kept, sent));
    first.is_free().await;
}

async fn an_end_between_encoding_and_sending_loses_nothing(kind: Kind) {
    let mut life = Life::of(kind).await;
    let sent = filled(&life.host).await;
    let channel = life.host.open("Busy").await.unwrap();
    let argument = Value(sent.clone());
    let call = tokio::spawn(async move { channel.call(0, &argument, &plain()).await });
    let mut running = life.inbox.recv().await.unwrap().begin().unwrap();
    let result = Value(value::<Blob>(&running.take_arguments().unwrap()));
    let encoded = running.encode(Status::Ok, &result).await;
    let unsettled = life.dies().await;
    encoded.send().await;
    drop(unsettled);
    assert!(call.await.unwrap().is_err());
    assert!(*sent == [5; LEN]);
    drop((result, sent));
    life.is_free().await;
}

const LEN: usize = 50_000;
