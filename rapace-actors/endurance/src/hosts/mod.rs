//! Hosts are killed: none of their plugins, and none of the plugins' children, is left.
//!
//! - H1: half of the hosts are killed once all plugins have reached their states: one is in the middle of
//!   calls, one blocks its thread, one is stopped, and two, one of them stopped, have started a process that
//!   ignores signals. The others are killed at a random moment of their start.
//! - H2: all descendants of a host carry a mark in their environment, by which they are found.

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

/// The environment variable that marks the processes of one host.
const MARK: &str = "RAPACE_ENDURANCE_HOST";

/// The time by which all must be gone.
const BOUND: Duration = Duration::from_secs(1);

pub(crate) fn run(options: &Options) -> Outcome {
    let mut random = Random::new(options.seed_or(1), 0);
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

/// A host and its descendants.
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

    /// Waits until it prints that it is ready, or ends.
    fn wait_until_ready(&mut self) -> Outcome {
        let said = self.process.stdout.take();
        let mut lines = said
            .map(BufReader::new)
            .into_iter()
            .flat_map(BufRead::lines);
        let ready = lines.any(|line| line.is_ok_and(|line| line == host::READY));
        ensure(ready, || "a host did not get ready".to_owned())
    }

    /// Kills it, and returns the time until no process is left.
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

    /// Describes the processes that are left, and kills them.
    fn left_over(&self, found: &[u32]) -> Violation {
        let mut names = Vec::new();
        for pid in found {
            let Ok(target) = Target::find(*pid) else {
                continue;
            };
            // The pidfd is held: a process that still carries the mark is ours (E2).
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
        // It was usually killed before.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
