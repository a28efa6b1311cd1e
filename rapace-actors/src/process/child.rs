//! The handle of a running plugin process.
//!
//! - H1: a signal is sent only while the process has not been reaped, so its id cannot have passed to a stranger. Only
//!   this handle reaps it.
//! - H2: SIGKILL goes to the process group too, if the plugin leads one; SIGTERM goes to the plugin alone, which
//!   knows best how to end what it has started.
//! - H3: how the process ended is remembered and can be asked for again.
//! - H4: however the process ends, what it has left in its process group is killed. That is done before the process
//!   is reaped: until then the group's number is its own.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use rustix::process::{WaitId, WaitIdOptions, waitid};
use tokio::io::unix::AsyncFd;
use tokio::process::Child;

use super::{ExitCause, Threads, thread_end};

/// A plugin process. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    child: Child,
    pid: u32,
    leads_group: bool,
    /// Readable from the end of the process on, whether it was reaped or not. Absent if it leads no group.
    exit: Option<AsyncFd<OwnedFd>>,
    ended: Option<ExitCause>,
}

impl PluginProcess {
    /// Takes over a child that nobody has reaped. If that fails, it is killed.
    pub(super) fn new(child: Child, pid: u32, leads_group: bool) -> io::Result<Self> {
        let mut process = Self {
            child,
            pid,
            leads_group,
            exit: None,
            ended: None,
        };
        if leads_group {
            let pid = i32::try_from(pid).map_err(io::Error::other)?;
            let exit = thread_end::register(thread_end::of_process(pid)?)?;
            process.exit = Some(exit);
        }
        Ok(process)
    }

    /// Its process id. After the process has ended, the number may belong to a stranger.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until the process has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; the next call gives the same answer.
    pub async fn wait(&mut self) -> ExitCause {
        if let Some(ended) = self.ended {
            return ended;
        }
        if let Some(exit) = &self.exit {
            // A runtime that shuts down tells no more; then the wait for the child fails too.
            let _ = exit.readable().await;
            self.sweep();
        }
        let ended = match self.child.wait().await {
            Ok(status) => status.into(),
            Err(error) => self.lost(&error),
        };
        *self.ended.insert(ended)
    }

    /// What tells of its death before it can be waited for, once it is guarded.
    pub(crate) fn threads(&self) -> Threads {
        Threads::of(self.pid)
    }

    /// How the process ended, if it has.
    pub fn try_wait(&mut self) -> Option<ExitCause> {
        if self.ended.is_none() {
            self.sweep();
            self.ended = match self.child.try_wait() {
                Ok(status) => status.map(ExitCause::from),
                Err(error) => Some(self.lost(&error)),
            };
        }
        self.ended
    }

    /// Asks the process to end: SIGTERM. Does nothing if it has ended.
    ///
    /// # Errors
    /// What the system said, if the signal may not be sent (the plugin runs as another user).
    pub fn terminate(&mut self) -> io::Result<()> {
        match self.unreaped() {
            Some(pid) => sent(kill(pid, Signal::SIGTERM)),
            None => Ok(()),
        }
    }

    /// Ends the process, and whatever it has started and left in its process group: SIGKILL. Does nothing if it has
    /// ended.
    ///
    /// # Errors
    /// What the system said, if the signal may not be sent (the plugin runs as another user).
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(pid) = self.unreaped() else {
            return Ok(());
        };
        if self.leads_group {
            // The group is gone if the plugin has moved itself to another; the plugin itself is next.
            sent(killpg(pid, Signal::SIGKILL))?;
        }
        sent(kill(pid, Signal::SIGKILL))
    }

    /// H4: if it has ended, kills what is left of its group.
    fn sweep(&self) {
        let (true, Some(pid)) = (self.leads_group, self.unreaped()) else {
            return;
        };
        // Only this handle reaps it (H1), unless somebody waits for any child: then there is nothing to find.
        let only_look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let ended = raw(self.pid).and_then(|raw| waitid(WaitId::Pid(raw), only_look).ok()?);
        if ended.is_some() {
            // The process itself is in the group, so there always is one; others of it may be another user's.
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }

    /// H1.
    fn unreaped(&self) -> Option<Pid> {
        if self.ended.is_some() {
            return None;
        }
        self.child
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .map(Pid::from_raw)
    }

    /// Waiting failed. Unless somebody else has reaped the process, it must not run on unwatched.
    fn lost(&mut self, error: &io::Error) -> ExitCause {
        if error.raw_os_error() != Some(Errno::ECHILD as i32) {
            tracing::warn!(target: "rapace", pid = self.pid, %error, "cannot wait for a plugin process; killing it");
            let _ = self.kill();
        }
        ExitCause::Unknown
    }
}

impl Drop for PluginProcess {
    fn drop(&mut self) {
        // The runtime kills the process itself and reaps it later; the group is ours to take down.
        if self.leads_group
            && let Some(pid) = self.unreaped()
        {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}

fn raw(pid: u32) -> Option<rustix::process::Pid> {
    i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
}

/// A process that has ended between the check and the signal is still unreaped: the signal is lost, which is fine.
fn sent(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
