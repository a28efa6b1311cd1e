//! The plugin's watchdog over its host: kills the plugin when the host is gone.
//!
//! Until a plugin serves, and as a fallback afterwards, the kernel does that: see [`Leash`](super::Leash). Two
//! more mechanisms are faster than the kernel if the host is large. Each has a gap that the other covers:
//!
//! | | reaches an unresponsive plugin | reaches a stopped plugin | works through a launcher | fails if |
//! |---|---|---|---|---|
//! | end of the parent: pidfd, and a signal that continues us | yes | yes | no | a debugger holds the plugin |
//! | hang-up of the control socket | yes | once continued | yes | a descriptor leaked into a sibling |
//!
//! - G1: both run on a dedicated thread, which no executor of the plugin can block.
//! - G2: the kernel keeps the parent-death signal per thread and drops it with the thread. So this thread lives
//!   as long as the process.
//! - G3: a host that died before the signal was armed is detected: the parent is checked before and after, and
//!   the hang-up stays readable.
//! - G4: the watchdog sends SIGKILL to its own process. Exit handlers could wait for the very lock that a
//!   blocked thread holds.
//! - G5: if the plugin leads a process group, the whole group is killed. If the parent-death signal were
//!   SIGKILL, no thread would be left to do that; so it is SIGCONT, which also reaches a stopped plugin, and
//!   the thread kills. Children in a session or group of their own are out of reach.
//! - G6: the host's spawner threads end early when the host dies, before a large host's memory is torn down.
//!   Where the kernel reports the end of single threads (6.9), the watchdog waits for that.
//! - G7: a second thread, the sentinel, does nothing but end with the process: of two threads at least one ends
//!   early, which the host sees (see `dying`). The host looks up both by name, once, when the watchdog reports
//!   that they run. The watchdog itself reports it, since the first call may block the executor forever.
//! - G8: without pidfds the parent-death signal is SIGKILL, which at least no plugin survives.
//! - G9: a live host keeps its end of the control socket open until the process is gone, even after the
//!   session. So a hang-up means that the host is dead or has given the process up because it cannot signal it;
//!   then only the grace period ends the process. In every other case the host ends the plugins of a live host.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, getpgrp, getppid};
use tokio::sync::oneshot;

use super::{thread_end, thread_names};

/// How long a plugin may run after a live host has closed the control socket (G9). Half of the second within
/// which every plugin of a dead host is gone.
pub const DEFAULT_GRACE: Duration = Duration::from_millis(500);

/// Ends this process when its host ends. Call this once, before anything in the process can block.
///
/// `control` is a duplicate of the control socket; it is never read. When the host is dead, the process is
/// killed at once. When the host lives but has closed its end, the process has `grace` to exit by itself.
///
/// Returns as soon as the thread is started, before it has found its host. Once the watchdog is armed, the
/// thread calls `then` (G7).
///
/// # Errors
/// [`ParentWatchdogError`]: the process is not protected and should exit.
pub fn begin(
    control: OwnedFd,
    grace: Duration,
    then: impl FnOnce() + Send + 'static,
) -> Result<Arming, ParentWatchdogError> {
    let (report, armed) = oneshot::channel();
    let parent = getppid();
    let watch = move || {
        let sentinel = sentinel();
        let host = Arc::new(Parent::find(parent));
        let signal = set_pdeathsig(host.signal());
        let armed = match (sentinel, signal) {
            (Ok(sentinel), Ok(())) => sentinel.recv().map_err(|_| never_began()),
            (Err(error), _) => Err(ParentWatchdogError::Thread(error)),
            (_, Err(errno)) => Err(ParentWatchdogError::ParentDeathSignal(errno.into())),
        };
        if armed.is_ok() {
            then();
        }
        // If the receiver is gone, the process is about to exit.
        let _ = report.send(armed.map(|()| Arc::clone(&host)));
        watch(&control, &host, grace);
        end();
    };
    thread::Builder::new()
        .name(thread_names::PARENT_WATCHDOG.into())
        .spawn(watch)
        .map_err(ParentWatchdogError::Thread)?;
    Ok(Arming { armed, grace })
}

/// Calls [`begin`] and waits until the watchdog is armed.
///
/// # Errors
/// As for [`begin`].
///
/// # Panics
/// In asynchronous code, which this would block.
pub fn arm(control: OwnedFd, grace: Duration) -> Result<ParentWatchdog, ParentWatchdogError> {
    let Arming { armed, grace } = begin(control, grace, || {})?;
    Arming::done(armed.blocking_recv(), grace)
}

/// A watchdog that its thread is still setting up.
#[derive(Debug)]
#[must_use = "whether the process is watched over is known only when it is armed"]
pub struct Arming {
    armed: oneshot::Receiver<Result<Arc<Parent>, ParentWatchdogError>>,
    grace: Duration,
}

impl Arming {
    /// Waits until the watchdog is armed, and both threads have their names (G7).
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the thread.
    ///
    /// # Errors
    /// As for [`begin`].
    pub async fn armed(self) -> Result<ParentWatchdog, ParentWatchdogError> {
        Self::done(self.armed.await, self.grace)
    }

    fn done(
        armed: Result<Result<Arc<Parent>, ParentWatchdogError>, oneshot::error::RecvError>,
        grace: Duration,
    ) -> Result<ParentWatchdog, ParentWatchdogError> {
        let host = armed.map_err(|_| never_began())??;
        Ok(ParentWatchdog { host, grace })
    }
}

/// Starts the sentinel (G7). Its thread has its name by the time it reports that it runs.
fn sentinel() -> io::Result<mpsc::Receiver<()>> {
    let (present, is_there) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name(thread_names::SENTINEL.into())
        .spawn(move || {
            // A thread sets its name before it runs its closure.
            let _ = present.send(());
            loop {
                thread::park();
            }
        })?;
    Ok(is_there)
}

fn never_began() -> ParentWatchdogError {
    ParentWatchdogError::Thread(io::Error::other("it ended before it began"))
}

/// The armed watchdog over the host.
#[derive(Debug)]
pub struct ParentWatchdog {
    host: Arc<Parent>,
    grace: Duration,
}

impl ParentWatchdog {
    /// Waits, after the host has hung up, until the host is gone. Await this before the process exits: if it
    /// exited now, nothing would kill its children (G5). Returns if the host turns out to live.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the thread.
    pub async fn await_host_exit(&self) {
        let until = Instant::now() + self.grace / 2;
        while Instant::now() < until {
            if self.host.is_gone() {
                end();
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// The pause between two checks for the host's death after a hang-up, which comes a moment before the death.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The parent process.
#[derive(Debug)]
struct Parent {
    pid: Pid,
    process: Option<OwnedFd>,
    /// The parent's thread that started this process (G6).
    thread: Option<OwnedFd>,
}

impl Parent {
    fn find(pid: Pid) -> Self {
        Self {
            pid,
            process: thread_end::of_process(pid.as_raw()).ok(),
            thread: thread_end::named(pid.as_raw(), thread_names::SPAWNER)
                .and_then(|thread| thread_end::of_thread(thread).ok()),
        }
    }

    /// Returns the parent-death signal (G5, G8).
    fn signal(&self) -> Signal {
        match self.process {
            Some(_) => Signal::SIGCONT,
            None => Signal::SIGKILL,
        }
    }

    /// Returns the descriptors that become readable when the parent ends.
    fn ends(&self) -> impl Iterator<Item = PollFd<'_>> {
        let ends = self.process.iter().chain(&self.thread);
        ends.map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN))
    }

    fn is_gone(&self) -> bool {
        let mut watched = self.ends().collect::<Vec<_>>();
        getppid() != self.pid || matches!(poll(&mut watched, PollTimeout::ZERO), Ok(1..))
    }
}

/// Watches the host. Never returns while the host holds its end of the socket.
fn watch(control: &OwnedFd, host: &Parent, grace: Duration) {
    // G3: checked after the signal was armed. The hang-up is checked next.
    if host.is_gone() {
        return;
    }
    wait_for(hang_up_of(control), host, None);
    let until = Instant::now() + grace;
    while !host.is_gone() && Instant::now() < until {
        wait_for(None, host, Some(until - Instant::now()));
    }
}

/// Requests no events: a hang-up is always reported, and data on the socket is not for the watchdog.
fn hang_up_of(control: &OwnedFd) -> Option<PollFd<'_>> {
    Some(PollFd::new(control.as_fd(), PollFlags::empty()))
}

/// Waits for this descriptor, the host's end, or the timeout.
fn wait_for<'a>(this: Option<PollFd<'a>>, host: &'a Parent, limit: Option<Duration>) {
    let mut watched = this.into_iter().chain(host.ends()).collect::<Vec<_>>();
    let limit = match limit {
        None => PollTimeout::NONE,
        // Rounded up, so that the time has passed afterwards.
        Some(limit) => {
            PollTimeout::try_from(limit + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        }
    };
    while let Err(Errno::EINTR) = poll(&mut watched, limit) {}
}

/// Kills the group and this process (G4, G5).
fn end() {
    let this = Pid::this();
    if getpgrp() == this {
        let _ = killpg(this, Signal::SIGKILL);
    }
    // A signal to the own process is never refused.
    let _ = kill(this, Signal::SIGKILL);
}

/// The watchdog over the host could not be set up. The text includes the system's error, so there is no source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParentWatchdogError {
    /// The thread that watches the host could not be started.
    #[error(
        "the thread that watches the host could not be started: {0}; raise the plugin's limits"
    )]
    Thread(io::Error),
    /// The kernel refused the parent-death signal.
    #[error("the kernel does not signal the host's death: {0}; a sandbox may forbid prctl")]
    ParentDeathSignal(io::Error),
}

#[cfg(test)]
mod tests {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
    use nix::unistd::write;

    use super::*;

    /// On both kinds of socket that sessions use.
    #[test]
    fn the_watch_ends_with_the_hosts_end_and_not_with_data() {
        let pair = |kind| socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC);
        for kind in [SockType::SeqPacket, SockType::Stream] {
            let (host, plugin) = pair(kind).expect("a socket pair");
            write(&host, b"for the session, not for the watchdog").expect("sent");
            let (report, ended) = mpsc::channel();
            let watch = thread::spawn(move || {
                // A process that outlives this test.
                let host = Parent::find(getppid());
                wait_for(hang_up_of(&plugin), &host, None);
                report.send(())
            });
            let early = ended.recv_timeout(Duration::from_millis(100));
            assert_eq!(early, Err(mpsc::RecvTimeoutError::Timeout), "{kind:?}");
            drop(host);
            assert_eq!(
                ended.recv_timeout(Duration::from_secs(20)),
                Ok(()),
                "{kind:?}"
            );
            let reported = watch.join().expect("the watch does not panic");
            reported.expect("the test listens");
        }
    }
}
