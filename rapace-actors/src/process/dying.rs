//! Detects the death of a process before it can be reaped.
//!
//! A killed process with 1 GiB of memory can be reaped only a sixth of a second later. Its threads have stopped
//! long before.
//!
//! - Y1: two threads of a plugin are watched: its watchdog and its sentinel. One of them may be the last
//!   thread, which tears down the memory before it ends; then the other is not. The main thread is useless for
//!   this: the kernel reports its end only when all other threads have ended.
//! - Y2: the process counts as dead when the kernel shows its exit status and that each of its threads is past
//!   its last instruction. From then on nothing in shared memory changes.
//! - Y3: an exit status of 0 may also mean that we may not read it. Then the process is waited for.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::unix::AsyncFd;

use super::{ExitCause, thread_end, thread_names};

/// The watched threads of a process.
#[derive(Debug)]
pub(crate) struct Threads {
    pid: u32,
    watched: OnceLock<Option<Watched>>,
}

/// The watchdog and the sentinel.
type Watched = (AsyncFd<OwnedFd>, AsyncFd<OwnedFd>);

impl Threads {
    /// Watches the threads of an unreaped child.
    pub(super) fn of(pid: u32) -> Self {
        Self {
            pid,
            watched: OnceLock::new(),
        }
    }

    /// Finds the threads; `None` if the kernel cannot watch them.
    fn find(&self) -> Option<Watched> {
        let watch = |name| {
            let thread = thread_end::named(i32::try_from(self.pid).ok()?, name)?;
            thread_end::register(thread_end::of_thread(thread).ok()?).ok()
        };
        // One alone would sometimes be the last (Y1).
        watch(thread_names::PARENT_WATCHDOG).zip(watch(thread_names::SENTINEL))
    }

    /// Waits until the process is dead (Y2), and returns how it ended. Never returns if that cannot be known
    /// before the process can be reaped.
    pub(crate) async fn end(&self) -> ExitCause {
        if let Some((parent_watchdog, sentinel)) = self.watched.get_or_init(|| self.find()) {
            tokio::select! {
                _ = parent_watchdog.readable() => {}
                _ = sentinel.readable() => {}
            }
            for check in 0..MAX_CHECKS {
                if let Some(cause) = cause_of(self.pid) {
                    return cause;
                }
                match check {
                    0..8 => tokio::task::yield_now().await,
                    _ => tokio::time::sleep(PAUSE).await,
                }
            }
        }
        std::future::pending().await
    }
}

/// Returns how a process ended, if it is dead.
fn cause_of(pid: u32) -> Option<ExitCause> {
    // Read first: a process that exits starts no new threads.
    let code = number(&format!("/proc/{pid}/stat"), EXIT_CODE)?;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let all_stopped = threads.flatten().all(|thread| {
        let stat = thread.path().join("stat");
        // A missing thread has ended.
        number(&stat.to_string_lossy(), FLAGS).is_none_or(|flags| flags & EXITING != 0)
    });
    let code = i32::try_from(code).ok()?;
    (all_stopped && code != 0).then(|| ExitStatus::from_raw(code).into())
}

/// Reads a number in the `stat` file of a process or thread. Places count from the state, which follows the
/// name.
fn number(path: &str, place: usize) -> Option<u64> {
    let stat = fs::read_to_string(path).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(place)?.parse().ok()
}

const FLAGS: usize = 6;
const EXIT_CODE: usize = 49;
/// PF_EXITING: the thread does not return from the kernel.
const EXITING: u64 = 4;

/// How often a process is checked after one thread has ended. The others follow within microseconds, unless
/// only that thread ended.
const MAX_CHECKS: usize = 1000;
const PAUSE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_runs_is_not_dead_and_a_killed_one_is() {
        let mut child = std::process::Command::new("/bin/sleep")
            .arg("600")
            .spawn()
            .expect("there is a sleep");
        assert_eq!(cause_of(child.id()), None);
        child.kill().expect("it is ours");
        let until = std::time::Instant::now() + Duration::from_secs(20);
        let cause = loop {
            if let Some(cause) = cause_of(child.id()) {
                break cause;
            }
            assert!(std::time::Instant::now() < until, "it is not dead");
        };
        let status = child.wait().expect("it is ours");
        assert_eq!(cause, status.into());
    }
}
