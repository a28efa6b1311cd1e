//! The plugin's side: no plugin outlives its host.
//!
//! Two mechanisms, because each has a hole that the other closes:
//!
//! | | reaches a stuck plugin | reaches a stopped plugin | works through a launcher | fails if |
//! |---|---|---|---|---|
//! | parent-death signal | yes | yes | no | the host's starting thread ends early |
//! | hang-up of the control socket | yes | once continued | yes | a descriptor leaked into a sibling |
//!
//! - G1: both live on a thread of their own, which no executor of the plugin can hold up.
//! - G2: the kernel keeps the parent-death signal per thread and forgets it with the thread. So that thread lives as
//!   long as the process.
//! - G3: a host that died before the signal was armed is noticed: the parent is asked for before and after, and the
//!   hang-up stays readable.
//! - G4: the end is SIGKILL to ourselves. Exit handlers could wait for the very lock that a stuck thread holds.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getppid};

/// How long a plugin may go on after its host has closed the control socket. Half of the second within which every
/// plugin of a dead host is gone.
pub const DEFAULT_GRACE: Duration = Duration::from_millis(500);

/// Makes this process end with its host. Call it once, first thing in a plugin.
///
/// `control` is a duplicate of the control socket; nothing is read from it. When the host is dead, the process is
/// killed at once. When the host lives but has closed its end, the process has `grace` to leave by itself.
///
/// # Errors
/// [`GuardError`], and then the process is not guarded and should exit.
pub fn arm(control: OwnedFd, grace: Duration) -> Result<(), GuardError> {
    let (report, armed) = mpsc::sync_channel(1);
    let parent = getppid();
    let watch = move || {
        // The caller is waiting for this, so it is still there.
        let _ = report.send(set_pdeathsig(Signal::SIGKILL));
        watch(&control, parent, grace);
    };
    thread::Builder::new()
        .name("rapace-guard".into())
        .spawn(watch)
        .map_err(GuardError::Thread)?;
    match armed.recv() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(errno)) => Err(GuardError::ParentDeathSignal(errno.into())),
        Err(mpsc::RecvError) => Err(GuardError::Thread(io::Error::other(
            "it ended before it began",
        ))),
    }
}

/// Never returns while the host holds its end of the socket.
fn watch(control: &OwnedFd, parent: Pid, grace: Duration) {
    // G3: after the signal was armed. The hang-up is looked for next.
    if getppid() == parent {
        wait_for_hang_up(control);
        if getppid() == parent {
            thread::sleep(grace);
        }
    }
    // Sending ourselves a signal is never refused.
    let _ = kill(Pid::this(), Signal::SIGKILL);
}

fn wait_for_hang_up(control: &OwnedFd) {
    // No event is asked for: a hang-up is always reported, and data on the socket is not for us.
    let mut watched = [PollFd::new(control.as_fd(), PollFlags::empty())];
    loop {
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// The process could not be bound to the life of its host.
#[derive(Debug)]
pub enum GuardError {
    /// The thread that watches the host could not be started.
    Thread(io::Error),
    /// The kernel refused the parent-death signal.
    ParentDeathSignal(io::Error),
}

impl fmt::Display for GuardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(source) => {
                write!(
                    f,
                    "the thread that watches the host could not be started: {source}; raise the plugin's limits"
                )
            }
            Self::ParentDeathSignal(source) => {
                write!(
                    f,
                    "the kernel does not signal the host's death: {source}; a sandbox may forbid prctl"
                )
            }
        }
    }
}

impl std::error::Error for GuardError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Thread(source) | Self::ParentDeathSignal(source) => Some(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    /// On the kind of socket that sessions use.
    #[test]
    fn the_watch_ends_with_the_hosts_end_and_not_with_data() {
        let pair = |kind| socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None);
        for kind in [SocketType::SEQPACKET, SocketType::STREAM] {
            let (host, plugin) = pair(kind).expect("a socket pair");
            rustix::io::write(&host, b"for the session, not for the guard").expect("sent");
            let (report, ended) = mpsc::channel();
            let watch = thread::spawn(move || {
                wait_for_hang_up(&plugin);
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
