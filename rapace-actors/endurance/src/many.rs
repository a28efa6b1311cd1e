//! Many plugins in one host.
//!
//! - M1: all of them answer while all of them run.
//! - M2: when they have stopped, the host's resources are at their earlier level.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::try_join_all;
use rapace::Plugin;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::Semaphore;

use crate::options::Options;
use crate::plugin::{WorkerProxy, spec};
use crate::proc;
use crate::resources::Resources;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::in_time;

/// The number of bytes that the allocator may keep beyond the first time.
const ALLOWANCE: u64 = 4 << 20;
/// Concurrent starts: more do not make it faster.
const AT_ONCE: usize = 8;

pub(crate) async fn run(options: &Options) -> Outcome {
    let count = options.count_or(256);
    raise_the_limit()?;
    // M2: the allocator keeps the memory of the first ones, and reuses it.
    all(count).await?;
    let before = Resources::settled().await;
    for _ in 0..2 {
        all(count).await?;
        let held = before.return_here(ALLOWANCE).await?;
        println!("before: {before}\nafter:  {held}");
    }
    Ok(())
}

/// Starts, calls and stops `count` plugins.
async fn all(count: usize) -> Outcome {
    let descriptors = proc::descriptors();
    let private = proc::private(std::process::id());
    let since = Instant::now();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let starts = (0..count).map(|nth| {
        let room = Arc::clone(&room);
        async move {
            let _place = room.acquire().await;
            start(&format!("plugin-{nth}")).await
        }
    });
    let plugins = try_join_all(starts).await?;
    println!("{count} plugins started in {:.1?}", since.elapsed());
    let each = |now: u64, then: u64| now.saturating_sub(then) as f64 / count as f64;
    println!(
        "each takes {:.1} descriptors, {:.0} KiB of private and {:.0} KiB of shared memory in the host",
        each(proc::descriptors() as u64, descriptors as u64),
        each(proc::private(std::process::id()), private) / 1024.0,
        each(proc::shared(std::process::id()), 0) / 1024.0,
    );

    let since = Instant::now();
    let calls = plugins.iter().zip(0..).map(|(plugin, id)| async move {
        let worker: WorkerProxy = plugin.proxy();
        let answer = in_time("an answer", worker.once(id)).await?;
        let answer = answer.map_err(|error| Violation::new(format!("plugin {id}: {error}")))?;
        ensure(answer == id, || format!("plugin {id} gave another's reply"))
    });
    try_join_all(calls).await?;
    println!("all answered in {:.1?}", since.elapsed());

    let since = Instant::now();
    let stops = plugins
        .iter()
        .map(|plugin| in_time("a stop", plugin.stop()));
    try_join_all(stops).await?;
    println!("all stopped in {:.1?}", since.elapsed());
    Ok(())
}

async fn start(name: &str) -> Outcome<Plugin> {
    Ok(in_time("a start", spec(name)?.start()).await??)
}

/// Raises the soft limit of descriptors: the usual 1024 are too few.
fn raise_the_limit() -> Outcome {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|errno| Violation::from(std::io::Error::from(errno)))
}
