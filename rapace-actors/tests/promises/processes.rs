//! Processes that are nobody's concern but a test's.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::PATIENCE;

/// A process, held so that its number cannot pass to another.
pub(crate) struct Process {
    pid: i32,
    descriptor: OwnedFd,
}

impl Process {
    pub(crate) fn find(pid: Option<u32>) -> Self {
        let pid = i32::try_from(pid.expect("there is a process")).expect("a process id");
        let raw = rustix::process::Pid::from_raw(pid).expect("not zero");
        let flags = rustix::process::PidfdFlags::empty();
        let descriptor = rustix::process::pidfd_open(raw, flags).expect("it lives");
        Self { pid, descriptor }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // It is not reaped while its host has no time to: a test that kills twice says so.
        kill(Pid::from_raw(self.pid), signal).expect("it is there");
    }

    /// Kills it and returns when it is dead; nothing else of this thread's runtime runs meanwhile.
    pub(crate) fn kill_now(&self) {
        self.signal(Signal::SIGKILL);
        assert!(self.dies_within(PATIENCE), "it survived SIGKILL");
    }

    /// Waits until it is dead.
    pub(crate) async fn is_gone_within(&self, patience: Duration) -> bool {
        let descriptor = self.descriptor.try_clone().expect("a descriptor");
        let pid = self.pid;
        let watch = move || Self { pid, descriptor }.dies_within(patience);
        tokio::task::spawn_blocking(watch).await.expect("no panic")
    }

    fn dies_within(&self, patience: Duration) -> bool {
        let patience = PollTimeout::try_from(patience).expect("some seconds");
        let mut asked = [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)];
        poll(&mut asked, patience) == Ok(1)
    }
}
