//! The child process of a benchmark, and the runtime that all benchmarks use.

use std::process::ExitCode;

use rapace_benches::mirror;
use rapace_benches::work::{self, PLUGIN};

/// The arguments that make a benchmark run the plugin's main.
#[must_use]
pub fn plugin() -> [String; 1] {
    [PLUGIN.to_owned()]
}

/// Runs the role that the first argument names, to its end; `None` if it names none.
#[must_use]
pub fn run() -> Option<ExitCode> {
    let ended = work::run()?;
    Some(ended.unwrap_or_else(|why| {
        eprintln!("{why}");
        ExitCode::FAILURE
    }))
}

/// Starts this benchmark again as the plugin.
///
/// # Errors
/// Why the plugin does not start.
pub async fn start() -> Result<rapace::Plugin, String> {
    mirror::start(&plugin()).await
}

/// The runtime that all Criterion benchmarks use.
///
/// # Panics
/// If the system has no more descriptors.
#[must_use]
pub fn runtime() -> tokio::runtime::Runtime {
    let runtime = rapace_measure::Runtime::CurrentThread.build();
    runtime.expect("a runtime takes a few descriptors")
}

/// The time of `n` calls, one after the other, in a task: the future that a runtime blocks on is
/// woken at a higher price.
pub async fn timed<F>(n: u64, call: F) -> std::time::Duration
where
    F: AsyncCall,
{
    let timed = tokio::spawn(async move {
        let start = std::time::Instant::now();
        for _ in 0..n {
            call.call().await;
        }
        start.elapsed()
    });
    timed.await.expect("no call was disappointed")
}

/// A timed call, which checks its answer.
pub trait AsyncCall: Send + 'static {
    /// Makes the call.
    fn call(&self) -> impl Future<Output = ()> + Send;
}
