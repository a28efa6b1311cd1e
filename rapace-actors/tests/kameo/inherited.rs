//! What a call through a kameo reference inherits from its caller: the deadline and cancellation.

use std::convert::Infallible;
use std::time::Duration;

use kameo::actor::{ActorRef, Recipient, ReplyRecipient};
use kameo::error::SendError;
use rapace::proxy::ProxyActor;
use rapace::{CallContext, CallError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// Returns the deadline of its calls.
#[rapace::service]
pub trait Clock {
    /// Returns the seconds that remain.
    async fn left(&mut self) -> Option<u64>;
    /// The same, through a channel.
    async fn report(&mut self);
    /// Waits forever.
    async fn hang(&mut self);
}

struct Tower {
    reports: mpsc::UnboundedSender<Option<u64>>,
    hangs: Hangs,
}

#[derive(Clone)]
struct Hangs(mpsc::UnboundedSender<&'static str>);

impl Drop for Hangs {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

fn left() -> Option<u64> {
    let deadline = CallContext::current()?.deadline?;
    Some((deadline - Instant::now().into_std()).as_secs())
}

impl Clock for Tower {
    async fn left(&mut self) -> Option<u64> {
        left()
    }

    async fn report(&mut self) {
        let _ = self.reports.send(left());
    }

    async fn hang(&mut self) {
        let hangs = self.hangs.clone();
        let _ = hangs.0.send("begun");
        std::future::pending::<()>().await;
    }
}

type Lefts = ReplyRecipient<Left, Option<u64>, CallError<Infallible>>;

/// Reads the clock in the middle of a call, in every way that kameo has.
#[rapace::service]
pub trait Reader {
    /// Returns the result of each way.
    async fn read(&mut self) -> Vec<(String, Option<u64>)>;
}

struct Everyway {
    actor: ActorRef<ProxyActor<ClockService>>,
    recipient: Recipient<Report>,
    replies: Lefts,
    reports: mpsc::UnboundedReceiver<Option<u64>>,
}

impl Reader for Everyway {
    async fn read(&mut self) -> Vec<(String, Option<u64>)> {
        let mut seen = Vec::new();
        let mut saw = |way: &str, left| seen.push((way.to_owned(), left));
        saw("ask", self.actor.ask(Left).await.unwrap());
        saw("send", self.actor.ask(Left).send().await.unwrap());
        saw("try_send", self.actor.ask(Left).try_send().await.unwrap());
        let pending = self.actor.ask(Left).enqueue().await.unwrap();
        saw("enqueue", pending.await.unwrap());
        saw("reply_recipient", self.replies.ask(Left).await.unwrap());
        let tried = self.replies.ask(Left).try_send().await;
        saw("reply_recipient, try_send", tried.unwrap());
        self.actor.tell(Report).await.unwrap();
        saw("tell", self.reports.recv().await.unwrap());
        self.actor.tell(Report).try_send().unwrap();
        saw("tell, try_send", self.reports.recv().await.unwrap());
        self.recipient.tell(Report).await.unwrap();
        saw("recipient", self.reports.recv().await.unwrap());
        self.recipient.tell(Report).try_send().unwrap();
        saw("recipient, try_send", self.reports.recv().await.unwrap());
        seen
    }
}

fn tower() -> (
    ClockProxy,
    mpsc::UnboundedReceiver<Option<u64>>,
    mpsc::UnboundedReceiver<&'static str>,
) {
    let (reports, reported) = mpsc::unbounded_channel();
    let (hangs, hung) = mpsc::unbounded_channel();
    let hangs = Hangs(hangs);
    let clock = ClockProxy::local(ClockServer::new(Tower { reports, hangs }));
    (clock, reported, hung)
}

fn reader(clock: &ClockProxy, reports: mpsc::UnboundedReceiver<Option<u64>>) -> ReaderProxy {
    ReaderProxy::local(ReaderServer::new(Everyway {
        actor: clock.actor_ref(),
        recipient: clock.recipient(),
        replies: clock.reply_recipient(),
        reports,
    }))
}

#[tokio::test(start_paused = true)]
async fn a_handlers_deadline_is_inherited_through_every_kind_of_reference() {
    let (clock, reports, _hung) = tower();
    let reader = reader(&clock, reports);
    // Twice, and a longer deadline after a shorter one: nothing is left of the earlier call.
    for seconds in [7, 3600] {
        let timeout = Duration::from_millis(seconds * 1000 + 500);
        let seen = reader.read().timeout(timeout).await.unwrap();
        assert_eq!(seen.len(), 10);
        for (way, left) in seen {
            assert_eq!(left, Some(seconds), "by {way}");
        }
    }
    for (way, left) in reader.read().await.unwrap() {
        assert_eq!(left, None, "by {way}");
    }
}

#[tokio::test]
async fn an_ask_that_nobody_waits_for_any_more_is_cancelled() {
    let (clock, _reports, mut hung) = tower();
    let actor = clock.actor_ref();
    let asking = actor.clone();
    let asked = tokio::spawn(async move { asking.ask(Hang).await.is_ok() });
    assert_eq!(hung.recv().await, Some("begun"));
    // Another call waits behind it, and is cancelled first: it never begins.
    let waiting = actor.clone();
    let behind = tokio::spawn(async move { waiting.ask(Hang).await.is_ok() });
    // The actor receives it, since it has nothing else to do.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    behind.abort();
    asked.abort();
    assert_eq!(hung.recv().await, Some("dropped"));
    // The service is idle, and the second call has not begun.
    assert_eq!(clock.left().await.unwrap(), None);
    assert!(hung.try_recv().is_err());
}

#[tokio::test]
async fn an_ask_that_kameo_gives_up_is_cancelled() {
    let (clock, _reports, mut hung) = tower();
    let actor = clock.actor_ref();
    let soon = Duration::from_millis(20);
    let asked = actor.ask(Hang).reply_timeout(soon).await;
    assert!(matches!(asked, Err(SendError::Timeout(_))), "{asked:?}");
    assert_eq!(hung.recv().await, Some("begun"));
    assert_eq!(hung.recv().await, Some("dropped"));
}

/// A service that opens when it is told to, and records what it did.
#[rapace::service]
pub trait Desk {
    /// Waits until the desk opens.
    async fn open(&mut self);
    /// Records a text.
    async fn note(&mut self, text: String);
    /// Returns all records.
    async fn notes(&mut self) -> Vec<String>;
}

struct Clerk {
    opened: Option<oneshot::Receiver<()>>,
    notes: Vec<String>,
}

impl Desk for Clerk {
    async fn open(&mut self) {
        if let Some(opened) = self.opened.take() {
            let _ = opened.await;
        }
    }

    async fn note(&mut self, text: String) {
        self.notes.push(text);
    }

    async fn notes(&mut self) -> Vec<String> {
        self.notes.clone()
    }
}

fn desk() -> (DeskProxy, oneshot::Sender<()>) {
    let (open, opened) = oneshot::channel();
    let clerk = Clerk {
        opened: Some(opened),
        notes: Vec::new(),
    };
    (DeskProxy::local(DeskServer::new(clerk)), open)
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_when_its_turn_comes_does_not_run() {
    let (desk, open) = desk();
    desk.tell(Open).await.unwrap();
    let text = |text: &str| text.to_owned();
    let soon = Duration::from_secs(1);
    let note = Note { text: text("late") };
    desk.tell(note).timeout(soon).await.unwrap();
    let note = Note {
        text: text("in time"),
    };
    desk.tell(note).timeout(60 * soon).await.unwrap();
    let asked = desk.note(text("asked too late")).timeout(soon).await;
    assert!(
        matches!(asked, Err(CallError::DeadlineExceeded)),
        "{asked:?}"
    );
    tokio::time::advance(2 * soon).await;
    let past = Instant::now().into_std();
    let note = Note {
        text: text("never"),
    };
    let told = desk.tell(note).deadline(past).await;
    assert!(matches!(told, Err(CallError::DeadlineExceeded)), "{told:?}");
    let asked = desk.note(text("never")).deadline(past).await;
    assert!(
        matches!(asked, Err(CallError::DeadlineExceeded)),
        "{asked:?}"
    );
    open.send(()).unwrap();
    assert_eq!(desk.notes().await.unwrap(), ["in time"]);
}
