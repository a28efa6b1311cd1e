//! Requests to a plugin take effect for the calls after them, in every state of the plugin.

use std::time::Duration;

use rapace::CallError;
use rapace::process::{EndedBy, Incarnation, ShutdownStage, ShutdownTimeouts};
use rapace::proxy::TryTellError;
use rapace::supervision::{DownReason, State};

use crate::subject::Note;
use crate::support::{Bench, PATIENCE, Sent, death, in_time, slow};

/// Longer than any test: a test that waits for it fails.
const NEVER: Duration = Duration::from_secs(3600);

fn patient() -> ShutdownTimeouts {
    ShutdownTimeouts {
        drain: NEVER,
        terminate: NEVER,
        ..ShutdownTimeouts::default()
    }
}

fn note() -> Note {
    Note {
        text: "noted".to_owned(),
    }
}

/// A new process counts from one.
async fn is_answered_by_a_fresh_process(bench: &Bench) {
    let written = in_time(bench.subject.note("noted".to_owned())).await;
    assert_eq!(written.expect("it waits for the next process"), 1);
}

#[tokio::test]
async fn no_call_made_after_a_kill_reaches_the_killed_process() {
    let bench = Bench::new().await;
    for _ in 0..20 {
        is_answered_by_a_fresh_process(&bench).await;
        bench.plugin.kill();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_when_plugin_actor_and_caller_run_at_the_same_time() {
    let bench = Bench::new().await;
    for round in 0..20 {
        is_answered_by_a_fresh_process(&bench).await;
        match round % 2 {
            0 => bench.plugin.kill(),
            _ => bench.plugin.restart(),
        }
        // Also when the plugin is stopped and started meanwhile.
        if round % 5 == 4 {
            bench.plugin.start();
        }
    }
}

#[tokio::test]
async fn no_call_made_after_a_restart_reaches_the_old_process_which_finishes_its_own() {
    let bench = Bench::new().await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    bench.plugin.restart();
    let waits = Sent::new(bench.subject.note("noted".to_owned()));
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), "begun");
    assert_eq!(waits.outcome().await.unwrap(), 1);
    assert_eq!(
        bench.journal.lines(),
        ["#1 begin begun", "#1 end begun", "#2 noted"]
    );
}

#[tokio::test]
async fn a_call_that_does_not_wait_fails_right_after_a_kill_or_a_restart() {
    let bench = Bench::with(|spec| spec.restart(slow())).await;
    for restart in [true, false] {
        match restart {
            true => bench.plugin.restart(),
            false => bench.plugin.kill(),
        }
        let result = bench.subject.note("noted".to_owned()).fail_fast().await;
        assert!(
            matches!(result, Err(CallError::Restarting { .. })),
            "{result:?}"
        );
        let told = bench.subject.try_tell(note()).await;
        assert!(matches!(told, Err(TryTellError::Full(_))), "{told:?}");
        if restart {
            in_time(bench.plugin.ready()).await.unwrap();
        }
    }
    assert!(bench.journal.lines().is_empty());
}

#[tokio::test]
async fn who_waits_for_readiness_after_a_kill_waits_for_the_next_process() {
    let bench = Bench::new().await;
    for round in 2..6 {
        let old = bench.process();
        bench.plugin.kill();
        in_time(bench.plugin.ready()).await.unwrap();
        assert!(old.is_gone_within(Duration::ZERO).await);
        assert_eq!(
            bench.plugin.incarnation().map(Incarnation::get),
            Some(round)
        );
    }
}

#[tokio::test]
async fn calls_under_way_end_with_the_killed_process_or_go_to_the_next() {
    let bench = Bench::new().await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waited".to_owned()));
    bench.plugin.kill();
    let died = death(begun.outcome().await);
    assert_eq!(died.ended_by, EndedBy::Killed);
    assert_eq!(waits.outcome().await.unwrap(), 1);
}

#[tokio::test]
async fn a_kill_is_meant_for_the_process_that_was_there() {
    let bench = Bench::with(|spec| spec.restart(slow())).await;
    assert!(in_time(bench.subject.exit(1)).await.is_err());
    // There is none, and the next one is not killed instead.
    bench.plugin.kill();
    bench.plugin.restart();
    is_answered_by_a_fresh_process(&bench).await;
    assert_eq!(bench.plugin.incarnation().map(Incarnation::get), Some(2));
}

#[tokio::test]
async fn a_kill_cuts_a_stop_short() {
    let bench = Bench::with(|spec| spec.shutdown_timeouts(patient())).await;
    let hangs = Sent::new(bench.subject.hang());
    bench.journal.wait_for("hangs").await;
    let stop = Sent::new(bench.plugin.stop());
    bench.plugin.kill();
    stop.outcome().await;
    let died = death(hangs.outcome().await);
    assert_eq!(died.ended_by, EndedBy::Request(ShutdownStage::Kill));
    assert!(died.for_good && !CallError::<()>::PluginDied(died).may_work_later());
    let state = bench.plugin.state();
    assert!(
        matches!(state, State::Down(DownReason::Stopped)),
        "{state:?}"
    );
}

#[tokio::test]
async fn a_kill_cuts_a_restart_short() {
    let bench = Bench::with(|spec| spec.shutdown_timeouts(patient())).await;
    let hangs = Sent::new(bench.subject.hang());
    bench.journal.wait_for("hangs").await;
    bench.plugin.restart();
    bench.plugin.kill();
    is_answered_by_a_fresh_process(&bench).await;
    let died = death(hangs.outcome().await);
    assert_eq!(died.ended_by, EndedBy::Request(ShutdownStage::Kill));
    assert!(!died.for_good && CallError::<()>::PluginDied(died).may_work_later());
    assert_eq!(bench.plugin.incarnation().map(Incarnation::get), Some(2));
}

#[tokio::test]
async fn calls_made_while_it_is_stopped_for_good_fail_at_once_and_say_why() {
    let bench = Bench::with(|spec| spec.shutdown_timeouts(patient())).await;
    let process = bench.process();
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let stop = Sent::new(bench.plugin.stop());
    let plain = in_time(bench.subject.note("late".to_owned())).await;
    let at_once = in_time(bench.subject.note("late".to_owned()).fail_fast()).await;
    for result in [plain, at_once] {
        let text = result.as_ref().unwrap_err().to_string();
        assert!(matches!(result, Err(CallError::Down(_))), "{result:?}");
        assert!(
            text.contains("`subject` was stopped as requested"),
            "{text}"
        );
    }
    let told = in_time(bench.subject.tell(note())).await;
    assert!(matches!(told, Err(CallError::Down(_))), "{told:?}");
    let told = bench.subject.try_tell(note()).await;
    assert!(
        matches!(told, Err(TryTellError::Refused(CallError::Down(_)))),
        "{told:?}"
    );
    let summed = in_time(bench.subject.sum(rapace::Streaming::iter([1]))).await;
    assert!(matches!(summed, Err(CallError::Down(_))), "{summed:?}");
    // It is not gone before its running calls are done.
    let down = Sent::new(bench.plugin.down());
    assert!(!process.is_gone_within(Duration::ZERO).await);
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), "begun");
    stop.outcome().await;
    assert!(matches!(down.outcome().await.reason, DownReason::Stopped));
    assert_eq!(bench.journal.lines(), ["#1 begin begun", "#1 end begun"]);
}

#[tokio::test]
async fn calls_wait_for_whom_a_start_during_a_stop_brings() {
    let bench = Bench::with(|spec| spec.shutdown_timeouts(patient())).await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let stop = Sent::new(bench.plugin.stop());
    bench.plugin.start();
    let waits = Sent::new(bench.subject.note("noted".to_owned()));
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), "begun");
    stop.outcome().await;
    assert_eq!(waits.outcome().await.unwrap(), 1);
}

#[tokio::test]
async fn calls_wait_for_the_restart_of_a_plugin_that_is_down() {
    let bench = Bench::new().await;
    in_time(bench.plugin.stop()).await;
    bench.plugin.restart();
    is_answered_by_a_fresh_process(&bench).await;
}

#[tokio::test]
async fn proxies_that_outlive_the_last_handle_are_told_that_it_was_dropped() {
    let bench = Bench::with(|spec| spec.shutdown_timeouts(patient())).await;
    let process = bench.process();
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    drop(bench.plugin);
    for _ in 0..2 {
        let late = in_time(bench.subject.note("late".to_owned())).await;
        let Err(CallError::Down(down)) = late else {
            panic!("{late:?}");
        };
        assert!(matches!(down.reason, DownReason::HandleDropped), "{down}");
        assert!(down.to_string().contains("keep the `Plugin`"), "{down}");
        bench.door.open(1);
        assert!(process.is_gone_within(PATIENCE).await);
    }
    assert_eq!(begun.outcome().await.unwrap(), "begun");
}
