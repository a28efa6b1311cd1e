//! What waits for long says so: in the host as an event, and in the plugin on its stderr.

use std::time::Duration;

use rapace::plugin::{Holder, MethodName, PluginEventKind, Resource, Wait, Waiter};

use crate::log_lines::LogLines;
use crate::support::{Bench, Sent, event, in_time};

fn method(method: &str) -> MethodName {
    MethodName {
        service: "Subject".into(),
        method: method.into(),
    }
}

async fn waiting(
    events: &mut tokio::sync::broadcast::Receiver<rapace::plugin::PluginEvent>,
) -> Wait {
    event(events, |kind| match kind {
        PluginEventKind::Waiting(wait) => Some(Wait::clone(wait)),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_call_that_waits_in_a_mailbox_is_reported_with_the_call_that_runs() {
    let warnings = LogLines::warnings();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let bench = Bench::new().await;
    let mut events = bench.plugin.events();
    let busy = Sent::new(bench.subject.gated("busy".to_owned()));
    bench.door.expect("busy").await;
    assert_eq!(bench.plugin.waiting(), []);
    let queued = ["one", "two"].map(|text| Sent::new(bench.subject.note(text.to_owned())));
    let wait = waiting(&mut events).await;
    assert_eq!(
        (&wait.waiter, wait.count),
        (&Waiter::Call(method("note")), 2)
    );
    assert_eq!(wait.resource, Resource::Mailbox);
    assert!(wait.waited >= Duration::from_secs(1), "{wait:?}");
    match &wait.holder {
        Holder::Calls { count: 1, oldest } => {
            assert_eq!(
                (&oldest.method, oldest.begun),
                (&Some(method("gated")), true)
            );
        }
        other => panic!("{other:?}"),
    }
    let listed = bench.plugin.waiting();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0].waiter, listed[0].count), (&wait.waiter, 2));
    bench.door.open(1);
    assert_eq!(busy.outcome().await.unwrap(), "busy");
    for (queued, notes) in queued.into_iter().zip(1..) {
        assert_eq!(queued.outcome().await.unwrap(), notes);
    }
    assert_eq!(bench.plugin.waiting(), []);
    let lines = warnings.lines();
    let told = lines.iter().filter(|line| line.contains("waited"));
    let told = told.collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "once, and not by the session too: {told:?}");
    let text = "plugin `subject`: 2 calls of `Subject::note` have waited up to 1.";
    assert!(told[0].contains(text), "{told:?}");
    bench.plugin.stop().await;
    assert_eq!(bench.plugin.waiting(), []);
}

/// The plugin's output is not read, so it takes no more items of the host's.
#[tokio::test]
async fn streams_that_nobody_reads_are_reported_on_both_sides() {
    let output = LogLines::of(|event| event.target() == "rapace::output");
    let _guard = tracing::subscriber::set_default(output.clone());
    let bench = Bench::new().await;
    let mut events = bench.plugin.events();
    let numbers = futures_util::stream::iter(0_u64..);
    let doubled = in_time(bench.subject.double(numbers)).await.unwrap();
    let wait = waiting(&mut events).await;
    assert_eq!(wait.waiter, Waiter::Stream(method("double")));
    assert_eq!(wait.resource, Resource::StreamItems { window: 32 });
    assert_eq!((wait.count, &wait.holder), (1, &Holder::Receiver));
    let told = |line: &String| line.contains("a stream of `Subject::double` has waited 1.");
    let printed = async {
        while !output.lines().iter().any(told) {
            tokio::task::yield_now().await;
        }
    };
    in_time(printed).await;
    assert_eq!(bench.plugin.waiting().len(), 1);
    drop(doubled);
    let ended = async {
        while !bench.plugin.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    in_time(ended).await;
}
