//! The plugin dies while streams are open.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use rapace::plugin::PluginEventKind;
use rapace::process::{EndedBy, ShutdownStage, ShutdownTimeouts};
use rapace::{CallError, StreamError, Streaming};
use tokio::sync::mpsc;

use crate::subject::Sum;
use crate::support::{Bench, PATIENCE, Sent, death, event, in_time};

#[tokio::test]
async fn a_stream_from_the_plugin_ends_with_an_error() {
    let bench = Bench::new().await;
    let mut numbers = bench.subject.count_up().await.unwrap();
    assert_eq!(in_time(numbers.next()).await.unwrap(), Ok(0));
    bench.process().kill_now();
    let mut expected = 1;
    let error = in_time(async {
        loop {
            match numbers.next().await.expect("no silent end") {
                Ok(number) => assert_eq!(number, expected),
                Err(error) => return error,
            }
            expected += 1;
        }
    })
    .await;
    assert!(matches!(error, StreamError::SessionEnded(_)), "{error:?}");
    assert!(in_time(numbers.next()).await.is_none());
}

#[tokio::test]
async fn a_call_that_takes_a_stream_ends_with_the_death_and_the_stream_is_let_go() {
    let bench = Bench::new().await;
    let (items, taken) = mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async {
        Some((taken.recv().await?, taken))
    });
    let (result, ()) = tokio::join!(in_time(bench.subject.sum(taken)), async {
        // More than the window, so that the call has begun.
        for item in 0..100 {
            items.send(item).await.expect("the plugin takes them");
        }
        bench.process().kill_now();
        // The sending end is told that nobody receives items any more.
        in_time(items.closed()).await;
    });
    death(result);
}

#[tokio::test]
async fn both_directions_of_one_call_end() {
    let bench = Bench::new().await;
    let (items, taken) = mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async {
        Some((taken.recv().await?, taken))
    });
    let mut doubled = in_time(bench.subject.double(taken)).await.unwrap();
    items.send(21).await.unwrap();
    assert_eq!(in_time(doubled.next()).await.unwrap(), Ok(42));
    bench.process().kill_now();
    in_time(items.closed()).await;
    let last = in_time(doubled.next()).await.expect("no silent end");
    assert!(
        matches!(last, Err(StreamError::SessionEnded(_))),
        "{last:?}"
    );
}

/// Numbers from a channel.
fn numbers() -> (mpsc::Sender<u64>, impl futures_util::Stream<Item = u64>) {
    let (items, taken) = mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async {
        Some((taken.recv().await?, taken))
    });
    (items, taken)
}

/// Keeps the plugin busy until it dies, so that it begins nothing else.
async fn busy(bench: &Bench) -> Sent<'_, Result<String, CallError<std::convert::Infallible>>> {
    let held = Sent::new(bench.subject.gated("held".to_owned()));
    bench.door.expect("held").await;
    held
}

#[tokio::test]
async fn a_call_with_a_stream_that_had_not_begun_goes_to_the_next_process() {
    let bench = Bench::new().await;
    let held = busy(&bench).await;
    let gives = Sent::new(bench.subject.count_up());
    let (items, taken) = numbers();
    let takes = Sent::new(bench.subject.sum(taken));
    let (more, taken) = numbers();
    let both = Sent::new(bench.subject.double(taken));
    let empty = Sent::new(bench.subject.sum(Streaming::empty()));
    bench.process().kill_now();
    death(held.outcome().await);
    let numbers = gives.outcome().await.unwrap();
    let numbers = in_time(numbers.take(100).map(Result::unwrap).collect::<Vec<_>>()).await;
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    let feed = async {
        for item in 1..=100 {
            items.send(item).await.expect("the next process takes them");
        }
        drop(items);
    };
    let (sum, ()) = tokio::join!(takes.outcome(), feed);
    assert_eq!(sum.unwrap(), "5050, then the end");
    let mut doubled = both.outcome().await.unwrap();
    for item in 0..100 {
        more.send(item).await.expect("the next process takes them");
        assert_eq!(in_time(doubled.next()).await, Some(Ok(2 * item)));
    }
    drop(more);
    assert_eq!(in_time(doubled.next()).await, None);
    assert_eq!(empty.outcome().await.unwrap(), "0, then the end");
}

#[tokio::test]
async fn a_call_whose_items_are_lost_says_that_it_had_not_begun() {
    let bench = Bench::new().await;
    let held = busy(&bench).await;
    let (items, taken) = numbers();
    let takes = Sent::new(bench.subject.sum(taken));
    for item in 0..3 {
        // The next one is taken once the previous one was sent.
        in_time(items.send(item)).await.expect("they are taken");
    }
    bench.process().kill_now();
    let lost = match takes.outcome().await {
        Err(CallError::NotBegun(lost)) => lost,
        other => panic!("{other:?}"),
    };
    assert_eq!(lost.incarnation, death(held.outcome().await).incarnation);
    in_time(items.closed()).await;
    let error = CallError::<std::convert::Infallible>::NotBegun(lost);
    assert!(error.to_string().contains("had not begun"), "{error}");
    assert!(error.may_be_retried() && error.may_work_later());
}

/// The stream was never sent, so nothing of it is lost.
#[tokio::test]
async fn a_call_with_a_stream_that_waits_for_room_in_the_mailbox_goes_to_the_next_process() {
    let bench = Bench::with(|spec| spec.env(crate::roles::CAPACITY, "1")).await;
    let held = busy(&bench).await;
    let takes = Sent::new(bench.subject.sum(Streaming::iter(1..=4)));
    let gives = Sent::new(bench.subject.count_up());
    let both = Sent::new(bench.subject.double(Streaming::iter(1..=4)));
    bench.process().kill_now();
    death(held.outcome().await);
    let (sum, numbers, doubled) = tokio::join!(takes.outcome(), gives.outcome(), both.outcome());
    assert_eq!(sum.unwrap(), "10, then the end");
    assert_eq!(in_time(numbers.unwrap().next()).await, Some(Ok(0)));
    let doubled = in_time(doubled.unwrap().map(Result::unwrap).collect::<Vec<_>>()).await;
    assert_eq!(doubled, [2, 4, 6, 8]);
}

#[tokio::test]
async fn a_call_with_a_stream_that_had_begun_ends_with_the_death() {
    let bench = Bench::new().await;
    let (items, taken) = numbers();
    let takes = Sent::new(bench.subject.sum(taken));
    // Behind it in the mailbox, so the first has begun once this is answered; it is answered by another process
    // only.
    let behind = Sent::new(bench.subject.echo("behind".to_owned()));
    for item in 0..100 {
        items.send(item).await.expect("the plugin takes them");
    }
    bench.process().kill_now();
    death(takes.outcome().await);
    assert_eq!(behind.outcome().await.unwrap(), "behind");
}

/// The plugin survives when the host ends a stream with an error.
#[tokio::test]
async fn an_error_of_the_producer_reaches_the_plugin() {
    let bench = Bench::new().await;
    let items = stream::iter([
        Ok(1),
        Ok(2),
        Err(StreamError::Reset("no more paper".to_owned())),
    ]);
    let sum = in_time(bench.subject.sum(Streaming::fallible(items)))
        .await
        .unwrap();
    assert_eq!(sum, "3, then the stream was reset: no more paper");
}

/// The two directions are independent.
#[tokio::test]
async fn an_argument_that_fails_does_not_end_the_result() {
    let bench = Bench::new().await;
    let fails = || stream::iter([Ok(1), Err(StreamError::Reset("no more paper".to_owned()))]);
    let panics = stream::iter(0..3).map(|item| match item {
        2 => panic!("out of paper"),
        item => item,
    });
    for items in [Streaming::fallible(fails()), Streaming::new(panics)] {
        let numbers = in_time(bench.subject.count_behind(items)).await.unwrap();
        let numbers = in_time(numbers.map(Result::unwrap).collect::<Vec<_>>()).await;
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_call_with_a_stream_waits_for_the_next_process_too() {
    let bench = Bench::new().await;
    let died = bench.subject.exit(1).await;
    assert!(matches!(died, Err(CallError::PluginDied(_))), "{died:?}");
    let sum = in_time(bench.subject.sum(Streaming::iter(1..=4)))
        .await
        .unwrap();
    assert_eq!(sum, "10, then the end");
    let numbers = in_time(bench.subject.count_up()).await.unwrap();
    let numbers = in_time(numbers.take(100).map(Result::unwrap).collect::<Vec<_>>()).await;
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

/// A stop waits for streams too, and completes with the last of them.
#[tokio::test]
async fn a_plugin_that_drains_leaves_when_its_last_stream_has_ended() {
    let timeouts = ShutdownTimeouts {
        drain: 2 * crate::support::PATIENCE,
        ..ShutdownTimeouts::default()
    };
    let bench = Bench::with(|spec| spec.shutdown_timeouts(timeouts)).await;
    let mut events = bench.plugin.events();
    let (items, taken) = mpsc::channel(1);
    let taken = stream::unfold(taken, |mut taken| async {
        Some((taken.recv().await?, taken))
    });
    let mut doubled = in_time(bench.subject.double(taken)).await.unwrap();
    items.send(21).await.unwrap();
    assert_eq!(in_time(doubled.next()).await.unwrap(), Ok(42));
    let stop = Sent::new(bench.plugin.stop());
    event(&mut events, |kind| {
        matches!(kind, PluginEventKind::Stopping { .. }).then_some(())
    })
    .await;
    items.send(22).await.unwrap();
    assert_eq!(in_time(doubled.next()).await.unwrap(), Ok(44));
    drop(items);
    assert_eq!(in_time(doubled.next()).await, None);
    stop.outcome().await;
    let ended_by = event(&mut events, |kind| match kind {
        PluginEventKind::Died(death) => Some(death.ended_by.clone()),
        _ => None,
    })
    .await;
    assert_eq!(ended_by, EndedBy::Request(ShutdownStage::Drain));
}

/// After the answer, the call's deadline does not apply any more.
#[tokio::test]
async fn items_after_the_answer_are_not_under_the_calls_deadline() {
    let bench = Bench::new().await;
    // The first one sets up the path, which may take a while.
    for timeout in [Duration::from_secs(3600), Duration::from_secs(5)] {
        let call = bench.subject.contexts().metadata("user", "ada");
        let mut items = in_time(call.timeout(timeout)).await.unwrap();
        for _ in 0..3 {
            bench.door.expect("producer").await;
            bench.door.open(1);
            let seen = in_time(items.next()).await.expect("an item").unwrap();
            assert_eq!(seen, "no deadline, Some((\"user\", \"ada\")) Ok(())");
        }
        bench.door.expect("producer").await;
        drop(items);
        bench.door.expect("producer left").await;
    }
}

/// A service of this process that sends a stream to the plugin in the middle of a call.
#[rapace::service]
trait Sender {
    /// Returns what the producer saw, before the plugin's answer and after it.
    async fn post(&mut self) -> Vec<String>;
}

struct Mailman {
    subject: crate::subject::SubjectProxy,
}

impl Sender for Mailman {
    async fn post(&mut self) -> Vec<String> {
        let (saw, mut seen) = mpsc::unbounded_channel();
        let produce = |mut gate: mpsc::UnboundedReceiver<u64>| {
            let saw = saw.clone();
            stream::poll_fn(move |cx| {
                let item = std::task::ready!(gate.poll_recv(cx));
                if item.is_some() {
                    let _ = saw.send(crate::subject::seen());
                }
                std::task::Poll::Ready(item)
            })
        };
        // `sum` answers when the items have ended, `double` before the first.
        let (item, gate) = mpsc::unbounded_channel();
        let sum = self.subject.sum(produce(gate));
        item.send(1).unwrap();
        drop(item);
        assert_eq!(sum.await.unwrap(), "1, then the end");
        let (item, gate) = mpsc::unbounded_channel();
        let mut doubled = self.subject.double(produce(gate)).await.unwrap();
        item.send(2).unwrap();
        assert_eq!(doubled.next().await.unwrap(), Ok(4));
        let mut all = Vec::new();
        while let Ok(line) = seen.try_recv() {
            all.push(line);
        }
        all
    }
}

#[tokio::test]
async fn items_of_an_argument_are_under_the_handlers_deadline_until_the_answer() {
    let bench = Bench::new().await;
    let subject = bench.subject.clone();
    let sender = SenderProxy::local(SenderServer::new(Mailman { subject }));
    let call = sender.post().metadata("user", "ada").timeout(PATIENCE);
    let seen = in_time(call).await.unwrap();
    let user = "Some((\"user\", \"ada\"))";
    assert_eq!(
        seen,
        [
            format!("a deadline, {user}"),
            format!("no deadline, {user}")
        ]
    );
}

#[tokio::test]
async fn one_stream_too_many_is_an_error_that_names_the_limit_and_the_plugin_goes_on() {
    let bench = Bench::new().await;
    let mut open = Vec::new();
    for _ in 0..4096 {
        open.push(in_time(bench.subject.count_up()).await.unwrap());
    }
    for _ in 0..2 {
        match in_time(bench.subject.count_up()).await {
            Err(CallError::LimitReached(what)) => {
                assert!(what.contains("holds 4096 open streams"), "{what}");
            }
            other => panic!("{other:?}"),
        }
    }
    let text = "still here".to_owned();
    assert_eq!(
        in_time(bench.subject.echo(text.clone())).await.unwrap(),
        text
    );
    open.truncate(4000);
    let mut numbers = in_time(bench.subject.count_up()).await.unwrap();
    assert_eq!(in_time(numbers.next()).await.unwrap(), Ok(0));
}

#[tokio::test]
async fn the_stream_of_a_tell_arrives_whole() {
    let bench = Bench::new().await;
    let items = Streaming::iter(1..=100);
    bench.subject.tell(Sum { items }).await.unwrap();
    in_time(bench.journal.wait_for("summed 5050")).await;
    let items = Streaming::iter(1..=3);
    bench.subject.try_tell(Sum { items }).await.unwrap();
    in_time(bench.journal.wait_for("summed 6")).await;
}

#[tokio::test]
async fn a_tell_with_a_stream_that_had_not_begun_goes_to_the_next_process_with_all_its_items() {
    let bench = Bench::new().await;
    let held = busy(&bench).await;
    let (sender, items) = numbers();
    let items = Streaming::new(items);
    bench.subject.tell(Sum { items }).await.unwrap();
    bench.process().kill_now();
    death(held.outcome().await);
    for item in 1..=4 {
        in_time(sender.send(item)).await.unwrap();
    }
    drop(sender);
    in_time(bench.journal.wait_for("summed 10")).await;
}

#[tokio::test]
async fn a_tell_without_room_gives_its_stream_back() {
    let bench = Bench::with(|spec| spec.restart(crate::support::slow())).await;
    let mut events = bench.plugin.events();
    bench.process().kill_now();
    event(&mut events, |kind| {
        matches!(kind, PluginEventKind::Backoff { .. }).then_some(())
    })
    .await;
    let items = Streaming::iter(1..=4);
    let Err(rapace::TryTellError::Full(message)) = bench.subject.try_tell(Sum { items }).await
    else {
        panic!("there is nobody to tell");
    };
    let items: Vec<u64> = message.items.map(Result::unwrap).collect().await;
    assert_eq!(items, [1, 2, 3, 4]);
}
