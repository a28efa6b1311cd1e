//! A plugin calls its host in the middle of a call, while slots, credits and mailboxes are exhausted.

use rapace::{Blob, CallError, OnPanic, Proxy};
use rapace_shm::{SegmentConfig, SizeClass};

use crate::door::{DoorServer, door};
use crate::journal::Journal;
use crate::roles::CAPACITY;
use crate::subject::SubjectProxy;
use crate::support::{Bench, Sent, in_time, offering, subject};

/// Four slots, of which one is reserved for replies; texts do not fit inline.
fn small() -> SegmentConfig {
    SegmentConfig::default()
        .with_ring_capacity(8)
        .with_call_table(16)
        .with_classes([SizeClass {
            slot_size: 1024,
            slots: 4,
        }])
}

fn long(text: &str) -> String {
    format!("{text:.<100}")
}

/// Host → plugin → host → another plugin and back, with mailboxes of one place each, all slots for
/// requests held by calls that wait behind the one that calls back, and more callers behind them.
#[tokio::test]
async fn a_callback_completes_when_slots_credits_and_mailboxes_are_used_up() {
    let other = Bench::with(|spec| spec.segment(small()).env(CAPACITY, "1")).await;
    let journal = Journal::new();
    let (keeper, oak) = door(Some(other.subject.clone()));
    for capacity in ["1", "3", "64"] {
        let spec = subject(&journal, oak.clone())
            .segment(small())
            .env(CAPACITY, capacity);
        let plugin = spec.start().await.expect("it starts");
        let proxy: SubjectProxy = plugin.proxy();
        let begun = Sent::new(proxy.gated(long("begun")));
        keeper.expect(&long("begun")).await;
        let relays = (0..20)
            .map(|number| Sent::new(proxy.relay(long(&format!("relay {number}")))))
            .collect::<Vec<_>>();
        keeper.open(1);
        assert_eq!(begun.outcome().await.unwrap(), long("begun"));
        for (number, relay) in relays.into_iter().enumerate() {
            assert_eq!(
                relay.outcome().await.unwrap(),
                long(&format!("relay {number}"))
            );
        }
    }
}

/// The slots that the host may use for requests are held by buffers of its own; the plugin's answer
/// to a call that holds one, and the host's answer to the plugin's callback, find room all the same.
#[tokio::test]
async fn a_reply_finds_a_slot_while_requests_hold_the_rest() {
    let bench = Bench::with(|spec| spec.segment(small())).await;
    let held = in_time(bench.subject.allocate(600)).await.unwrap();
    let begun = Sent::new(bench.subject.gated(long("begun")));
    bench.door.expect(&long("begun")).await;
    bench.door.open(1);
    assert_eq!(begun.outcome().await.unwrap(), long("begun"));
    let bytes = Blob::from(vec![7; 500]);
    assert_eq!(
        &*in_time(bench.subject.mirror(bytes)).await.unwrap(),
        [7; 500]
    );
    drop(held);
}

/// A text and its table, and a buffer that lies elsewhere, take two slots at once.
#[tokio::test]
async fn a_call_that_needs_more_slots_than_are_free_waits_for_them() {
    let bench = Bench::with(|spec| spec.segment(small())).await;
    let held = [
        in_time(bench.subject.allocate(600)).await.unwrap(),
        in_time(bench.subject.allocate(600)).await.unwrap(),
    ];
    let waits = Sent::new(bench.subject.label(long("label"), Blob::from(vec![7; 500])));
    // A call that needs only the last slot is not blocked.
    assert_eq!(
        in_time(bench.subject.echo(long("short"))).await.unwrap(),
        long("short")
    );
    drop(held);
    assert_eq!(waits.outcome().await.unwrap(), 500);
}

/// A service of the host whose handler panicked may be gone for good; the plugin is told.
#[tokio::test]
async fn a_service_of_the_host_that_has_stopped_is_no_reason_to_wait() {
    let (_, oak) = door(None);
    let (_, served) = Proxy::serve(DoorServer::new(oak), 1, OnPanic::Stop);
    let journal = Journal::new();
    let plugin = offering(&journal, served).start().await.expect("it starts");
    let subject: SubjectProxy = plugin.proxy();
    // No other plugin to relay to is left.
    let result = in_time(subject.relay("hello".to_owned())).await;
    assert!(matches!(result, Err(CallError::Panicked(_))), "{result:?}");
    let result = in_time(subject.relay("hello again".to_owned())).await;
    let Err(CallError::Panicked(why)) = result else {
        panic!("{result:?}");
    };
    assert!(
        why.contains("the host relays") && why.contains("has stopped"),
        "{why}"
    );
}

/// A deadline is inherited by what the handler calls.
#[tokio::test]
async fn a_callback_ends_with_the_deadline_of_its_call() {
    let bench = Bench::new().await;
    let patience = std::time::Duration::from_millis(200);
    let result = in_time(bench.subject.gated("slow".to_owned()).timeout(patience)).await;
    assert!(
        matches!(result, Err(rapace::CallError::DeadlineExceeded)),
        "{result:?}"
    );
    bench.door.expect("slow").await;
    // The handler is dropped, and so is the handler that it awaits.
    bench.door.expect("slow left").await;
    bench.door.open(1);
    assert_eq!(
        in_time(bench.subject.gated("next".to_owned()))
            .await
            .unwrap(),
        "next"
    );
    assert_eq!(
        bench.journal.lines(),
        ["#1 begin slow", "#1 begin next", "#1 end next"]
    );
}
