//! The cost of a failure: the decision alone, and the restart of a real plugin.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use criterion::Criterion;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rapace::supervision::{Backoff, BackoffConfig, LimitReached, RestartWindow};
use rapace_benches::mirror::MirrorProxy;
use rapace_criterion::child;

fn main() -> ExitCode {
    if let Some(code) = child::run() {
        return code;
    }
    let mut c = Criterion::default().configure_from_args();
    decisions(&mut c);
    processes(&mut c);
    c.final_summary();
    ExitCode::SUCCESS
}

fn decisions(c: &mut Criterion) {
    let mut group = c.benchmark_group("supervision");
    group.bench_function("a window of 100 restarts, one more", |b| {
        let mut window = RestartWindow::new(100, Duration::from_secs(1));
        let mut now = Instant::now();
        b.iter(|| {
            now += Duration::from_millis(20);
            assert_eq!(window.admit(now), Ok::<(), LimitReached>(()));
        });
    });
    group.bench_function("the next wait", |b| {
        let config = BackoffConfig::default();
        let cap = config.cap;
        let mut backoff = Backoff::with_seed(config, 1);
        b.iter(|| assert!(backoff.next_attempt().1 <= cap));
    });
    group.finish();
}

fn processes(c: &mut Criterion) {
    let runtime = child::runtime();
    let mut group = c.benchmark_group("supervision");
    group.sample_size(10);
    group.bench_function("start to first reply", |b| {
        b.iter_custom(|n| {
            runtime.block_on(async {
                let mut took = Duration::ZERO;
                for _ in 0..n {
                    let start = Instant::now();
                    let plugin = child::start().await.expect("this program starts again");
                    let pid = plugin.proxy::<MirrorProxy>().process().send().await;
                    took += start.elapsed();
                    assert_eq!(pid.ok(), plugin.pid());
                    plugin.stop().await;
                }
                took
            })
        });
    });
    let plugin = runtime.block_on(child::start());
    let plugin = plugin.expect("this program starts again");
    let proxy = plugin.proxy::<MirrorProxy>();
    group.bench_function("SIGKILL to first reply", |b| {
        b.iter_custom(|n| {
            runtime.block_on(async {
                let mut took = Duration::ZERO;
                for _ in 0..n {
                    let before = proxy.process().send().await.expect("it answers");
                    let start = Instant::now();
                    kill(Pid::from_raw(before as i32), Signal::SIGKILL).expect("it lives");
                    while proxy.process().send().await.expect("the next one answers") == before {}
                    took += start.elapsed();
                }
                took
            })
        });
    });
    group.finish();
    runtime.block_on(plugin.stop());
}
