//! Processes that are watched and killed.
//!
//! - T1: a process is held by a pidfd, so that its id cannot be reused between check and signal.
//! - T2: a process is killed only if its parent is the expected one.

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
    /// Finds the process with this id, to watch it.
    pub(crate) fn find(pid: u32) -> io::Result<Self> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let raw = raw.ok_or(io::ErrorKind::InvalidInput)?;
        let descriptor = pidfd_open(raw, PidfdFlags::empty())?;
        Ok(Self { descriptor })
    }

    /// Finds the child of this process with this id (T2), if it still exists.
    pub(crate) fn child(pid: u32) -> Option<Self> {
        let found = Self::find(pid).ok()?;
        (proc::parent_of(pid) == Some(std::process::id())).then_some(found)
    }

    /// Sends a signal; returns false if the process is gone.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        pidfd_send_signal(&self.descriptor, signal).is_ok()
    }

    /// Waits until it has ended, and returns when; `None` after `patience`.
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
