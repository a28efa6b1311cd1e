//! The resources that a host holds, and the check that they return to their level.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::proc;
use crate::violation::{Outcome, Violation, ensure};
use crate::waiting::look_for;

/// The resources that this process holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resources {
    descriptors: usize,
    mappings: usize,
    threads: usize,
    tasks: usize,
    /// Bytes of private memory.
    private: u64,
}

impl Resources {
    pub(crate) fn now() -> Self {
        let this = std::process::id();
        Self {
            descriptors: proc::descriptors(),
            mappings: proc::mappings(),
            threads: proc::threads(this),
            tasks: Handle::current().metrics().num_alive_tasks(),
            private: proc::private(this),
        }
    }

    /// Returns the resources once several measurements in a row agree on everything but memory, over a quarter
    /// of a second: a ready plugin may still be settling, and its host may still set up its watchdog.
    pub(crate) async fn settled() -> Self {
        let mut last = Self::now();
        let mut same = 0;
        let agreed = look_for(SETTLES, || {
            let now = Self::now();
            same = if now.holds_as(&last) { same + 1 } else { 0 };
            last = now;
            (same == STEADY).then_some(now)
        });
        agreed.await.unwrap_or(last)
    }

    /// Waits until the resources are back at `self`, with at most `allowance` bytes more memory, which an
    /// allocator keeps.
    pub(crate) async fn return_here(&self, allowance: u64) -> Outcome<Self> {
        let back = |now: Self| {
            now.descriptors <= self.descriptors
                && now.mappings <= self.mappings
                && now.threads <= self.threads
                && now.tasks <= self.tasks
        };
        let found = look_for(SETTLES, || Some(Self::now()).filter(|now| back(*now))).await;
        let now = found.ok_or_else(|| {
            Violation::new(format!(
                "more is held than before: {} after {self}",
                Self::now()
            ))
        })?;
        ensure(now.private <= self.private + allowance, || {
            format!("memory has grown by more than {allowance} bytes: {now} after {self}")
        })?;
        Ok(now)
    }

    fn holds_as(&self, other: &Self) -> bool {
        let private = other.private;
        Self { private, ..*self } == *other
    }
}

impl fmt::Display for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} descriptors, {} mappings, {} threads, {} tasks, {} KiB",
            self.descriptors,
            self.mappings,
            self.threads,
            self.tasks,
            self.private / 1024
        )
    }
}

/// Executes this program again, if necessary, with an allocator that returns free memory: glibc's keeps up to
/// 64 MiB after the first large allocation was freed, and as much per thread.
pub(crate) fn with_a_frugal_allocator() -> Outcome {
    if FRUGAL
        .iter()
        .all(|(name, _)| std::env::var_os(name).is_some())
    {
        return Ok(());
    }
    let again = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .envs(FRUGAL)
        .exec();
    Err(again.into())
}

const FRUGAL: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "131072"),
];

const STEADY: u32 = 50;
const SETTLES: Duration = Duration::from_secs(15);
