//! The memory of processes: the most while a program runs, and what is left after several.

use std::collections::HashMap;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::proc;
use crate::violation::{Outcome, ensure};
use crate::waiting::look_for;

/// Private memory of a process at the start, and the most since.
#[derive(Clone, Copy, Debug)]
struct Use {
    before: u64,
    most: u64,
}

/// Measures processes repeatedly until it is dropped or asked.
pub(super) struct Sampler {
    uses: std::sync::Arc<std::sync::Mutex<HashMap<u32, Use>>>,
    task: JoinHandle<()>,
}

impl Sampler {
    pub(super) fn start(pids: impl IntoIterator<Item = u32>) -> Self {
        let measure = |pid| {
            let before = proc::private(pid);
            (
                pid,
                Use {
                    before,
                    most: before,
                },
            )
        };
        let uses: HashMap<_, _> = pids.into_iter().map(measure).collect();
        let uses = std::sync::Arc::new(std::sync::Mutex::new(uses));
        let measured = std::sync::Arc::clone(&uses);
        let task = tokio::spawn(async move {
            let mut interval = tokio::time::interval(INTERVAL);
            loop {
                interval.tick().await;
                let mut uses = measured.lock().unwrap_or_else(|error| error.into_inner());
                for (pid, one) in uses.iter_mut() {
                    one.most = one.most.max(proc::private(*pid));
                }
            }
        });
        Self { uses, task }
    }

    /// Checks that no process took more than this beyond what it had at the start. Returns the most that one took.
    pub(super) fn check(&self, allowed: u64) -> Outcome<u64> {
        let uses = self.uses.lock().unwrap_or_else(|error| error.into_inner());
        let mut most = 0;
        for (pid, one) in uses.iter() {
            let grown = one.most - one.before;
            ensure(grown <= allowed, || {
                let (grown, allowed) = (grown >> 10, allowed >> 10);
                format!("process {pid} took {grown} KiB, and the program needs {allowed} KiB")
            })?;
            most = most.max(grown);
        }
        Ok(most)
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Private memory of processes, to which they return.
pub(super) struct Level(Vec<(u32, u64)>);

impl Level {
    pub(super) fn now(pids: impl IntoIterator<Item = u32>) -> Self {
        Self(
            pids.into_iter()
                .map(|pid| (pid, proc::private(pid)))
                .collect(),
        )
    }

    /// Waits until no process has more than `left` bytes more. Returns the most that one has.
    pub(super) async fn comes_back(&self, left: u64) -> Outcome<u64> {
        let grown = || {
            let more = self.0.iter().map(|(pid, before)| {
                let now = proc::private(*pid);
                (*pid, now.saturating_sub(*before))
            });
            more.max_by_key(|(_, more)| *more).unwrap_or_default()
        };
        let back = look_for(SETTLES, || (grown().1 <= left).then_some(())).await;
        ensure(back.is_some(), || {
            let (pid, more) = grown();
            let (more, process) = (more >> 10, proc::describe(pid));
            format!("{more} KiB more than before the programs are in process {process}")
        })?;
        Ok(grown().1)
    }
}

/// When memory that is still in use is lost.
const SETTLES: Duration = Duration::from_secs(15);
const INTERVAL: Duration = Duration::from_millis(10);
