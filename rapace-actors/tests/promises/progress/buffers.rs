//! Calls with several buffers, while the slots of some sizes are held.

use rapace::{Blob, SegmentConfig, SizeClass};

use super::host::Running;
use super::plugin::Gate;
use super::{in_use, payload, stats, until};
use crate::support::{Sent, in_time};

fn segment() -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_ring_capacity(64)
        .with_classes([
            class(1 << 10, 4),
            class(4 << 10, 4),
            class(64 << 10, 2),
            class(1 << 20, 3),
        ])
}

fn buffers(count: u32, len: usize) -> Vec<Blob> {
    let one = |number| Blob::from(payload(number, len));
    (0..count).map(one).collect()
}

/// A call waits whose large buffers find no slot. Others, whose small buffers find none either, and who come after it,
/// do not wait for it.
#[tokio::test]
async fn a_call_without_slots_holds_up_no_other() {
    const LARGE: usize = 900 << 10;
    const SMALL: usize = 3000;
    let Running {
        plugin,
        desk,
        second,
        gates,
        ..
    } = Running::start(segment()).await;
    // All slots of 1 MiB that requests may have.
    let holds_large = Sent::new(desk.hold(buffers(2, LARGE)));
    in_time(gates.wait_for(Gate::Desk)).await.unwrap();
    let waits = Sent::new(desk.hold(buffers(2, LARGE)));
    // All slots of 4 KiB. One of the next size is left.
    let holds_small = Sent::new(second.hold_too(buffers(3, SMALL)));
    in_time(gates.wait_for(Gate::Second)).await.unwrap();
    let in_flight = |stats: &rapace::LinkStats| {
        let classes = stats.classes.iter();
        classes.map(|class| class.in_flight).collect::<Vec<_>>()
    };
    assert_eq!(in_flight(&stats(&plugin))[1], 3);
    assert_eq!(in_flight(&stats(&plugin))[3], 2);
    let waits_too = Sent::new(second.hold_too(buffers(3, SMALL)));
    // While all of these are under way.
    assert!(in_time(gates.look_at(buffers(3, SMALL))).await.unwrap());
    assert!(in_time(gates.look_at(buffers(2, LARGE))).await.unwrap());
    in_time(gates.open(Gate::Second)).await.unwrap();
    assert!(holds_small.outcome().await.unwrap());
    assert!(waits_too.outcome().await.unwrap());
    assert!(in_time(second.hold_too(buffers(2, SMALL))).await.unwrap());
    in_time(gates.open(Gate::Desk)).await.unwrap();
    assert!(holds_large.outcome().await.unwrap());
    assert!(waits.outcome().await.unwrap());
    until(&plugin, |stats| in_use(stats) == 0).await;
}
