//! Plugins are killed at random moments, while they are called without pause.
//!
//! - K1: every call settles, with the right reply, at most one reply, in bounded time.
//! - K2: a call that is not idempotent runs at most once, an idempotent one at most twice. A call that was
//!   answered ran, and a call that is said not to have begun did not.
//! - K3: a death affects at most one call that had begun: a service runs one at a time.
//! - K4: afterwards slots, descriptors, mappings, threads, tasks and memory are at their earlier level.

mod caller;
mod killer;
mod ledger;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rapace::Plugin;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use self::caller::Caller;
use self::killer::Killer;
use self::ledger::{Ledger, Tally};
use crate::journal::{JOURNAL, Journal};
use crate::options::Options;
use crate::plugin::{WorkerProxy, spec};
use crate::random::Random;
use crate::resources::Resources;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::{PATIENCE, in_time, look_for};

pub(crate) fn run(runtime: &Runtime, options: &Options) -> Outcome {
    runtime.block_on(all(options))
}

/// Kills between two checks of journals and resources.
const ROUND: usize = 2000;
/// Kills before the resources are measured as the baseline.
const WARM_UP: usize = 100;
/// The number of bytes that the allocator may keep from all rounds together.
const ALLOWANCE: u64 = 16 << 20;

async fn all(options: &Options) -> Outcome {
    let count = options.count_or(2000);
    let directory = tempfile::tempdir_in("/dev/shm")?;
    let mut victims = Vec::new();
    for nth in 0..options.plugins {
        victims.push(Victim::start(&directory, nth).await?);
    }
    round(&mut victims, options, WARM_UP.min(count), 0).await?;
    let before = Resources::settled().await;
    println!("after {WARM_UP} kills to warm up: {before}");

    let since = Instant::now();
    let mut tally = Tally::default();
    let mut done = 0;
    while done < count {
        let kills = ROUND.min(count - done);
        tally += round(&mut victims, options, kills, done as u64 + 1).await?;
        let held = before.return_here(ALLOWANCE).await?;
        done += kills;
        let rate = done as f64 / since.elapsed().as_secs_f64();
        println!("{done} kills, {rate:.0} a second; {held}");
    }
    println!("{tally}");
    for victim in victims {
        in_time("a stop", victim.plugin.stop()).await?;
    }
    Ok(())
}

/// One plugin and its records.
struct Victim {
    plugin: Plugin,
    journal: Journal,
    /// The number of its next call.
    next: u64,
    counters: Counters,
}

/// The plugin's counters at the end of the last round.
#[derive(Clone, Copy, Default)]
struct Counters {
    restarts: u64,
    redelivered: u64,
    retried: u64,
}

impl Victim {
    async fn start(directory: &tempfile::TempDir, nth: usize) -> Outcome<Self> {
        let name = format!("victim-{nth}");
        let journal = Journal::create(directory.path(), &name)?;
        let plugin = spec(&name)?.env(JOURNAL, journal.path()).start();
        Ok(Self {
            plugin: in_time("a start", plugin).await??,
            journal,
            next: 1,
            counters: Counters::default(),
        })
    }

    /// Waits until everything sent has arrived or is lost, and every slot is free again.
    async fn rest(&self) -> Outcome {
        let worker: WorkerProxy = self.plugin.proxy();
        in_time("a plugin that is ready", self.plugin.ready()).await??;
        let answered = in_time("the call behind all others", worker.answer()).await?;
        answered.map_err(|error| Violation::new(format!("the last call failed: {error}")))?;
        let free = || {
            let stats = self.plugin.link_stats()?;
            let mut classes = stats.classes.iter().chain([&stats.fragments]);
            let all = classes.all(|class| class.free == class.total);
            all.then_some(())
        };
        let freed = look_for(PATIENCE, free).await;
        freed.ok_or_else(|| {
            let stats = self.plugin.link_stats();
            Violation::new(format!("slots are not free: {stats:?}"))
        })
    }

    /// Compares the outcomes that its callers saw with its journal (K1 to K3).
    fn check(&mut self, ledger: Ledger) -> Outcome<Tally> {
        let stats = self.plugin.stats();
        let counters = Counters {
            restarts: stats.restarts,
            redelivered: stats.redelivered,
            retried: stats.retried,
        };
        let last = std::mem::replace(&mut self.counters, counters);
        let deaths = counters.restarts - last.restarts;
        let mut tally = ledger.check(&self.journal.take()?, deaths)?;
        tally.deaths = deaths;
        tally.redelivered = counters.redelivered - last.redelivered;
        tally.retried = counters.retried - last.retried;
        Ok(tally)
    }
}

/// Kills plugins under load, then compares outcomes with journals.
async fn round(
    victims: &mut [Victim],
    options: &Options,
    kills: usize,
    nth: u64,
) -> Outcome<Tally> {
    let over = Arc::<AtomicBool>::default();
    let mut callers = JoinSet::new();
    for (place, victim) in victims.iter_mut().enumerate() {
        let calls = Arc::new(caller::Numbers::new(victim.next));
        for caller in 0..options.inflight {
            let stream = (nth << 16) + (place * options.inflight + caller) as u64;
            let caller = Caller {
                worker: victim.plugin.proxy(),
                numbers: Arc::clone(&calls),
                over: Arc::clone(&over),
                random: Random::new(options.seed_or(1), stream),
            };
            callers.spawn(async move { (place, caller.run().await) });
        }
    }
    let killed = kill_victims(victims, options, kills, nth).await;
    over.store(true, Ordering::Relaxed);
    let mut ledgers = vec![Ledger::default(); victims.len()];
    while let Some(joined) = in_time("the callers", callers.join_next()).await? {
        let (place, ledger) = joined.map_err(|panic| Violation::new(panic.to_string()))?;
        ledgers[place].append(ledger?);
    }
    killed?;
    let mut tally = Tally::default();
    for (victim, ledger) in victims.iter_mut().zip(ledgers) {
        victim.rest().await?;
        victim.next = ledger.end().max(victim.next);
        tally += victim.check(ledger)?;
    }
    ensure(tally.deaths >= kills as u64, || {
        format!("{kills} kills, and {} deaths", tally.deaths)
    })?;
    Ok(tally)
}

/// Each plugin is killed by a thread of its own, which can sleep for microseconds.
async fn kill_victims(victims: &[Victim], options: &Options, kills: usize, nth: u64) -> Outcome {
    let mut killers = Vec::new();
    for (place, victim) in victims.iter().enumerate() {
        let share = kills / victims.len() + usize::from(place < kills % victims.len());
        let random = Random::new(!options.seed_or(1), (nth << 16) + place as u64);
        let (mut killer, killed) = Killer::new(victim.plugin.clone(), random);
        let (report, ended) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || report.send(killer.kill_repeatedly(share)));
        killers.push((victim.plugin.name().to_owned(), killed, ended));
    }
    for (name, mut killed, mut ended) in killers {
        loop {
            tokio::select! {
                done = &mut ended => {
                    done.map_err(|_| Violation::new("a killer panicked"))??;
                    break;
                }
                progress = tokio::time::timeout(PATIENCE, killed.changed()) => {
                    ensure(progress.is_ok(), || {
                        format!("{name} hangs: it neither died nor came back for {PATIENCE:?}")
                    })?;
                    if let Ok(Err(_)) = progress {
                        // The thread is about to end.
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
            }
        }
    }
    Ok(())
}
