//! The floors: what a round trip costs when it is nothing but doorbells, and what bytes cost when
//! they are copied once.

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use rapace_benches::doorbells::{Answerer, Doorbells};
use rapace_benches::work::ANSWERER;
use rapace_criterion::child::{self, AsyncCall, timed};
use rapace_measure::Setting;

fn main() -> ExitCode {
    if let Some(code) = child::run() {
        return code;
    }
    let mut c = Criterion::default().configure_from_args();
    doorbells(&mut c);
    memcpy(&mut c);
    c.final_summary();
    ExitCode::SUCCESS
}

/// A round trip within this process.
struct Within(Arc<Doorbells>);

impl AsyncCall for Within {
    async fn call(&self) {
        self.0.ring().expect("an eventfd takes a number");
        self.0.wait().await.expect("the runtime runs");
    }
}

/// A round trip to another process.
struct Between(Arc<Answerer>);

impl AsyncCall for Between {
    async fn call(&self) {
        let trip = self.0.round_trip().await;
        trip.expect("the other one answers");
    }
}

fn doorbells(c: &mut Criterion) {
    let runtime = child::runtime();
    let mut group = c.benchmark_group("eventfd ping-pong");
    let here = runtime.block_on(async {
        let (here, there) = Doorbells::pair().expect("two eventfds");
        tokio::spawn(async move { there.answer().await });
        here
    });
    let here = Arc::new(here);
    group.bench_function("one process", |b| {
        b.iter_custom(|n| runtime.block_on(timed(n, Within(Arc::clone(&here)))));
    });
    let answerer = runtime.block_on(async { Answerer::start(ANSWERER, Setting::default()) });
    let answerer = Arc::new(answerer.expect("this program starts again"));
    group.bench_function("two processes", |b| {
        b.iter_custom(|n| runtime.block_on(timed(n, Between(Arc::clone(&answerer)))));
    });
    group.finish();
}

fn memcpy(c: &mut Criterion) {
    let mut group = c.benchmark_group("memcpy");
    for size in [1 << 10, 64 << 10, 1 << 20] {
        let from = vec![7_u8; size];
        let mut to = vec![0_u8; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("hot", size), |b| {
            b.iter(|| black_box(&mut to[..]).copy_from_slice(black_box(&from[..])));
        });
        assert_eq!(to, from);
        group.bench_function(BenchmarkId::new("into a fresh Vec", size), |b| {
            b.iter(|| black_box(&from[..]).to_vec());
        });
    }
    group.finish();
}
