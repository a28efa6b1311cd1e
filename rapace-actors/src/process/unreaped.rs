//! An unreaped child, by its process id.
//!
//! - UR1: its process id cannot be reused until it is reaped here, unless other code in the host waits for any
//!   child.

use std::io;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// An unreaped child of this process.
#[derive(Debug)]
pub(super) struct Unreaped(Pid);

impl Unreaped {
    pub(super) fn new(pid: Pid) -> Self {
        Self(pid)
    }

    pub(super) fn pid(&self) -> Pid {
        self.0
    }

    /// Sends it SIGKILL.
    pub(super) fn kill(&mut self) -> io::Result<()> {
        Ok(kill(self.0, Signal::SIGKILL)?)
    }

    /// Waits until it has ended, and reaps it.
    pub(super) fn wait(&mut self) -> io::Result<()> {
        loop {
            match waitpid(self.0, None) {
                Err(Errno::EINTR) => {}
                reaped => return Ok(reaped.map(drop)?),
            }
        }
    }

    /// Reaps it if it has ended.
    pub(super) fn try_wait(&mut self) -> io::Result<Option<()>> {
        let reaped = waitpid(self.0, Some(WaitPidFlag::WNOHANG))?;
        Ok((reaped != WaitStatus::StillAlive).then_some(()))
    }
}
