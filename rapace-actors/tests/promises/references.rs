//! A plugin behind a kameo reference.

use kameo::error::{ActorStopReason, SendError};
use rapace::Blob;
use rapace::proxy::ServiceGone;
use rapace_shm::{SegmentConfig, SizeClass};

use crate::subject::{Echo, Label, Note};
use crate::support::{Bench, in_time};

/// One large buffer at a time, besides the one that is reserved for replies.
fn narrow() -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default().with_classes([class(4096, 16), class(LARGE as u32, 2)])
}

const LARGE: usize = 1 << 20;

/// A large message that finds no slot takes many frames, a small one takes one.
#[tokio::test]
async fn what_travels_in_fragments_is_not_overtaken() {
    let bench = Bench::with(|spec| spec.segment(narrow())).await;
    let _held = in_time(bench.subject.allocate(LARGE)).await.unwrap();
    let actor = bench.subject.actor_ref();
    let label = |label: &str| Label {
        label: label.to_owned(),
        bytes: Blob::from(vec![7; LARGE]),
    };
    let note = |text: &str| Note {
        text: text.to_owned(),
    };
    actor.tell(label("large, told")).await.unwrap();
    actor.tell(note("small, told")).await.unwrap();
    let (large, small) = (actor.clone(), actor.clone());
    let (large_label, small_note) = (label("large, asked"), note("small, asked"));
    let large = tokio::spawn(async move { large.ask(large_label).await.unwrap() });
    tokio::task::yield_now().await;
    let small = tokio::spawn(async move { small.ask(small_note).await.unwrap() });
    assert_eq!(in_time(large).await.unwrap(), LARGE as u64);
    assert_eq!(in_time(small).await.unwrap(), 2);
    assert_eq!(
        bench.journal.lines(),
        [
            "#1 large, told",
            "#1 small, told",
            "#1 large, asked",
            "#1 small, asked"
        ]
    );
    let frames = bench.plugin.link_stats().unwrap().descriptors_sent;
    assert!(frames > 32, "{frames}: the large ones took one frame each");
}

/// Only sending is in order: answers are awaited concurrently.
#[tokio::test]
async fn an_ask_that_waits_for_its_answer_holds_up_nobody() {
    let bench = Bench::new().await;
    let actor = bench.subject.actor_ref();
    let gated = actor.clone();
    let text = "gated".to_owned();
    let begun = tokio::spawn(async move { gated.ask(crate::subject::Gated { text }).await });
    bench.door.expect("gated").await;
    let sent = || bench.plugin.link_stats().unwrap().descriptors_sent;
    let before = sent();
    let mut waits = Vec::new();
    for n in 0..5 {
        let actor = actor.clone();
        let text = n.to_string();
        waits.push(tokio::spawn(async move { actor.ask(Echo { text }).await }));
    }
    in_time(async {
        while sent() < before + 5 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    bench.door.open(1);
    assert!(in_time(begun).await.unwrap().is_ok());
    for (n, asked) in waits.into_iter().enumerate() {
        assert_eq!(in_time(asked).await.unwrap().unwrap(), n.to_string());
    }
}

/// Through the proxy itself, in order.
#[tokio::test]
async fn tells_and_asks_of_one_task_are_handled_in_their_order() {
    let bench = Bench::with(|spec| spec.segment(narrow())).await;
    for round in 0..50 {
        let label = Label {
            label: format!("large {round}"),
            bytes: Blob::from(vec![7; LARGE]),
        };
        in_time(bench.subject.tell(label)).await.unwrap();
        let text = format!("small {round}");
        in_time(bench.subject.tell(Note { text })).await.unwrap();
        in_time(bench.subject.note(format!("asked {round}")))
            .await
            .unwrap();
    }
    let lines = (0..50)
        .flat_map(|round| ["large", "small", "asked"].map(|what| format!("#1 {what} {round}")));
    assert_eq!(bench.journal.lines(), lines.collect::<Vec<_>>());
}

/// Even if the plugin is started again, when the proxy works as before. A restart does not end a reference.
#[tokio::test]
async fn a_reference_ends_with_a_stop_and_a_new_one_works_after_the_start() {
    let bench = Bench::new().await;
    let actor = bench.subject.actor_ref();
    let echo = |text: &str| Echo {
        text: text.to_owned(),
    };
    bench.plugin.restart();
    assert_eq!(in_time(actor.ask(echo("one"))).await.unwrap(), "one");
    in_time(bench.plugin.stop()).await;
    match in_time(actor.wait_for_shutdown_result()).await {
        Ok(ActorStopReason::Panicked(why)) => {
            assert!(!why.is_panic());
            let gone = why.with_downcast_ref(|gone: &ServiceGone| gone.0.clone());
            let gone = gone.expect("it says why");
            assert!(gone.contains("was stopped as requested"), "{gone}");
        }
        other => panic!("{other:?}"),
    }
    bench.plugin.start();
    assert_eq!(
        in_time(bench.subject.echo("two".to_owned())).await.unwrap(),
        "two"
    );
    let late = in_time(actor.ask(echo("late"))).await;
    assert!(
        matches!(late, Err(SendError::ActorNotRunning(_))),
        "{late:?}"
    );
    let actor = bench.subject.actor_ref();
    assert_eq!(in_time(actor.ask(echo("three"))).await.unwrap(), "three");
}
