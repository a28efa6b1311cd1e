//! A process dies before and after each step that another process can observe, while a session is
//! in use: the crash tests of `rapace-shm`, one layer up.
//!
//! By default each step is tested at its first, middle and last occurrence. To test all:
//!
//! ```text
//! cargo test -p rapace-session-test-peers --test crashes -- --ignored --nocapture
//! ```

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::runtime::Runtime;

mod calling;
mod process;
mod serving;
mod victim_journal;

use process::{Death, Victim, becomes, open_resources};
use victim_journal::VictimJournal;

/// The survivor counts its descriptors, so only one test runs at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_death_while_it_carries_out_calls_leaves_each_with_the_right_verdict() {
    die_at_every_step(Victim::Serves, some);
}

#[test]
fn a_death_while_it_calls_harms_nobody() {
    die_at_every_step(Victim::Calls, some);
}

#[test]
#[ignore = "takes minutes: a process dies at each of a thousand steps"]
fn a_death_at_any_occurrence_of_any_step() {
    for victim in [Victim::Serves, Victim::Calls] {
        die_at_every_step(victim, |times| (1..=times).collect());
    }
}

fn some(times: u64) -> Vec<u64> {
    let mut chosen = vec![1, times.div_ceil(2), times];
    chosen.dedup();
    chosen
}

fn die_at_every_step(victim: Victim, choose: impl Fn(u64) -> Vec<u64>) {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut deaths = BTreeMap::<_, u32>::new();
    let mut slowest = Duration::ZERO;
    let (lived, _) = life(&runtime, victim, None);
    assert!(lived.killed.is_none());
    for (site, &times) in lived.passed.iter().filter(|(_, times)| **times > 0) {
        for nth in choose(times) {
            for before in [true, false] {
                slowest = slowest.max(die(&runtime, victim, site, nth, before));
                *deaths.entry(site).or_default() += 1;
            }
        }
    }
    for (site, times) in &deaths {
        println!("{victim:?} {site:<12} {times:>4} deaths");
    }
    let total: u32 = deaths.values().sum();
    println!("{victim:?}: {total} deaths, each known within {slowest:?}");
    assert!(deaths.contains_key(&"Tail".to_owned()) && total > 40);
}

/// Runs one death at this occurrence of a step, or at an earlier one, since the number of sleeps
/// varies between runs. Returns how long it took to detect the death.
fn die(runtime: &Runtime, victim: Victim, site: &str, nth: u64, before: bool) -> Duration {
    let mut nth = nth;
    loop {
        let death = Death {
            site: site.to_owned(),
            before,
            nth,
        };
        let (journal, known) = life(runtime, victim, Some(&death));
        if let Some(killed) = journal.killed {
            let took = known.map_or(Duration::ZERO, |known| known.saturating_sub(killed));
            assert!(took < BOUND, "{death:?}: known only after {took:?}");
            return took;
        }
        assert!(nth > 1, "{site} was passed, and now it is not");
        nth /= 2;
    }
}

/// Runs a victim and its successor.
fn life(
    runtime: &Runtime,
    victim: Victim,
    death: Option<&Death>,
) -> (VictimJournal, Option<Duration>) {
    println!("{victim:?} {death:?}");
    let directory = tempfile::tempdir().unwrap();
    let before = open_resources();
    let lived = runtime.block_on(async {
        let life = async {
            match victim {
                Victim::Serves => calling::life(directory.path(), death).await,
                Victim::Calls => serving::life(directory.path(), death).await,
            }
        };
        let lived = tokio::time::timeout(PATIENCE, life).await;
        let lived = lived.unwrap_or_else(|_| panic!("{death:?}: somebody waits for ever"));
        // The first process also starts the machinery that waits for processes.
        if death.is_some() {
            becomes(open_resources, before).await;
        }
        lived
    });
    drop(directory);
    lived
}

/// How soon a death must be detected.
const BOUND: Duration = Duration::from_secs(1);
/// The timeout of a run.
const PATIENCE: Duration = Duration::from_secs(20);
