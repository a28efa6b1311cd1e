//! Processes that are watched and killed.
//!
//! - T1: a process is held by a pidfd, so that its number cannot pass to another between look and signal.
//! - T2: one is only killed if its parent is known to be what it should be.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::proc;

/// A process, dead or alive.
#[derive(Debug)]
pub(crate) struct Target {
    descriptor: OwnedFd,
}

impl Target {
    /// The process with this number, which is to be only watched.
    pub(crate) fn find(pid: u32) -> io::Result<Self> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let raw = raw.ok_or(io::ErrorKind::InvalidInput)?;
        let descriptor = pidfd_open(raw, PidfdFlags::empty())?;
        Ok(Self { descriptor })
    }

    /// A child of this process (T2), if there is still one with this number.
    pub(crate) fn child(pid: u32) -> Option<Self> {
        let found = Self::find(pid).ok()?;
        (proc::parent_of(pid) == Some(std::process::id())).then_some(found)
    }

    /// Sends a signal; false if the process is gone.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        pidfd_send_signal(&self.descriptor, signal).is_ok()
    }

    /// Waits until it has ended, and says when that was; `None` if it has not after `patience`.
    pub(crate) fn ended_within(&self, patience: Duration) -> Option<Instant> {
        let since = Instant::now();
        loop {
            let left = patience.saturating_sub(since.elapsed());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            let mut asked = [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)];
            match poll(&mut asked, timeout) {
                Ok(1..) => return Some(Instant::now()),
                _ if left.is_zero() => return None,
                _ => {}
            }
        }
    }
}
