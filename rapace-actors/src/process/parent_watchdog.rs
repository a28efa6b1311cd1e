//! Decides, in the plugin, that its process ends with its host.
//!
//! Until a plugin serves, and behind these, the kernel sees to that: see [`Leash`](super::Leash). Two mechanisms more,
//! which are sooner than the kernel if the host is large, because each has a hole that the other closes:
//!
//! | | reaches an unresponsive plugin | reaches a stopped plugin | works through a launcher | fails if |
//! |---|---|---|---|---|
//! | end of the parent: pidfd, and a signal that continues us | yes | yes | no | a debugger holds the plugin |
//! | hang-up of the control socket | yes | once continued | yes | a descriptor leaked into a sibling |
//!
//! - G1: both live on a thread of their own, which no executor of the plugin can hold up.
//! - G2: the kernel keeps the parent-death signal per thread and forgets it with the thread. So that thread lives as
//!   long as the process.
//! - G3: a host that died before the signal was armed is noticed: the parent is asked for before and after, and the
//!   hang-up stays readable.
//! - G4: the end is SIGKILL to ourselves. Exit handlers could wait for the very lock that a blocked thread holds.
//! - G5: if the plugin leads a process group, the group goes with it. Were the parent-death signal SIGKILL, nobody
//!   would be left to do that; so it is SIGCONT, which reaches a stopped plugin all the same, and the thread kills.
//!   What the plugin has started in a session or group of its own is out of reach.
//! - G6: the host's threads that start plugins, any of them, end early in the host's end, before a large host's memory is torn down.
//!   Where the kernel tells of single threads (6.9), that is what is waited for.
//! - G7: a second thread, the sentinel, does nothing but end with the process: of two threads at least one ends early,
//!   which tells the host (see `dying`). The host looks for both by name, once, when it is told that they are there.
//!   The watchdog itself tells it: the first call of all may hold the executor for good.
//! - G9: a host that lives keeps its end of the control socket open until the process is gone, also when the session is
//!   over, so a hang-up says that it is dead or has let go of us. It lets go of what it cannot signal: the grace is then
//!   all that ends the process. Nobody else is told of that death, so what ends a plugin of a living host is the host.
//! - G8: where there are no pidfds, the parent-death signal is SIGKILL, which at least no plugin survives.

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

/// How long a plugin may go on after a host that lives has closed the control socket (G9). Half of the second within which every
/// plugin of a dead host is gone.
pub const DEFAULT_GRACE: Duration = Duration::from_millis(500);

/// Makes this process end with its host. Call this once, before anything in the process can block.
///
/// `control` is a duplicate of the control socket; nothing is read from it. When the host is dead, the process is
/// killed at once. When the host lives but has closed its end, the process has `grace` to leave by itself.
///
/// Returns as soon as a thread has taken that over; it still has to find its host. When the process is watched over, that
/// thread does `then` (G7).
///
/// # Errors
/// [`ParentWatchdogError`], and then the process is not watched over and should exit.
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
        // Whoever does not wait for this ends the process.
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

/// [`begin`], to its end.
///
/// # Errors
/// As for [`begin`].
///
/// # Panics
/// In asynchronous code, which this would hold up.
pub fn arm(control: OwnedFd, grace: Duration) -> Result<ParentWatchdog, ParentWatchdogError> {
    let Arming { armed, grace } = begin(control, grace, || {})?;
    Arming::done(armed.blocking_recv(), grace)
}

/// A watch that is being set up by its own thread.
#[derive(Debug)]
#[must_use = "whether the process is watched over is known only when it is armed"]
pub struct Arming {
    armed: oneshot::Receiver<Result<Arc<Parent>, ParentWatchdogError>>,
    grace: Duration,
}

impl Arming {
    /// Waits until the process is watched over, and both threads have their names (G7).
    ///
    /// # Cancel safety
    /// Dropping the future leaves everything to the thread.
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

/// G7. It has its name when it says that it runs.
fn sentinel() -> io::Result<mpsc::Receiver<()>> {
    let (present, is_there) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name(thread_names::SENTINEL.into())
        .spawn(move || {
            // A thread gives itself its name before it runs this.
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

/// The watch over the host, as [`begin`] has set it up.
#[derive(Debug)]
pub struct ParentWatchdog {
    host: Arc<Parent>,
    grace: Duration,
}

impl ParentWatchdog {
    /// To be awaited when the host has hung up, before the process leaves: one that left now would save itself, and
    /// nobody would end what it has started (G5). Returns if the host turns out to live.
    ///
    /// # Cancel safety
    /// Dropping the future leaves everything to the thread.
    pub async fn await_host_exit(&self) {
        let until = Instant::now() + self.grace / 2;
        while Instant::now() < until {
            if self.host.is_gone() {
                end();
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

/// A host hangs up a moment before it is gone.
const LOOK: Duration = Duration::from_millis(2);

/// The process that has started this one.
#[derive(Debug)]
struct Parent {
    pid: Pid,
    process: Option<OwnedFd>,
    /// G6
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

    /// G5, G8
    fn signal(&self) -> Signal {
        match self.process {
            Some(_) => Signal::SIGCONT,
            None => Signal::SIGKILL,
        }
    }

    /// What tells of its end, readable from then on.
    fn ends(&self) -> impl Iterator<Item = PollFd<'_>> {
        let ends = self.process.iter().chain(&self.thread);
        ends.map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN))
    }

    fn is_gone(&self) -> bool {
        let mut watched = self.ends().collect::<Vec<_>>();
        getppid() != self.pid || matches!(poll(&mut watched, PollTimeout::ZERO), Ok(1..))
    }
}

/// Never returns while the host holds its end of the socket.
fn watch(control: &OwnedFd, host: &Parent, grace: Duration) {
    // G3: after the signal was armed. The hang-up is looked for next.
    if host.is_gone() {
        return;
    }
    wait_for(hang_up_of(control), host, None);
    let until = Instant::now() + grace;
    while !host.is_gone() && Instant::now() < until {
        wait_for(None, host, Some(until - Instant::now()));
    }
}

/// No event is asked for: a hang-up is always reported, and data on the socket is not for us.
fn hang_up_of(control: &OwnedFd) -> Option<PollFd<'_>> {
    Some(PollFd::new(control.as_fd(), PollFlags::empty()))
}

/// Waits for this, or the end of the host, or so long.
fn wait_for<'a>(this: Option<PollFd<'a>>, host: &'a Parent, limit: Option<Duration>) {
    let mut watched = this.into_iter().chain(host.ends()).collect::<Vec<_>>();
    let limit = match limit {
        None => PollTimeout::NONE,
        // Rounded up, so that the time is over afterwards.
        Some(limit) => {
            PollTimeout::try_from(limit + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX)
        }
    };
    while let Err(Errno::EINTR) = poll(&mut watched, limit) {}
}

/// G4, G5
fn end() {
    let this = Pid::this();
    if getpgrp() == this {
        let _ = killpg(this, Signal::SIGKILL);
    }
    // Sending ourselves a signal is never refused.
    let _ = kill(this, Signal::SIGKILL);
}

/// The process could not be bound to the life of its host. Its text holds what the system said, so it has no source.
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

    /// On the kind of socket that sessions use.
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
