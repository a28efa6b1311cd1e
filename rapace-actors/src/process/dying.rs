//! The death of a process before the kernel is done with it.
//!
//! A process that had a gibibyte is gone a sixth of a second after it was killed. Its threads have stopped long before.
//!
//! - Y1: two threads of a plugin are watched: its watchdog and its sentinel. One of them may be the last, which tears the
//!   memory down before it ends; the other is not. The first thread of a process is no use for this: the kernel tells
//!   of its end only when all others have ended.
//! - Y2: the process counts as dead when the kernel says that it ends as a whole, with what, and that each of its
//!   threads is past its last instruction. From then on nothing in shared memory changes any more.
//! - Y3: a cause of 0 may also mean that we may not know it. Then the process is waited for.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::io::unix::AsyncFd;

use super::{ExitCause, thread_end, thread_names};

/// The threads of a process whose ends are waited for.
#[derive(Debug)]
pub(crate) struct Threads {
    pid: u32,
    watched: OnceLock<Option<Watched>>,
}

/// The watchdog and the sentinel.
type Watched = (AsyncFd<OwnedFd>, AsyncFd<OwnedFd>);

impl Threads {
    /// The threads of a child that was not reaped.
    pub(super) fn of(pid: u32) -> Self {
        Self {
            pid,
            watched: OnceLock::new(),
        }
    }

    /// Finds them. Without the means to watch them there are none.
    fn find(&self) -> Option<Watched> {
        let watch = |name| {
            let thread = thread_end::named(i32::try_from(self.pid).ok()?, name)?;
            thread_end::register(thread_end::of_thread(thread).ok()?).ok()
        };
        // One alone would be the last every now and then (Y1).
        watch(thread_names::PARENT_WATCHDOG).zip(watch(thread_names::SENTINEL))
    }

    /// Waits until the process is dead (Y2), and says how it ended. Never returns if that is not known before the
    /// process can be waited for.
    pub(crate) async fn end(&self) -> ExitCause {
        if let Some((parent_watchdog, sentinel)) = self.watched.get_or_init(|| self.find()) {
            tokio::select! {
                _ = parent_watchdog.readable() => {}
                _ = sentinel.readable() => {}
            }
            for look in 0..LOOKS {
                if let Some(cause) = cause_of(self.pid) {
                    return cause;
                }
                match look {
                    0..8 => tokio::task::yield_now().await,
                    _ => tokio::time::sleep(PAUSE).await,
                }
            }
        }
        std::future::pending().await
    }
}

/// How a process ends, if it is dead.
fn cause_of(pid: u32) -> Option<ExitCause> {
    // First: a process that ends as a whole has no new threads.
    let code = number(&format!("/proc/{pid}/stat"), EXIT_CODE)?;
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let all_stopped = threads.flatten().all(|thread| {
        let stat = thread.path().join("stat");
        // One that is not there any more has ended.
        number(&stat.to_string_lossy(), FLAGS).is_none_or(|flags| flags & EXITING != 0)
    });
    let code = i32::try_from(code).ok()?;
    (all_stopped && code != 0).then(|| ExitStatus::from_raw(code).into())
}

/// A number in a `stat` file of a process or thread; places are counted from the state, which follows the name.
fn number(path: &str, place: usize) -> Option<u64> {
    let stat = fs::read_to_string(path).ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(place)?.parse().ok()
}

const FLAGS: usize = 6;
const EXIT_CODE: usize = 49;
/// PF_EXITING: the thread does not return from the kernel.
const EXITING: u64 = 4;

/// Looks at a process of which one thread has ended; the others follow within microseconds, unless it alone did.
const LOOKS: usize = 1000;
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
