//! Descriptors through a ring, both ends in one thread: what publishing and receiving cost when
//! nobody sleeps.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rapace_criterion::child::runtime;
use rapace_shm::{Header, Lane, Link, Payload, Received, SegmentConfig};

fn ring(c: &mut Criterion) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let (ours, theirs) = Link::pair(&SegmentConfig::default()).expect("shared memory");
    let (sender, _incoming, _watch) = ours.split();
    let (_outgoing, mut receiver, _their_watch) = theirs.split();
    let mut received: Vec<Received> = Vec::new();
    let mut group = c.benchmark_group("ring");
    for batch in [1_u32, 16, 64] {
        group.throughput(Throughput::Elements(batch.into()));
        group.bench_function(
            BenchmarkId::new("publish and receive 16 bytes", batch),
            |b| {
                b.iter(|| {
                    for call in 0..batch {
                        let header = Header {
                            frame_type: 6,
                            call,
                            ..Header::default()
                        };
                        let payload = Payload::Inline(&[7; 16]);
                        let published = sender.try_publish(&header, payload, &[], Lane::Data);
                        published.expect("the ring has room for a batch");
                    }
                    received.clear();
                    let taken = receiver.try_recv(&mut received, batch as usize);
                    assert_eq!(taken, Ok(batch as usize));
                    assert_eq!(received[batch as usize - 1].header.call, batch - 1);
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, ring);
criterion_main!(benches);
