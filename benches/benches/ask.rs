//! Asks, from the least to the most that can lie between two sides.
//!
//! | group | between them |
//! |---|---|
//! | `local kameo ask` | a mailbox: the floor of the work |
//! | `local proxy ask` | a mailbox, and what a service adds to it |
//! | `ask, one process` | two sessions over shared memory and one task; no plugin, no service actor |
//! | `ask, two processes` | everything |

use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use rapace_benches::child;
use rapace_benches::local::{self, EchoBytes};
use rapace_benches::mirror::{self, MirrorProxy, MirrorServer, Reflecting};
use rapace_benches::session_pair::SessionPair;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const SIZES: [usize; 4] = [16, 1 << 10, 64 << 10, 1 << 20];
const IN_FLIGHT: u64 = 64;

fn main() -> ExitCode {
    if let Some(code) = child::play() {
        return code;
    }
    let mut c = Criterion::default().configure_from_args();
    kameo(&mut c);
    let runtime = child::runtime();
    let proxy = {
        let _inside = runtime.enter();
        MirrorProxy::local(MirrorServer::new(Reflecting))
    };
    asks(&mut c, &runtime, "local proxy ask", &proxy);
    let pair = runtime.block_on(SessionPair::new()).expect("shared memory");
    asks(&mut c, &runtime, "ask, one process", &pair.proxy);
    drop(pair);
    let plugin = runtime.block_on(mirror::start(&[child::PLUGIN.into()]));
    let plugin = plugin.expect("this program starts again");
    let proxy = plugin.proxy();
    asks(&mut c, &runtime, "ask, two processes", &proxy);
    blobs(&mut c, &runtime, &proxy);
    runtime.block_on(plugin.stop());
    c.final_summary();
    ExitCode::SUCCESS
}

fn kameo(c: &mut Criterion) {
    let runtime = child::runtime();
    let actor = runtime.block_on(async { local::spawn() });
    let mut group = c.benchmark_group("local kameo ask");
    for size in SIZES {
        group.bench_function(BenchmarkId::new("Vec<u8>", size), |b| {
            b.iter_custom(|n| {
                runtime.block_on(timed(n, async || {
                    let asked = actor.ask(EchoBytes(vec![7; size])).send().await;
                    assert_eq!(asked.expect("it runs").len(), size);
                }))
            });
        });
    }
    let actor = actor.clone();
    pipelined(&mut group, &runtime, move || {
        let actor = actor.clone();
        async move {
            let asked = actor.ask(EchoBytes(vec![7; 16])).send().await;
            asked.expect("it runs").len()
        }
    });
    group.finish();
}

fn asks(c: &mut Criterion, runtime: &Runtime, name: &str, proxy: &MirrorProxy) {
    let mut group = c.benchmark_group(name);
    for size in SIZES {
        group.bench_function(BenchmarkId::new("Vec<u8>", size), |b| {
            b.iter_custom(|n| {
                runtime.block_on(timed(n, async || {
                    let asked = proxy.bytes_back(vec![7; size]).send().await;
                    assert_eq!(asked.expect("it answers").len(), size);
                }))
            });
        });
    }
    let proxy = proxy.clone();
    pipelined(&mut group, runtime, move || {
        let proxy = proxy.clone();
        async move {
            let asked = proxy.bytes_back(vec![7; 16]).send().await;
            asked.expect("it answers").len()
        }
    });
    group.finish();
}

fn blobs(c: &mut Criterion, runtime: &Runtime, proxy: &MirrorProxy) {
    let mut group = c.benchmark_group("ask, two processes");
    for size in SIZES {
        group.bench_function(BenchmarkId::new("Blob there and back", size), |b| {
            b.iter_custom(|n| {
                runtime.block_on(timed(n, async || {
                    let blob = proxy.allocate(size).await.freeze();
                    let back = proxy.blob_back(blob).send().await;
                    assert_eq!(back.expect("it answers").len(), size);
                }))
            });
        });
        group.bench_function(BenchmarkId::new("Blob there", size), |b| {
            b.iter_custom(|n| {
                runtime.block_on(timed(n, async || {
                    let blob = proxy.allocate(size).await.freeze();
                    let seen = proxy.look_at(blob).send().await;
                    assert_eq!(seen.expect("it answers").0, size as u64);
                }))
            });
        });
    }
    group.finish();
}

/// The time of `n` calls, one after the other.
async fn timed(n: u64, call: impl AsyncFn()) -> Duration {
    let start = Instant::now();
    for _ in 0..n {
        call().await;
    }
    start.elapsed()
}

/// Rounds of as many calls at once as a service takes by default.
fn pipelined<F>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    call: impl Fn() -> F + Clone + Send + 'static,
) where
    F: Future<Output = usize> + Send + 'static,
{
    group.throughput(Throughput::Elements(IN_FLIGHT));
    group.bench_function("64 at once", |b| {
        b.iter_custom(|n| {
            runtime.block_on(async {
                let start = Instant::now();
                let mut callers = JoinSet::new();
                for _ in 0..IN_FLIGHT {
                    let call = call.clone();
                    callers.spawn(async move {
                        for _ in 0..n {
                            assert_eq!(call().await, 16);
                        }
                    });
                }
                while let Some(done) = callers.join_next().await {
                    done.expect("no caller was disappointed");
                }
                start.elapsed()
            })
        });
    });
}
