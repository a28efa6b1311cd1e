//! Random programs, which must all end: tasks of the host and services in several processes call each
//! other, call back, open streams and keep what they get, with few slots for it.
//!
//! - RP1: each program ends, and each reply is right, unless a plugin was killed or a caller gave up.
//! - RP2: no process takes more memory than is kept or in flight by the plan ([`plan`]), and what it took is free
//!   again when the programs have ended.
//! - RP3: when a program has ended, all slots are free, of both sides.
//! - RP4: a violation is reported with the seed that repeats it.

mod content;
mod failure;
mod generate;
mod killer;
mod links;
mod memory;
mod node;
mod plan;
mod processes;
mod program;
mod runner;
mod show;
mod slots;

use std::time::{Instant, SystemTime, UNIX_EPOCH};

pub(crate) use processes::serve_plugin;

use memory::Level;
use plan::{Program, Setup};
use processes::Processes;
use program::Totals;

use crate::options::Options;
use crate::violation::{Outcome, Violation};

/// Programs with the same processes.
const PROGRAMS: u64 = 8;

pub(crate) async fn run(options: &Options) -> Outcome {
    let since = Instant::now();
    let mut totals = Totals::default();
    let mut next = options.seed.unwrap_or_else(from_the_clock);
    println!("seeds from {next}");
    let mut said = since;
    let mut host = None;
    loop {
        run_seed(next, options.kills, &mut totals).await?;
        next += 1;
        // What one seed leaves is little; what all leave must be, too.
        let host = host.get_or_insert_with(|| Level::now([std::process::id()]));
        host.comes_back(LEFT).await?;
        if options.seed.is_some() || since.elapsed() >= options.seconds_or(60) {
            break;
        }
        if said.elapsed() >= SAY {
            said = Instant::now();
            println!("{:.0?}: {totals}", since.elapsed());
        }
    }
    println!(
        "seeds up to {}, in {:.0?}: {totals}",
        next - 1,
        since.elapsed()
    );
    Ok(())
}

/// Runs some programs with the same processes.
async fn run_seed(seed: u64, kills: bool, totals: &mut Totals) -> Outcome {
    let again = if kills { " --kills" } else { "" };
    let setup = Setup::generate(seed);
    let named = |what: String, violation: Violation| {
        Violation::new(format!(
            "{violation}\n{what}\n{setup}\nrepeat with: rapace-endurance programs --seed {seed}{again}"
        ))
    };
    let processes = Processes::start(&setup).await;
    let processes = processes.map_err(|violation| named("at the start".to_owned(), violation))?;
    let level = processes.level(kills);
    for nth in 0..PROGRAMS {
        let program = Program::generate(&setup, seed, nth);
        let random = kills.then(|| crate::random::Random::new(!seed, nth));
        let ran = program::run(&processes, &setup, &program, random, totals).await;
        ran.map_err(|violation| named(format!("program {nth}:\n{program}"), violation))?;
    }
    let back = level.comes_back(LEFT).await;
    let left = back.map_err(|violation| named("after the programs".to_owned(), violation))?;
    totals.left = totals.left.max(left);
    let stopped = processes.stop().await;
    stopped.map_err(|violation| named("at the end".to_owned(), violation))
}

fn from_the_clock() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    now.as_millis() as u64
}

/// What is left when all values are dropped: glibc keeps free memory below the last small piece that is in use. The same
/// programs again add nothing to that.
const LEFT: u64 = 64 << 20;
/// How often the totals are printed.
const SAY: std::time::Duration = std::time::Duration::from_secs(60);
