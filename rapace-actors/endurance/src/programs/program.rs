//! One program: its tasks, and what must hold when they have ended.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rapace::Plugin;
use tokio::task::JoinSet;

use super::failure::Failure;
use super::killer::Killer;
use super::memory::Sampler;
use super::node::Report;
use super::plan::{Program, Setup};
use super::processes::Processes;
use super::runner::{Runner, Tally};
use super::slots;
use crate::random::Random;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::{in_time, look_for};

/// What all programs did.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    programs: u64,
    /// Failures that follow from a death or from a caller that gave up.
    lost: u64,
    kills: u64,
    /// The most memory that a process took for a program, in bytes.
    memory: u64,
    /// The most that a process had more after the programs than before them, in bytes.
    pub(super) left: u64,
    tally: Tally,
}

/// Runs a program; `kills` says when plugins are killed, if they are.
pub(super) async fn run(
    processes: &Processes,
    setup: &Setup,
    program: &Program,
    kills: Option<Random>,
    totals: &mut Totals,
) -> Outcome {
    let may_lose = setup.cuts || kills.is_some();
    let pids = match kills {
        None => processes.plugins.iter().filter_map(Plugin::pid).collect(),
        Some(_) => Vec::new(),
    };
    let memory = Sampler::start(pids.into_iter().chain([std::process::id()]));
    let killer = kills.map(|random| Killer::start(&processes.plugins, random));
    let runners = run_tasks(processes, program, &mut totals.lost, may_lose).await?;
    if let Some(killer) = killer {
        totals.kills += killer.kills();
        drop(killer);
        for plugin in &processes.plugins {
            in_time("a restart", plugin.ready()).await??;
        }
    }
    let mut tally = Tally::default();
    for report in finish(processes, setup, may_lose).await? {
        tally.add(report.tally);
        for failure in report.failures {
            judge(failure, may_lose, &mut totals.lost)?;
        }
    }
    for runner in runners {
        let report = runner.finish();
        tally.add(report.tally);
        for failure in report.failures {
            judge(failure, may_lose, &mut totals.lost)?;
        }
    }
    ensure(may_lose || tally.tells == tally.told, || {
        format!(
            "{} tells were sent, and {} handled",
            tally.tells, tally.told
        )
    })?;
    free_slots(processes, setup).await?;
    let spare = SPARE * processes.plugins.len() as u64;
    totals.memory = totals
        .memory
        .max(memory.check(program.need() + spare + SLACK)?);
    totals.tally.add(tally);
    totals.programs += 1;
    Ok(())
}

/// Runs the tasks to their end, and returns what still keeps values.
async fn run_tasks(
    processes: &Processes,
    program: &Program,
    lost: &mut u64,
    may_lose: bool,
) -> Outcome<Vec<Arc<Runner>>> {
    let runner = || Arc::new(Runner::new(processes.links.clone()));
    let runners: Vec<_> = program.tasks.iter().map(|_| runner()).collect();
    let failures = Arc::<Mutex<Vec<Failure>>>::default();
    let mut tasks = JoinSet::new();
    for (steps, runner) in program.tasks.iter().zip(&runners) {
        let (steps, runner, failures) = (steps.clone(), Arc::clone(runner), Arc::clone(&failures));
        tasks.spawn(async move {
            let found = |failure| {
                let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
                failures.push(failure);
            };
            runner.run_all(&steps, found).await;
        });
    }
    let ended = tokio::time::timeout(DEADLINE, async {
        while let Some(joined) = tasks.join_next().await {
            joined.map_err(|panic| Violation::new(format!("a task panicked: {panic}")))?;
        }
        Ok::<_, Violation>(())
    });
    let ended = ended.await;
    let failures = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
    for failure in failures {
        judge(failure, may_lose, lost)?;
    }
    match ended {
        Ok(ended) => ended?,
        Err(_) => return Err(stuck(processes, program, &runners)),
    }
    Ok(runners)
}

/// Accepts failures that a death or a caller that gave up explains.
fn judge(failure: Failure, may_lose: bool, lost: &mut u64) -> Outcome {
    match failure {
        Failure::Lost(_) if may_lose => {
            *lost += 1;
            Ok(())
        }
        Failure::Lost(why) => Err(Violation::new(format!("{why}, and nobody died or gave up"))),
        Failure::Wrong(why) => Err(Violation::new(why)),
    }
}

fn stuck(processes: &Processes, program: &Program, runners: &[Arc<Runner>]) -> Violation {
    let mut text = format!("it has not ended after {DEADLINE:?}");
    for ((runner, steps), nth) in runners.iter().zip(&program.tasks).zip(0..) {
        let (at, of) = (runner.at(), steps.len());
        text += &format!("\n  task {nth} is at step {at} of {of}");
    }
    for plugin in &processes.plugins {
        let used = plugin.link_stats().map(|stats| {
            let (depth, ring) = (stats.ring_depth, stats.ring_capacity);
            format!("ring {depth} of {ring}; {}", slots::in_use(&stats))
        });
        let used = used.unwrap_or_else(|| "no session".to_owned());
        text += &format!("\n  the host's half of {}: {used}", plugin.name());
    }
    Violation::new(text)
}

/// Asks all services for their reports, in the order of their ranks: when one has answered, all that it was told
/// and all that it told the others was sent.
async fn finish(processes: &Processes, setup: &Setup, may_lose: bool) -> Outcome<Vec<Report>> {
    let mut reports = Vec::new();
    for ranked in &setup.ranks {
        let Some(node) = processes.proxy(*ranked) else {
            continue;
        };
        let mut report = in_time("a report", node.finish()).await?;
        if let (true, Err(Failure::Lost(_))) = (may_lose, &report) {
            // The last kill was not noticed yet.
            report = in_time("a report", node.finish()).await?;
        }
        reports.push(report.map_err(|failure| Violation::new(failure.to_string()))?);
    }
    Ok(reports)
}

/// Waits until both sides of each session have all slots back (RP3).
async fn free_slots(processes: &Processes, setup: &Setup) -> Outcome {
    for ranked in &setup.ranks {
        // One of the two services of a plugin is enough.
        if ranked.target.process == 0 || ranked.target.service == 1 {
            continue;
        }
        let plugin = &processes.plugins[usize::from(ranked.target.process) - 1];
        let name = plugin.name();
        let used = || {
            plugin
                .link_stats()
                .map(|stats| slots::in_use(&stats))
                .unwrap_or_default()
        };
        let free = look_for(SETTLES, || used().is_empty().then_some(()));
        let free = free.await;
        free.ok_or_else(|| {
            Violation::new(format!(
                "the host's slots for {name} are not free: {}",
                used()
            ))
        })?;
        let Some(node) = processes.proxy(*ranked) else {
            continue;
        };
        let until = tokio::time::Instant::now() + SETTLES;
        loop {
            let used = in_time("an answer about slots", node.in_use()).await?;
            let used = used.map_err(|failure| Violation::new(failure.to_string()))?;
            if used.is_empty() {
                break;
            }
            ensure(tokio::time::Instant::now() < until, || {
                format!("the slots of {name} are not free: {used}")
            })?;
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    Ok(())
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            programs,
            lost,
            kills,
            memory,
            left,
            tally,
        } = self;
        write!(
            f,
            "{programs} programs; {} calls, {} tells, {} items, {} MiB; {kills} kills, {lost} failures after these \
             and after cancellations; {} MiB for a program at most, {} KiB after it",
            tally.calls,
            tally.tells,
            tally.items,
            tally.bytes >> 20,
            memory >> 20,
            left >> 10,
        )
    }
}

/// When a program counts as stuck. Most take less than a second.
const DEADLINE: Duration = Duration::from_secs(60);
/// When slots that are still in use are lost.
const SETTLES: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// What a session keeps of the buffers of payloads that travelled in fragments.
const SPARE: u64 = 16 << 20;
/// What runtimes and allocators take beside values.
const SLACK: u64 = 32 << 20;
