//! The plugin runs, but is unresponsive.

use std::time::Duration;

use nix::sys::signal::Signal;
use rapace::process::{EndedBy, ExitReport};

use crate::processes::Process;
use crate::support::{Bench, Sent, death, in_time};

const LIMIT: Duration = Duration::from_secs(1);

async fn impatient() -> Bench {
    Bench::with(|spec| spec.unresponsive_after(LIMIT)).await
}

fn assert_unresponsive(death: &ExitReport) {
    let EndedBy::Unresponsive(silent) = death.ended_by else {
        panic!("{death}");
    };
    assert!(silent >= LIMIT, "{silent:?}");
    assert!(
        death.to_string().contains("was unresponsive for"),
        "{death}"
    );
}

#[tokio::test]
async fn a_process_that_is_stopped_is_found_killed_and_restarted() {
    let bench = impatient().await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    let waits = Sent::new(bench.subject.note("waits".to_owned()));
    bench.process().signal(Signal::SIGSTOP);
    assert_unresponsive(&death(begun.outcome().await));
    assert_eq!(waits.outcome().await.unwrap(), 1);
    assert_eq!(bench.journal.lines(), ["#1 begin begun", "#2 waits"]);
}

#[tokio::test]
async fn a_handler_that_holds_its_thread_is_found_killed_and_restarted() {
    let bench = impatient().await;
    let hangs = Sent::new(bench.subject.hang());
    bench.journal.wait_for("hangs").await;
    let waits = Sent::new(bench.subject.note("waits".to_owned()));
    assert_unresponsive(&death(hangs.outcome().await));
    assert_eq!(waits.outcome().await.unwrap(), 1);
}

/// The plugin has a single thread, and this is its first call.
#[tokio::test]
async fn a_plugin_that_hangs_from_the_start_is_watched_thread_by_thread() {
    if !Process::threads_can_be_watched() {
        eprintln!("skipped: this kernel does not tell of the end of single threads");
        return;
    }
    let bench = Bench::new().await;
    let first = bench.process();
    first.kill_now();
    let hangs = Sent::new(bench.subject.hang());
    bench.journal.wait_for("hangs").await;
    let process = bench.process();
    let watched = async {
        while !(process.is_watched("rapace-watchdog") && process.is_watched("rapace-sentinel")) {
            tokio::task::yield_now().await;
        }
    };
    in_time(watched).await;
    process.signal(Signal::SIGKILL);
    assert_eq!(death(hangs.outcome().await).ended_by, EndedBy::Itself);
}

#[tokio::test]
async fn a_handler_that_waits_is_not_unresponsive() {
    let bench = impatient().await;
    let begun = Sent::new(bench.subject.gated("begun".to_owned()));
    bench.door.expect("begun").await;
    // Several times the limit under test.
    let patience = tokio::time::timeout(3 * LIMIT, bench.plugin.down()).await;
    assert!(patience.is_err());
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), "begun");
    assert_eq!(bench.plugin.stats().restarts, 0);
}

#[tokio::test]
async fn an_unresponsive_plugin_can_be_stopped() {
    let bench = Bench::with(|spec| {
        spec.shutdown_timeouts(rapace::process::ShutdownTimeouts {
            drain: Duration::from_millis(50),
            terminate: Duration::from_millis(50),
            ..Default::default()
        })
    })
    .await;
    let hangs = Sent::new(bench.subject.hang());
    bench.journal.wait_for("hangs").await;
    bench.process().signal(Signal::SIGSTOP);
    in_time(bench.plugin.stop()).await;
    assert!(death(hangs.outcome().await).was_requested());
}
