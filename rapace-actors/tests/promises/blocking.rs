//! Blocking work in a plugin.

use std::time::Duration;

use rapace::CallError;
use rapace::plugin::PluginEventKind;
use rapace::process::{EndedBy, ShutdownStage, ShutdownTimeouts};

use crate::support::{Bench, Sent, event, in_time};

#[tokio::test]
async fn work_learns_that_its_caller_has_left_and_the_next_call_waits_for_it() {
    let bench = Bench::new().await;
    let toils = Sent::new(bench.subject.toil(false));
    bench.journal.wait_for("toils").await;
    let waits = Sent::new(bench.subject.note("waited".to_owned()));
    drop(toils);
    assert_eq!(waits.outcome().await.unwrap(), 1);
    assert_eq!(bench.journal.lines(), ["#1 toils", "#1 rests", "#1 waited"]);
}

#[tokio::test]
async fn work_that_never_ends_holds_up_its_service_and_no_stop() {
    let timeouts = ShutdownTimeouts {
        drain: Duration::from_secs(3),
        terminate: Duration::from_secs(1),
        ..ShutdownTimeouts::default()
    };
    let bench = Bench::with(|spec| spec.shutdown_timeouts(timeouts)).await;
    let mut events = bench.plugin.events();
    let toils = Sent::new(bench.subject.toil(true));
    bench.journal.wait_for("toils").await;
    drop(toils);
    let soon = Duration::from_millis(50);
    let waits = in_time(bench.subject.echo("hello".to_owned()).timeout(soon)).await;
    assert!(
        matches!(waits, Err(CallError::DeadlineExceeded)),
        "{waits:?}"
    );
    in_time(bench.plugin.stop()).await;
    let death = event(&mut events, |kind| match kind {
        PluginEventKind::Died(death) => Some(death.clone()),
        _ => None,
    })
    .await;
    assert_eq!(
        death.ended_by,
        EndedBy::Request(ShutdownStage::Terminate),
        "{death}"
    );
    // The plugin said why it did not leave by itself.
    let text = death.to_string();
    let why = "`Subject` waits for blocking work of `toil`, whose call is over";
    assert!(text.contains(why), "{text}");
}
