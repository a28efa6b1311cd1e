//! Processes that a test kills and watches.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::PATIENCE;

/// A process, held by a pidfd so that its id cannot be reused.
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
        // It is not reaped while its host is blocked, so a second kill is an error of the test.
        kill(Pid::from_raw(self.pid), signal).expect("it is there");
    }

    /// Kills it and returns when it is dead; meanwhile this thread's runtime runs nothing else.
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

    /// Whether this host watches the thread with this name.
    pub(crate) fn is_watched(&self, thread: &str) -> bool {
        let tasks = format!("/proc/{}/task", self.pid);
        let named = fs::read_dir(tasks)
            .expect("it lives")
            .flatten()
            .find(|task| {
                fs::read_to_string(task.path().join("comm"))
                    .is_ok_and(|name| name.trim_end() == thread)
            });
        let line = named.map(|task| format!("Pid:\t{}", task.file_name().display()));
        line.is_some_and(|line| {
            let held = fs::read_dir("/proc/self/fdinfo").expect("a process sees its own");
            held.flatten().any(|entry| {
                fs::read_to_string(entry.path())
                    .is_ok_and(|info| info.lines().any(|found| found == line))
            })
        })
    }

    /// Whether the kernel reports the end of single threads.
    pub(crate) fn threads_can_be_watched() -> bool {
        let thread = rustix::process::PidfdFlags::from_bits_retain(0o200);
        rustix::process::pidfd_open(rustix::thread::gettid(), thread).is_ok()
    }

    fn dies_within(&self, patience: Duration) -> bool {
        let patience = PollTimeout::try_from(patience).expect("some seconds");
        let mut asked = [PollFd::new(self.descriptor.as_fd(), PollFlags::POLLIN)];
        poll(&mut asked, patience) == Ok(1)
    }
}
