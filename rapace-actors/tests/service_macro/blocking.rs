//! Blocking work of handlers that are dropped, or that do not wait for it.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use rapace::{CallContext, CallError};
use tokio::sync::mpsc as signals;

/// Heavy work.
#[rapace::service]
pub(crate) trait Heavy {
    /// Works until it is told to end.
    async fn work(&mut self) -> u32;
    /// The same, and does not wait for it.
    async fn start(&mut self);
    /// Works until its call is cancelled.
    async fn work_until_cancelled(&mut self);
    /// The same, and does not wait for it.
    async fn leave_work(&mut self);
    /// The same, and never awaits.
    async fn spin(&mut self);
    /// Panics during its work.
    async fn fall(&mut self);
    /// Does nothing.
    async fn idle(&self);
}

#[derive(Clone)]
struct Worker {
    says: signals::UnboundedSender<&'static str>,
    told: Arc<Mutex<mpsc::Receiver<u32>>>,
}

impl Worker {
    fn told(&self) -> impl FnOnce() -> u32 + Send + use<> {
        let Self { says, told } = self.clone();
        move || {
            let _ = says.send("begins");
            let told = told.lock().expect("one at a time").recv();
            let _ = says.send("ends");
            told.unwrap_or(0)
        }
    }

    fn until_cancelled(&self) -> impl FnOnce() + Send + use<> {
        let says = self.says.clone();
        move || {
            let _ = says.send("begins");
            while !CallContext::with(CallContext::is_cancelled).expect("a handler's work") {
                std::thread::yield_now();
            }
            let _ = says.send("ends");
        }
    }
}

impl Heavy for Worker {
    async fn work(&mut self) -> u32 {
        rapace::blocking(self.told()).await
    }

    async fn start(&mut self) {
        let work = Box::pin(rapace::blocking(self.told()));
        assert!(futures_util::FutureExt::now_or_never(work).is_none());
        let begun = self.says.clone();
        begun.send("answers").expect("the test listens");
    }

    async fn work_until_cancelled(&mut self) {
        rapace::blocking(self.until_cancelled()).await;
    }

    async fn leave_work(&mut self) {
        let work = rapace::blocking(self.until_cancelled());
        tokio::select! {
            biased;
            () = work => panic!("it is not cancelled"),
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
        }
    }

    async fn spin(&mut self) {
        self.until_cancelled()();
    }

    async fn fall(&mut self) {
        rapace::blocking(|| panic!("out of paint")).await
    }

    async fn idle(&self) {}
}

fn heavy() -> (
    HeavyProxy,
    signals::UnboundedReceiver<&'static str>,
    mpsc::Sender<u32>,
) {
    let (says, said) = signals::unbounded_channel();
    let (tell, told) = mpsc::channel();
    let told = Arc::new(Mutex::new(told));
    let heavy = HeavyProxy::local(HeavyServer::new(Worker { says, told }));
    (heavy, said, tell)
}

#[tokio::test]
async fn the_next_message_waits_for_the_work_of_a_cancelled_call() {
    let (heavy, mut said, tell) = heavy();
    for round in 0..5 {
        let caller = heavy.clone();
        let call = tokio::spawn(async move { caller.work().await });
        assert_eq!(said.recv().await, Some("begins"));
        call.abort();
        // These are cancelled while they wait, and the one after them is not.
        let soon = Duration::from_millis(5);
        for _ in 0..3 {
            let late = heavy.work().timeout(soon).await;
            assert!(matches!(late, Err(CallError::DeadlineExceeded)), "{late:?}");
        }
        let caller = heavy.clone();
        let next = tokio::spawn(async move { caller.work().await });
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert!(said.try_recv().is_err(), "the work of two calls at once");
        tell.send(round).unwrap();
        assert_eq!(said.recv().await, Some("ends"));
        tell.send(round).unwrap();
        assert_eq!(next.await.unwrap().unwrap(), round);
        assert_eq!(said.recv().await, Some("begins"));
        assert_eq!(said.recv().await, Some("ends"));
    }
}

#[tokio::test]
async fn work_that_the_handler_did_not_wait_for_is_waited_for_by_the_service() {
    let (heavy, mut said, tell) = heavy();
    heavy.start().await.unwrap();
    // Answered, although the work goes on if it has begun. If it was dropped before, it never begins.
    let mut begun = false;
    loop {
        match said.recv().await {
            Some("begins") => begun = true,
            other => break assert_eq!(other, Some("answers")),
        }
    }
    let mut next = Box::pin(async { heavy.idle().await });
    for _ in 0..20 {
        let waits = futures_util::poll!(&mut next).is_pending();
        assert!(waits || !begun, "it does not wait for the work");
        if !waits {
            return;
        }
        tokio::task::yield_now().await;
    }
    tell.send(1).unwrap();
    next.await.unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| said.try_recv().ok()).collect();
    assert_eq!(rest.last(), Some(&"ends"), "{rest:?}");
}

#[tokio::test]
async fn work_learns_that_its_call_is_over() {
    let (heavy, mut said, _tell) = heavy();
    let caller = heavy.clone();
    let call = tokio::spawn(async move { caller.work_until_cancelled().await });
    assert_eq!(said.recv().await, Some("begins"));
    call.abort();
    assert_eq!(said.recv().await, Some("ends"));
    let soon = Duration::from_millis(20);
    // The deadlines of the caller and the work pass at the same time: the order does not matter.
    let _ = heavy.work_until_cancelled().timeout(soon).await;
    heavy.idle().await.unwrap();
    let words: Vec<_> = std::iter::from_fn(|| said.try_recv().ok()).collect();
    assert!(words.is_empty() || words == ["begins", "ends"], "{words:?}");
}

/// For a tell or an ask: the handler has ended, so nobody waits for the work.
#[tokio::test]
async fn work_that_a_handler_leaves_behind_learns_that_the_handler_has_ended() {
    let (heavy, _said, _tell) = heavy();
    heavy.tell(LeaveWork).await.unwrap();
    heavy.leave_work().await.unwrap();
    heavy.idle().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_never_awaits_can_see_that_its_caller_has_left() {
    let (heavy, mut said, _tell) = heavy();
    let caller = heavy.clone();
    let call = tokio::spawn(async move { caller.spin().await });
    assert_eq!(said.recv().await, Some("begins"));
    call.abort();
    assert_eq!(said.recv().await, Some("ends"));
    heavy.idle().await.unwrap();
}

#[tokio::test]
async fn a_panic_in_the_work_is_the_handlers() {
    let (heavy, _said, _tell) = heavy();
    let fell = heavy.fall().await;
    assert!(
        matches!(&fell, Err(CallError::Panicked(why)) if why == "out of paint"),
        "{fell:?}"
    );
    heavy.idle().await.unwrap();
}
