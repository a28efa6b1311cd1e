//! A host that will be killed.

use std::time::Duration;

use rapace::Plugin;
use rustix::process::Signal;

use crate::journal::{JOURNAL, Journal};
use crate::plugin::{BodyProxy, WorkerProxy, spec};
use crate::target::Target;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::{PATIENCE, in_time, look_for};

/// The line that a host prints when all its plugins have reached their states.
pub(super) const READY: &str = "ready";

/// Starts plugins, brings each into a state of its own, and calls one until it is killed.
pub(crate) async fn live() -> Outcome {
    let (called, hung, stopped, parent, stopped_parent) = tokio::try_join!(
        start("called"),
        hang(),
        stop(start("stopped")),
        bear(start("parent")),
        stop(bear(start("stopped-parent"))),
    )?;
    println!("{READY}");
    let _all = (hung, stopped, parent, stopped_parent);
    let worker: WorkerProxy = called.proxy();
    // Longer than any host lives.
    let until = tokio::time::Instant::now() + Duration::from_secs(600);
    while tokio::time::Instant::now() < until {
        let answered = in_time("a call", worker.once(1)).await?;
        ensure(answered.is_ok(), || format!("a call failed: {answered:?}"))?;
    }
    Ok(())
}

async fn start(name: &str) -> Outcome<Plugin> {
    Ok(in_time("a start", spec(name)?.start()).await??)
}

/// Starts a plugin that blocks its only thread.
async fn hang() -> Outcome<Plugin> {
    let directory = tempfile::tempdir_in("/dev/shm")?;
    let journal = Journal::create(directory.path(), "hung")?;
    let spec = spec("hung")?.env(JOURNAL, journal.path());
    let plugin = in_time("a start", spec.start()).await??;
    let worker: WorkerProxy = plugin.proxy();
    tokio::spawn(async move { worker.hang(1).await });
    let hangs = look_for(PATIENCE, || (journal.len() == 1).then_some(())).await;
    ensure(hangs.is_some(), || {
        "a plugin did not begin to hang".to_owned()
    })?;
    Ok(plugin)
}

async fn stop(plugin: impl Future<Output = Outcome<Plugin>>) -> Outcome<Plugin> {
    let plugin = plugin.await?;
    let target = plugin.pid().and_then(Target::child);
    let stopped = target.is_some_and(|target| target.signal(Signal::STOP));
    ensure(stopped, || "a plugin could not be stopped".to_owned())?;
    Ok(plugin)
}

/// Starts a plugin that starts a process.
async fn bear(plugin: impl Future<Output = Outcome<Plugin>>) -> Outcome<Plugin> {
    let plugin = plugin.await?;
    let body: BodyProxy = plugin.proxy();
    let started = in_time("the start of a child", body.start_child()).await?;
    started.map_err(|error| Violation::new(format!("no child: {error}")))?;
    Ok(plugin)
}
