//! Slots of a slab: allocated, written, sent, borrowed on the other side, returned.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rapace_criterion::child::runtime;
use rapace_shm::{Header, Lane, Link, Payload, Received, SegmentConfig};

const SIZES: [usize; 3] = [1 << 10, 64 << 10, 4 << 20];

fn slab(c: &mut Criterion) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (ours, theirs) = Link::pair(&SegmentConfig::default()).expect("shared memory");
    let (sender, _incoming, _watch) = ours.split();
    let (_outgoing, mut receiver, _their_watch) = theirs.split();
    let mut received: Vec<Received> = Vec::new();
    let mut group = c.benchmark_group("slab");
    for size in SIZES {
        group.bench_function(BenchmarkId::new("allocate and drop", size), |b| {
            b.iter(|| sender.try_allocate(size, Lane::Data).expect("a free slot"));
        });
        group.bench_function(
            BenchmarkId::new("there and returned, untouched", size),
            |b| {
                b.iter(|| {
                    let slot = sender.try_allocate(size, Lane::Data).expect("a free slot");
                    let slot = slot.freeze();
                    let header = Header {
                        frame_type: 6,
                        ..Header::default()
                    };
                    let published =
                        sender.try_publish(&header, Payload::Slot(&slot), &[], Lane::Data);
                    published.expect("the ring is empty");
                    drop(slot);
                    assert_eq!(receiver.try_recv(&mut received, 1), Ok(1));
                    assert_eq!(received[0].payload.as_ref().len(), size);
                    received.clear();
                });
            },
        );
    }
    group.finish();
    let in_flight = sender
        .stats()
        .classes
        .iter()
        .map(|class| class.in_flight)
        .sum::<u32>();
    assert_eq!(in_flight, 0, "every slot came back");
}

criterion_group!(benches, slab);
criterion_main!(benches);
