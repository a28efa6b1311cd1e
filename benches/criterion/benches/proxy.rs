//! Asks through a proxy, from the least to the most that can lie between two sides.
//! `mailbox` has their floor, a local kameo actor.
//!
//! | group | between them |
//! |---|---|
//! | `local proxy ask` | a mailbox, and what a service adds to it |
//! | `ask, one process` | two sessions over shared memory and one task; no plugin, no service actor |
//! | `ask, two processes` | everything |

use std::process::ExitCode;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput};
use rapace_benches::mirror::{MirrorProxy, MirrorServer, Reflecting};
use rapace_benches::session_pair::SessionPair;
use rapace_criterion::child::{self, AsyncCall, timed};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const SIZES: [usize; 4] = [16, 1 << 10, 64 << 10, 1 << 20];
const IN_FLIGHT: u64 = 64;

fn main() -> ExitCode {
    if let Some(code) = child::run() {
        return code;
    }
    let mut c = Criterion::default().configure_from_args();
    let runtime = child::runtime();
    let proxy = {
        let _inside = runtime.enter();
        MirrorProxy::local(MirrorServer::new(Reflecting::default()))
    };
    asks(&mut c, &runtime, "local proxy ask", &proxy);
    let pair = runtime.block_on(SessionPair::new()).expect("shared memory");
    asks(&mut c, &runtime, "ask, one process", &pair.proxy);
    drop(pair);
    let plugin = runtime.block_on(child::start());
    let plugin = plugin.expect("this program starts again");
    let proxy = plugin.proxy();
    asks(&mut c, &runtime, "ask, two processes", &proxy);
    blobs(&mut c, &runtime, &proxy);
    runtime.block_on(plugin.stop());
    c.final_summary();
    ExitCode::SUCCESS
}

/// Bytes there and back.
#[derive(Clone)]
struct Bytes {
    proxy: MirrorProxy,
    size: usize,
}

impl AsyncCall for Bytes {
    async fn call(&self) {
        let asked = self.proxy.bytes_back(vec![7; self.size]).send().await;
        assert_eq!(asked.expect("it answers").len(), self.size);
    }
}

/// A buffer there and back.
struct Back(Bytes);

impl AsyncCall for Back {
    async fn call(&self) {
        let Bytes { proxy, size } = &self.0;
        let blob = proxy
            .allocate(*size)
            .await
            .expect("a buffer that fits")
            .freeze();
        let back = proxy.blob_back(blob).send().await;
        assert_eq!(back.expect("it answers").len(), *size);
    }
}

/// A buffer there.
struct There(Bytes);

impl AsyncCall for There {
    async fn call(&self) {
        let Bytes { proxy, size } = &self.0;
        let blob = proxy
            .allocate(*size)
            .await
            .expect("a buffer that fits")
            .freeze();
        let seen = proxy.look_at(blob).send().await;
        assert_eq!(seen.expect("it answers").0, *size as u64);
    }
}

fn asks(c: &mut Criterion, runtime: &Runtime, name: &str, proxy: &MirrorProxy) {
    let mut group = c.benchmark_group(name);
    let call = |size| Bytes {
        proxy: proxy.clone(),
        size,
    };
    for size in SIZES {
        group.bench_function(BenchmarkId::new("Vec<u8>", size), |b| {
            b.iter_custom(|n| runtime.block_on(timed(n, call(size))));
        });
    }
    group.throughput(Throughput::Elements(IN_FLIGHT));
    group.bench_function("64 at once", |b| {
        b.iter_custom(|n| {
            runtime.block_on(async {
                let start = Instant::now();
                let mut callers = JoinSet::new();
                for _ in 0..IN_FLIGHT {
                    callers.spawn(timed(n, call(16)));
                }
                while let Some(done) = callers.join_next().await {
                    done.expect("no caller was disappointed");
                }
                start.elapsed()
            })
        });
    });
    group.finish();
}

fn blobs(c: &mut Criterion, runtime: &Runtime, proxy: &MirrorProxy) {
    let mut group = c.benchmark_group("ask, two processes");
    let call = |size| Bytes {
        proxy: proxy.clone(),
        size,
    };
    for size in SIZES {
        group.bench_function(BenchmarkId::new("Blob there and back", size), |b| {
            b.iter_custom(|n| runtime.block_on(timed(n, Back(call(size)))));
        });
        group.bench_function(BenchmarkId::new("Blob there", size), |b| {
            b.iter_custom(|n| runtime.block_on(timed(n, There(call(size)))));
        });
    }
    group.finish();
}
