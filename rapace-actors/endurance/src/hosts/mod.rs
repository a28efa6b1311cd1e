//! Hosts are killed: none of their plugins is left, and nothing that those have started.
//!
//! - H1: half of the hosts are killed when all is said and done: one plugin is in the middle of calls, one
//!   never lets go of its thread, one is stopped, and two, one of them stopped, have started a process
//!   that ignores what can be ignored. The others are killed at a random moment of their start.
//! - H2: everything that descends from a host carries a mark in its environment, by which it is found.

pub(crate) mod grandchild;
pub(crate) mod host;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::options::Options;
use crate::proc;
use crate::random::Random;
use crate::sample::Sample;
use crate::target::Target;
use crate::violation::{Outcome, Violation, ensure};

/// By which the processes of one host are known.
const MARK: &str = "RAPACE_ENDURANCE_HOST";

/// Everything is gone by then.
const BOUND: Duration = Duration::from_secs(1);

pub(crate) fn run(options: &Options) -> Outcome {
    let mut random = Random::new(options.seed, 0);
    let mut took = Sample::default();
    let mut left = 0;
    let count = options.count_or(20);
    for nth in 0..count {
        let mark = format!("{}-{nth}", std::process::id());
        let mut host = Host::start(&mark)?;
        if nth % 2 == 0 {
            host.wait_until_ready()?;
        } else {
            std::thread::sleep(random.below(Duration::from_millis(60)));
        }
        left += proc::marked(MARK, &mark).len() - 1;
        took.add(host.kill()?);
    }
    println!(
        "{count} hosts killed, {left} processes of theirs with them: the last was gone after {took}"
    );
    Ok(())
}

/// A host, and what descends from it.
struct Host {
    process: Child,
    mark: String,
}

impl Host {
    fn start(mark: &str) -> Outcome<Self> {
        let process = Command::new(std::env::current_exe()?)
            .arg("--host")
            .env(MARK, mark)
            .stdout(Stdio::piped())
            .spawn()?;
        let mark = mark.to_owned();
        Ok(Self { process, mark })
    }

    /// It says so, or ends.
    fn wait_until_ready(&mut self) -> Outcome {
        let said = self.process.stdout.take();
        let mut lines = said
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufRead::lines);
        let ready = lines.any(|line| line.is_ok_and(|line| line == host::READY));
        ensure(ready, || "a host did not get ready".to_owned())
    }

    /// Kills it, and says after how long nothing is left.
    fn kill(mut self) -> Outcome<Duration> {
        let since = Instant::now();
        self.process.kill()?;
        loop {
            let found = proc::marked(MARK, &self.mark);
            let took = since.elapsed();
            if found.is_empty() {
                self.process.wait()?;
                return Ok(took);
            }
            if took > BOUND {
                return Err(self.left_over(&found));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Leaves nothing behind all the same.
    fn left_over(&self, found: &[u32]) -> Violation {
        let mut names = Vec::new();
        for pid in found {
            let Ok(target) = Target::find(*pid) else {
                continue;
            };
            // Held by now: what still carries the mark is ours (E2).
            if proc::marked(MARK, &self.mark).contains(pid) {
                names.push(proc::describe(*pid));
                target.signal(Signal::KILL);
            }
        }
        let names = names.join(", ");
        Violation::new(format!(
            "left {BOUND:?} after the death of their host: {names}"
        ))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Killed before, as a rule.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
