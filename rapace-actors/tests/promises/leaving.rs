//! Callers that cancel while their calls are sent to the next process.

use std::path::Path;

use rapace::SegmentConfig;
use rapace::plugin::PluginEventKind;
use rapace::process::Incarnation;

use crate::roles::CAPACITY;
use crate::support::{Bench, Sent, death, in_time};

/// A call that waits for room on the ring when its caller cancels is not sent, and the plugin is not blamed for
/// it.
#[tokio::test]
async fn a_call_that_is_cancelled_on_its_way_to_the_next_process_never_runs() {
    for _ in 0..50 {
        if leave_behind_a_full_ring().await {
            return;
        }
    }
    panic!("the next process has always read everything before it held its thread");
}

/// Returns false if the next process has read all calls before its first handler blocked its thread: then no
/// call waits for room.
async fn leave_behind_a_full_ring() -> bool {
    let small = SegmentConfig::default().with_ring_capacity(8);
    let change = |spec: rapace::PluginSpec| spec.segment(small).env(CAPACITY, "32");
    let bench = Bench::with(change).await;
    let mut events = bench.plugin.events();
    let held = Sent::new(bench.subject.gated("held".to_owned()));
    bench.door.expect("held").await;
    let file = tempfile::tempdir().unwrap();
    let file = file.path().join("go on");
    let path = |path: &Path| path.display().to_string();
    let first = Sent::new(bench.subject.hold_the_thread(path(&file)));
    let others = (1..31u64).map(|n| Sent::new(bench.subject.note(n.to_string())));
    let others = others.collect::<Vec<_>>();
    bench.process().kill_now();
    death(held.outcome().await);
    // The next process reads nothing while it is in there, so the ring fills up soon.
    bench.journal.wait_for("holds the thread").await;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    let sent = bench.plugin.stats().redelivered;
    assert!(sent >= 7, "{sent} were sent again");
    if sent >= 31 {
        std::fs::write(&file, "").unwrap();
        return false;
    }
    // Nothing else runs in between.
    drop(others);
    std::fs::write(&file, "").unwrap();
    first.outcome().await.unwrap();
    let echo = in_time(bench.subject.echo("well".to_owned())).await;
    assert_eq!(echo.unwrap(), "well");
    for line in bench.journal.lines() {
        let number = line.rsplit(' ').next().and_then(|it| it.parse().ok());
        assert!(
            number.is_none_or(|number: u64| number < sent),
            "{line}, of {sent}"
        );
    }
    assert_eq!(bench.plugin.incarnation(), Some(Incarnation::FIRST.next()));
    let mut deaths = 0;
    while let Ok(event) = events.try_recv() {
        deaths += u32::from(matches!(event.kind, PluginEventKind::Died(_)));
    }
    assert_eq!(deaths, 1);
    true
}
