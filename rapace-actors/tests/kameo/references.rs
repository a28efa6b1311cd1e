//! A proxy used as kameo's `ActorRef` or `Recipient`.

use kameo::Actor;
use kameo::actor::{ActorRef, ReplyRecipient, Spawn, WeakActorRef};
use kameo::error::{ActorStopReason, Infallible, SendError};
use kameo::message::{Context, Message};
use rapace::CallError;
use tokio::sync::{mpsc, oneshot};

/// Adds up.
#[rapace::service]
pub trait Counter {
    /// Adds, and returns the sum.
    async fn add(&mut self, amount: u32) -> Result<u32, String>;
}

struct Sum {
    sum: u32,
    reports: mpsc::UnboundedSender<u32>,
}

impl Counter for Sum {
    async fn add(&mut self, amount: u32) -> Result<u32, String> {
        let sum = self.sum.checked_add(amount).ok_or("too much")?;
        self.sum = sum;
        let _ = self.reports.send(sum);
        Ok(sum)
    }
}

fn counter() -> (CounterProxy, mpsc::UnboundedReceiver<u32>) {
    let (reports, received) = mpsc::unbounded_channel();
    let server = CounterServer::new(Sum { sum: 0, reports });
    (CounterProxy::local(server), received)
}

/// A local kameo actor that handles the same message with the same reply.
struct LocalCounter(u32);

impl Actor for LocalCounter {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }
}

impl Message<Add> for LocalCounter {
    type Reply = Result<u32, CallError<String>>;

    async fn handle(&mut self, add: Add, _: &mut Context<Self, Self::Reply>) -> Self::Reply {
        self.0 += add.amount;
        Ok(self.0)
    }
}

#[tokio::test]
async fn a_proxy_answers_as_an_actor_ref() {
    let (proxy, _hears) = counter();
    let actor = proxy.actor_ref();
    assert_eq!(actor.ask(Add { amount: 2 }).await.unwrap(), 2);
    let refused = actor.ask(Add { amount: u32::MAX }).await;
    match refused {
        Err(SendError::HandlerError(CallError::Handler(why))) => assert_eq!(why, "too much"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_recipient_delivers_tells() {
    let (proxy, mut received) = counter();
    let recipient = proxy.recipient::<Add>();
    recipient.tell(Add { amount: 3 }).await.unwrap();
    assert_eq!(received.recv().await, Some(3));
}

/// Also those that still wait for room when the recipient was dropped.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tells_arrive_in_their_order_and_all_of_them() {
    const TELLS: u32 = 5000;
    let (proxy, mut received) = counter();
    let recipient = proxy.recipient::<Add>();
    let mut sums = 0;
    for amount in 0..TELLS {
        recipient.tell(Add { amount }).await.unwrap();
    }
    drop(recipient);
    for amount in 0..TELLS {
        sums += amount;
        assert_eq!(received.recv().await, Some(sums), "after {amount}");
    }
}

/// Reports when it begins, and answers when it is told to.
struct Gate {
    begun: mpsc::UnboundedSender<()>,
    opened: Option<oneshot::Receiver<()>>,
}

impl Counter for Gate {
    async fn add(&mut self, amount: u32) -> Result<u32, String> {
        let _ = self.begun.send(());
        if let Some(opened) = self.opened.take() {
            let _ = opened.await;
        }
        Ok(amount)
    }
}

fn gate() -> (
    CounterProxy,
    mpsc::UnboundedReceiver<()>,
    oneshot::Sender<()>,
) {
    let (begun, received) = mpsc::unbounded_channel();
    let (open, opened) = oneshot::channel();
    let opened = Some(opened);
    let proxy = CounterProxy::local(CounterServer::new(Gate { begun, opened }));
    (proxy, received, open)
}

#[tokio::test]
async fn an_actor_that_is_killed_gives_up_what_it_has_taken() {
    let (proxy, mut begun, _open) = gate();
    let actor = proxy.actor_ref();
    let asking = actor.clone();
    let asked = tokio::spawn(async move { asking.ask(Add { amount: 9 }).await });
    begun.recv().await.expect("it begins");
    actor.kill();
    let patience = std::time::Duration::from_secs(20);
    let gone = tokio::time::timeout(patience, actor.wait_for_shutdown()).await;
    assert!(gone.is_ok(), "it waits for the gate");
    assert!(asked.await.expect("no panic").is_err());
}

#[tokio::test]
async fn an_actor_that_is_stopped_ends_what_it_has_taken() {
    let (proxy, mut begun, open) = gate();
    let actor = proxy.actor_ref();
    let asking = actor.clone();
    let asked = tokio::spawn(async move { asking.ask(Add { amount: 9 }).await });
    begun.recv().await.expect("it begins");
    actor.stop_gracefully().await.expect("it runs");
    open.send(()).expect("the gate is there");
    assert_eq!(asked.await.expect("no panic").unwrap(), 9);
    actor.wait_for_shutdown().await;
}

#[tokio::test]
async fn a_proxy_and_a_local_actor_give_recipients_of_one_type() {
    let (proxy, _hears) = counter();
    let local = LocalCounter::spawn(LocalCounter(0));
    let both: [ReplyRecipient<Add, u32, CallError<String>>; 2] =
        [proxy.reply_recipient(), local.reply_recipient()];
    for recipient in both {
        assert_eq!(recipient.ask(Add { amount: 5 }).await.unwrap(), 5);
    }
}

/// Reports the death of linked actors.
struct Mourner(mpsc::UnboundedSender<String>);

impl Actor for Mourner {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(args: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(args)
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: kameo::actor::ActorId,
        reason: ActorStopReason,
    ) -> Result<std::ops::ControlFlow<ActorStopReason>, Infallible> {
        let _ = self.0.send(reason.to_string());
        Ok(std::ops::ControlFlow::Continue(()))
    }
}

#[tokio::test]
async fn a_link_hears_that_a_service_will_not_come_back() {
    struct Brittle;
    impl Counter for Brittle {
        async fn add(&mut self, _: u32) -> Result<u32, String> {
            panic!("brittle")
        }
    }
    let (proxy, _served) =
        rapace::Proxy::serve(CounterServer::new(Brittle), 4, rapace::OnPanic::Stop);
    let (reports, mut received) = mpsc::unbounded_channel();
    let mourner = Mourner::spawn(Mourner(reports));
    let actor = proxy.actor_ref();
    mourner.link(&actor).await;
    let failed = actor.ask(Add { amount: 1 }).await;
    assert!(matches!(
        failed,
        Err(SendError::HandlerError(CallError::Panicked(why))) if why == "brittle"
    ));
    assert!(received.recv().await.is_some());
}
