//! Calls while the plugin is away, and what a stop does to the plugin and its callers.

use std::time::{Duration, Instant};

use rapace::CallError;
use rapace::process::{Incarnation, ShutdownTimeouts};
use rapace::proxy::TryTellError;
use rapace::supervision::{DownReason, State};

use crate::processes::Process;
use crate::subject::Note;
use crate::support::{Bench, PATIENCE, Sent, in_time, slow};

/// Starts a plugin that has died and does not restart during any test.
async fn away() -> Bench {
    let bench = Bench::with(|spec| spec.restart(slow())).await;
    let exited = bench.subject.exit(1).await;
    assert!(
        matches!(exited, Err(CallError::PluginDied(_))),
        "{exited:?}"
    );
    bench
}

#[tokio::test]
async fn a_call_waits_for_the_next_process_until_its_deadline() {
    let bench = away().await;
    let patience = Duration::from_millis(100);
    let started = Instant::now();
    let result = bench
        .subject
        .echo("hello".to_owned())
        .timeout(patience)
        .await;
    assert!(
        matches!(result, Err(CallError::DeadlineExceeded)),
        "{result:?}"
    );
    assert!(started.elapsed() >= patience);
    let stats = bench.plugin.stats();
    assert_eq!((stats.calls, stats.failed), (2, 2), "it counts, too");
    let told = bench
        .subject
        .tell(Note {
            text: "hello".to_owned(),
        })
        .timeout(patience)
        .await;
    assert!(matches!(told, Err(CallError::DeadlineExceeded)), "{told:?}");
}

#[tokio::test]
async fn a_call_that_waits_is_answered_by_the_next_process() {
    let bench = away().await;
    let waits = Sent::new(bench.subject.echo("hello".to_owned()));
    let tells = Sent::new(bench.subject.tell(Note {
        text: "told".to_owned(),
    }));
    bench.plugin.restart();
    assert_eq!(waits.outcome().await.unwrap(), "hello");
    tells.outcome().await.unwrap();
    bench.journal.wait_for("told").await;
    assert_eq!(bench.plugin.incarnation(), Some(Incarnation::FIRST.next()));
}

#[tokio::test]
async fn a_call_that_does_not_wait_fails_at_once() {
    let bench = away().await;
    let result = in_time(bench.subject.echo("hello".to_owned()).fail_fast()).await;
    let text = result.as_ref().unwrap_err().to_string();
    assert!(
        matches!(result, Err(CallError::Restarting { .. })),
        "{result:?}"
    );
    assert!(
        text.contains("plugin `subject` is being started or restarted"),
        "{text}"
    );
    let note = Note {
        text: "hello".to_owned(),
    };
    let told = in_time(bench.subject.tell(note).fail_fast()).await;
    assert!(
        matches!(told, Err(CallError::Restarting { .. })),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_plugin_that_was_stopped_refuses_calls_and_says_why() {
    let bench = Bench::new().await;
    let process = bench.process();
    in_time(bench.plugin.stop()).await;
    assert!(
        process.is_gone_within(Duration::ZERO).await,
        "stop returned before it was gone"
    );
    assert!(matches!(
        bench.plugin.state(),
        State::Down(DownReason::Stopped)
    ));
    assert_eq!(bench.plugin.pid(), None);
    // At once, also with `fail_fast`: the route is down before `stop` returns.
    let result = bench.subject.echo("hello".to_owned()).fail_fast().await;
    let text = result.as_ref().unwrap_err().to_string();
    assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
    assert!(
        text.contains("`subject` was stopped as requested"),
        "{text}"
    );
    let told = bench
        .subject
        .tell(Note {
            text: "hello".to_owned(),
        })
        .await;
    assert!(matches!(told, Err(CallError::Down(_))), "{told:?}");
    let summed = bench.subject.sum(rapace::Streaming::iter([1])).await;
    assert!(matches!(summed, Err(CallError::Down(_))), "{summed:?}");
    assert!(bench.journal.lines().is_empty());
}

#[tokio::test]
async fn a_stop_lets_the_plugin_finish_what_it_has() {
    let bench = Bench::new().await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waited".to_owned()));
    let stop = Sent::new(bench.plugin.stop());
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), "begun");
    assert_eq!(waits.outcome().await.unwrap(), 1);
    stop.outcome().await;
    assert_eq!(
        bench.journal.lines(),
        ["#1 begin begun", "#1 end begun", "#1 waited"]
    );
}

#[tokio::test]
async fn what_a_stop_cut_short_is_told_so() {
    let bench = Bench::with(|spec| spec.shutdown_timeouts(ShutdownTimeouts::at_once())).await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waited".to_owned()));
    in_time(bench.plugin.stop()).await;
    let begun = begun.outcome().await;
    let text = begun.as_ref().unwrap_err().to_string();
    assert!(matches!(begun, Err(CallError::PluginDied(_))), "{begun:?}");
    assert!(text.contains("was stopped as requested"), "{text}");
    let waits = waits.outcome().await;
    assert!(matches!(waits, Err(CallError::Down(_))), "{waits:?}");
    assert_eq!(bench.journal.lines(), ["#1 begin begun"]);
}

#[tokio::test]
async fn requested_stops_are_no_failures() {
    let bench = Bench::with(|spec| {
        spec.restart(rapace::supervision::RestartConfig { limit: 0, ..slow() })
            .shutdown_timeouts(ShutdownTimeouts::at_once())
    })
    .await;
    for round in 2..6 {
        if round % 2 == 0 {
            in_time(bench.plugin.stop()).await;
            bench.plugin.start();
        } else {
            bench.plugin.restart();
        }
        in_time(bench.plugin.ready())
            .await
            .expect("nothing has failed");
        assert_eq!(
            bench.subject.note(String::new()).await.unwrap(),
            1,
            "a fresh process"
        );
    }
    assert_eq!(bench.plugin.stats().restarts, 4);
}

#[tokio::test]
async fn a_restart_keeps_its_callers_waiting() {
    let bench = Bench::new().await;
    let old = bench.process();
    bench.plugin.restart();
    assert_eq!(
        in_time(bench.subject.note("after".to_owned()))
            .await
            .unwrap(),
        1
    );
    in_time(bench.plugin.ready()).await.expect("it is there");
    assert_eq!(bench.plugin.incarnation(), Some(Incarnation::FIRST.next()));
    assert!(
        old.is_gone_within(Duration::ZERO).await,
        "two processes overlapped"
    );
}

#[tokio::test]
async fn a_stop_right_after_the_start_leaves_no_process() {
    let bench = Bench::new().await;
    for _ in 0..10 {
        in_time(bench.plugin.stop()).await;
        bench.plugin.start();
        in_time(bench.plugin.stop()).await;
        assert!(matches!(
            bench.plugin.state(),
            State::Down(DownReason::Stopped)
        ));
        assert_eq!(bench.plugin.pid(), None);
    }
    bench.plugin.start();
    assert_eq!(
        in_time(bench.subject.note("there".to_owned()))
            .await
            .unwrap(),
        1
    );
}

#[tokio::test]
async fn the_last_handle_takes_the_plugin_along_and_its_proxies_say_so() {
    let bench = Bench::new().await;
    let process = bench.process();
    let another = bench.plugin.clone();
    drop(bench.plugin);
    assert_eq!(bench.subject.echo("held".to_owned()).await.unwrap(), "held");
    let told = bench.subject.actor_ref();
    drop(another);
    assert!(process.is_gone_within(PATIENCE).await);
    let result = in_time(bench.subject.echo("late".to_owned())).await;
    assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
    // Actors that are linked to the proxy are notified.
    in_time(told.wait_for_shutdown()).await;
}

#[tokio::test]
async fn whoever_kills_the_actor_takes_its_process_and_its_callers_along() {
    let bench = Bench::new().await;
    let process = bench.process();
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waits".to_owned()));
    bench.plugin.actor_ref().kill();
    assert!(matches!(
        begun.outcome().await,
        Err(CallError::PluginDied(_))
    ));
    assert!(matches!(waits.outcome().await, Err(CallError::Down(_))));
    in_time(bench.plugin.stop()).await;
    assert!(process.is_gone_within(Duration::ZERO).await);
    bench.plugin.start();
    let result = in_time(bench.subject.echo("late".to_owned())).await;
    assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
    assert!(in_time(bench.plugin.ready()).await.is_err());
}

#[tokio::test]
async fn try_tell_gives_the_message_back_when_the_window_is_used_up() {
    let bench = Bench::with(|spec| spec.env(crate::roles::CAPACITY, "2")).await;
    let _begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let note = || Note {
        text: "told".to_owned(),
    };
    // The call that has begun holds one credit until it is answered.
    assert!(
        bench.subject.try_tell(note()).await.is_ok(),
        "there is one left"
    );
    let Err(TryTellError::Full(back)) = bench.subject.try_tell(note()).await else {
        panic!("there was more room than was granted");
    };
    assert_eq!(back.text, "told");
    let waits = Sent::new(bench.subject.tell(note()));
    bench.door.open(1);
    waits.outcome().await.expect("there is room again");
    assert_eq!(bench.subject.note("last".to_owned()).await.unwrap(), 3);
}

#[tokio::test]
async fn a_handle_shows_the_process_as_soon_as_it_is_ready() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        let state = bench.plugin.state();
        assert!(matches!(state, State::Ready { .. }), "{state:?}");
        Process::find(bench.plugin.pid());
        bench.plugin.restart();
        in_time(bench.plugin.ready()).await.expect("it comes back");
    }
}
