//! The stages of the shutdown timeouts, each on a process that needs exactly that one.

use std::future::{pending, ready};
use std::time::{Duration, Instant};

use rapace::process::{DrainOutcome, ExitCause, ShutdownStage, ShutdownTimeouts, Stopped};

use crate::support::{PATIENCE, Started, WatchedProcess, sh, start};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);
const TERM: ExitCause = ExitCause::Signalled {
    signal: 15,
    core_dumped: false,
};
const KILL: ExitCause = ExitCause::Signalled {
    signal: 9,
    core_dumped: false,
};

/// Starts a process that runs `script`, and waits until it prints that it is ready.
async fn ready_to(script: &str) -> Started {
    let mut started = start(&sh(script)).await;
    assert_eq!(started.control.line(), "ready");
    started
}

#[tokio::test]
async fn a_plugin_that_leaves_when_told_gets_no_signal() {
    let Started {
        mut process,
        mut control,
        ..
    } = ready_to("trap 'exit 66' TERM; echo ready >&0; read leave; exit 0").await;
    let timeouts = ShutdownTimeouts {
        drain: LONG,
        terminate: LONG,
        kill: LONG,
    };
    let stopped = timeouts.stop(&mut process, async {
        control.send("leave\n");
        DrainOutcome::Leaving
    });
    assert_eq!(
        stopped.await.expect("gone"),
        Stopped {
            cause: ExitCause::Exited(0),
            stage: ShutdownStage::Drain
        }
    );
}

#[tokio::test]
async fn a_plugin_that_is_told_and_stays_gets_sigterm() {
    let mut started = ready_to("echo ready >&0; exec sleep 600").await;
    let timeouts = ShutdownTimeouts {
        drain: SHORT,
        terminate: LONG,
        kill: LONG,
    };
    for_both_kinds_of_drain(&timeouts, &mut started).await;
}

async fn for_both_kinds_of_drain(timeouts: &ShutdownTimeouts, started: &mut Started) {
    let stopped = timeouts
        .stop(&mut started.process, ready(DrainOutcome::Leaving))
        .await;
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: TERM,
            stage: ShutdownStage::Terminate
        }
    );
    let mut started = ready_to("echo ready >&0; exec sleep 600").await;
    let stopped = timeouts.stop(&mut started.process, pending()).await;
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: TERM,
            stage: ShutdownStage::Terminate
        }
    );
}

#[tokio::test]
async fn a_plugin_that_cannot_be_told_is_not_waited_for() {
    let mut started = ready_to("echo ready >&0; exec sleep 600").await;
    let timeouts = ShutdownTimeouts {
        drain: LONG,
        terminate: LONG,
        kill: LONG,
    };
    let stopping = timeouts.stop(&mut started.process, ready(DrainOutcome::Unreachable));
    let stopped = tokio::time::timeout(PATIENCE, stopping)
        .await
        .expect("at once");
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: TERM,
            stage: ShutdownStage::Terminate
        }
    );
}

#[tokio::test]
async fn a_plugin_that_cleans_up_after_sigterm_keeps_its_exit_code() {
    let mut started =
        ready_to("trap 'exit 66' TERM; echo ready >&0; while :; do sleep 0.01; done").await;
    let timeouts = ShutdownTimeouts {
        drain: Duration::ZERO,
        terminate: LONG,
        kill: LONG,
    };
    let stopped = timeouts.stop(&mut started.process, pending()).await;
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: ExitCause::Exited(66),
            stage: ShutdownStage::Terminate
        }
    );
}

#[tokio::test]
async fn a_plugin_that_ignores_sigterm_is_killed_with_all_it_has_started() {
    let Started {
        mut process,
        mut control,
        ..
    } = start(&sh(
        "trap '' TERM; sleep 600 & echo $! >&0; while :; do sleep 1; done",
    ))
    .await;
    let grandchild = WatchedProcess::find(&control.line());
    let timeouts = ShutdownTimeouts {
        drain: SHORT,
        terminate: SHORT,
        kill: LONG,
    };
    let stopped = timeouts.stop(&mut process, pending()).await;
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: KILL,
            stage: ShutdownStage::Kill
        }
    );
    assert!(grandchild.is_gone_within(PATIENCE).await);
}

#[tokio::test]
async fn a_stopped_plugin_is_killed() {
    let mut started = ready_to("echo ready >&0; kill -STOP $$; sleep 600").await;
    let timeouts = ShutdownTimeouts {
        drain: SHORT,
        terminate: SHORT,
        kill: LONG,
    };
    let stopped = timeouts
        .stop(&mut started.process, ready(DrainOutcome::Leaving))
        .await;
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: KILL,
            stage: ShutdownStage::Kill
        }
    );
}

#[tokio::test]
async fn at_once_means_at_once() {
    let mut started = ready_to("echo ready >&0; sleep 600").await;
    let began = Instant::now();
    let stopped = ShutdownTimeouts::at_once()
        .stop(&mut started.process, pending())
        .await;
    assert_eq!(
        stopped.expect("gone"),
        Stopped {
            cause: KILL,
            stage: ShutdownStage::Kill
        }
    );
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_plugin_that_is_dead_already_gets_no_signal_and_keeps_its_cause() {
    let mut started = start(&sh("exit 9")).await;
    started.process.wait().await;
    for timeouts in [ShutdownTimeouts::default(), ShutdownTimeouts::at_once()] {
        let stopped = timeouts.stop(&mut started.process, pending()).await;
        assert_eq!(
            stopped.expect("gone"),
            Stopped {
                cause: ExitCause::Exited(9),
                stage: ShutdownStage::Drain
            }
        );
    }
    started.process.terminate().expect("nothing to do");
    started.process.kill().expect("nothing to do");
}

#[tokio::test]
async fn a_stop_that_is_given_up_can_be_started_again() {
    let mut started = ready_to("echo ready >&0; exec sleep 600").await;
    let timeouts = ShutdownTimeouts {
        drain: LONG,
        terminate: LONG,
        kill: LONG,
    };
    let given_up =
        tokio::time::timeout(SHORT, timeouts.stop(&mut started.process, pending())).await;
    assert!(given_up.is_err());
    assert_eq!(started.process.try_wait(), None);
    let stopped = ShutdownTimeouts::at_once()
        .stop(&mut started.process, pending())
        .await;
    assert_eq!(stopped.expect("gone").stage, ShutdownStage::Kill);
}

#[tokio::test]
async fn what_a_plugin_leaves_in_its_group_ends_with_it_however_it_ends() {
    for end in ["exit 0", "kill -9 $$"] {
        let script = format!("sleep 600 & echo $! >&0; read go; {end}");
        let mut started = start(&sh(&script)).await;
        let left = WatchedProcess::find(&started.control.line());
        started.control.send("go\n");
        started.process.wait().await;
        assert!(left.is_gone_within(PATIENCE).await, "{end}");
    }
}
