//! Plugins are started and stopped, and release all resources.
//!
//! - S1: after many sessions, no descriptor, mapping, thread or task is left, and no memory except what an
//!   allocator keeps.

use std::time::Instant;

use rapace::Plugin;
use tokio::task::JoinSet;

use crate::options::Options;
use crate::plugin::{WorkerProxy, spec};
use crate::resources::Resources;
use crate::violation::{Outcome, Violation};
use crate::waiting::in_time;

/// Concurrent sessions.
const AT_ONCE: usize = 4;
/// Sessions between two checks.
const ROUND: usize = 1000;
/// The number of bytes that the allocator may keep from all rounds together.
const ALLOWANCE: u64 = 4 << 20;

pub(crate) async fn run(options: &Options) -> Outcome {
    let count = options.count_or(10_000);
    some(ROUND.min(count / 10).max(4 * AT_ONCE)).await?;
    let before = Resources::settled().await;
    println!("at the start: {before}");
    let since = Instant::now();
    let mut done = 0;
    while done < count {
        let sessions = ROUND.min(count - done);
        some(sessions).await?;
        done += sessions;
        let held = before.return_here(ALLOWANCE).await?;
        let rate = done as f64 / since.elapsed().as_secs_f64();
        println!("{done} sessions, {rate:.0} a second; {held}");
    }
    Ok(())
}

/// Runs `count` sessions, a few at a time.
async fn some(count: usize) -> Outcome {
    let mut running = JoinSet::new();
    for nth in 0..count {
        if running.len() == AT_ONCE {
            next(&mut running).await?;
        }
        running.spawn(one(nth));
    }
    while !running.is_empty() {
        next(&mut running).await?;
    }
    Ok(())
}

async fn next(running: &mut JoinSet<Outcome>) -> Outcome {
    match in_time("a session", running.join_next()).await? {
        Some(Ok(done)) => done,
        Some(Err(panic)) => Err(Violation::new(panic.to_string())),
        None => Ok(()),
    }
}

/// Starts a plugin, calls it, and stops it in one of three ways.
async fn one(nth: usize) -> Outcome {
    let plugin: Plugin = spec("visitor")?.start().await?;
    let worker: WorkerProxy = plugin.proxy();
    let bytes = vec![7; nth % 5000];
    let (id, back) = worker
        .bytes(nth as u64, bytes)
        .await
        .map_err(|error| Violation::new(format!("session {nth}: {error}")))?;
    if id != nth as u64 || back.len() != nth % 5000 {
        return Err(Violation::new(format!(
            "session {nth} gave another's reply"
        )));
    }
    match nth % 3 {
        0 => drop(plugin.stop().await),
        1 => {
            plugin.kill();
            plugin.stop().await;
        }
        // Dropping the last handle stops it too.
        _ => drop(plugin),
    }
    Ok(())
}
