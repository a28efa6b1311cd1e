//! The handle of a running plugin process.
//!
//! - H1: a signal is sent only while the process has not been reaped, so its id cannot belong to another
//!   process. It is reaped after its handle is dropped, and by nobody else.
//! - H2: SIGKILL goes to the process group too, if the plugin leads one; SIGTERM goes to the plugin alone,
//!   which knows best how to stop its own children.
//! - H3: how the process ended is remembered and can be queried again.
//! - H4: however the process ends, the rest of its process group is killed. That happens before the process is
//!   reaped: until then the group's id cannot be reused.
//! - H5: no executor thread reaps: that can take two ticks of the kernel, eight milliseconds. How a process
//!   ended can be read without reaping it; the [`reaper`] does the rest.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use rapace_spawn::LeashHold;
// nix returns an error for a process that was killed by a real-time signal.
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};
use tokio::io::unix::AsyncFd;

use super::unreaped::Unreaped;
use super::{ExitCause, Threads, reaper, thread_end};

/// A plugin process. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    /// `None` once the handle is being dropped.
    child: Option<Unreaped>,
    pid: Pid,
    leads_group: bool,
    /// Readable once the process has ended.
    exit: AsyncFd<OwnedFd>,
    ended: Option<ExitCause>,
    /// Kills the rest of its group when this handle, or this process, goes.
    _leash: LeashHold,
}

impl PluginProcess {
    /// Takes over an unreaped child. On failure the child is killed.
    pub(super) fn new(
        mut child: Unreaped,
        leads_group: bool,
        leash: LeashHold,
    ) -> io::Result<Self> {
        let pid = child.pid();
        match thread_end::of_process(pid.as_raw()).and_then(thread_end::register) {
            Ok(exit) => {
                if leads_group {
                    reaper::look_after(pid);
                }
                Ok(Self {
                    child: Some(child),
                    pid,
                    leads_group,
                    exit,
                    ended: None,
                    _leash: leash,
                })
            }
            Err(error) => {
                // The signal cannot fail: the child is ours and unreaped.
                let _ = child.kill();
                reaper::take(child, leads_group);
                Err(error)
            }
        }
    }

    /// Returns its process id, which cannot be reused while this handle exists.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Waits until the process has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; the next call returns the same result.
    pub async fn wait(&mut self) -> ExitCause {
        loop {
            if let Some(ended) = self.ended {
                return ended;
            }
            let Ok(mut ready) = self.exit.readable().await else {
                // A runtime that shuts down delivers no more events.
                return self.lost(&io::Error::other("the runtime shuts down"));
            };
            ready.clear_ready();
            self.try_wait();
        }
    }

    /// Returns the watcher of its threads, which detects its death before it can be reaped.
    pub(crate) fn threads(&self) -> Threads {
        Threads::of(self.pid())
    }

    /// Returns how the process ended, if it has.
    pub fn try_wait(&mut self) -> Option<ExitCause> {
        if self.ended.is_none() {
            // Does not reap (H5).
            let only_look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            match waitid(WaitId::Pid(raw(self.pid)), only_look) {
                Ok(None) => {}
                Ok(Some(status)) => {
                    self.sweep();
                    self.ended = Some(cause(&status));
                }
                Err(error) => return Some(self.lost(&error.into())),
            }
        }
        self.ended
    }

    /// Sends SIGTERM. Does nothing if the process has ended.
    ///
    /// # Errors
    /// The system's error, if the signal may not be sent (the plugin runs as another user).
    pub fn terminate(&mut self) -> io::Result<()> {
        match self.ended {
            None => sent(kill(self.pid, Signal::SIGTERM)),
            Some(_) => Ok(()),
        }
    }

    /// Sends SIGKILL to the process and to the rest of its process group. Does nothing if it has ended.
    ///
    /// # Errors
    /// The system's error, if the signal may not be sent (the plugin runs as another user).
    pub fn kill(&mut self) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        if self.leads_group {
            // The group is gone if the plugin has moved to another one; the plugin itself follows.
            sent(killpg(self.pid, Signal::SIGKILL))?;
        }
        sent(kill(self.pid, Signal::SIGKILL))
    }

    /// Kills the rest of the group of a process that has ended and was not reaped (H4).
    fn sweep(&self) {
        if self.leads_group {
            // The zombie is still in the group, so the group exists; other members may belong to another user.
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }

    /// Handles a process that cannot be waited for. Unless it was reaped elsewhere (H1), the process is killed, so
    /// that it does not run unwatched.
    fn lost(&mut self, error: &io::Error) -> ExitCause {
        if error.raw_os_error() != Some(Errno::ECHILD as i32) {
            tracing::warn!(target: "rapace", pid = self.pid(), %error, "cannot wait for a plugin process; killing it");
            let _ = self.kill();
        }
        *self.ended.insert(ExitCause::Unknown)
    }
}

impl Drop for PluginProcess {
    fn drop(&mut self) {
        if self.try_wait().is_none()
            && let Err(error) = self.kill()
        {
            tracing::error!(target: "rapace", pid = self.pid(), %error, "a plugin process cannot be killed");
        }
        if let Some(child) = self.child.take() {
            reaper::take(child, self.leads_group);
        }
    }
}

fn raw(pid: Pid) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(pid.as_raw()).expect("the id of a process is not 0")
}

fn cause(status: &WaitIdStatus) -> ExitCause {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ExitCause::Exited(code),
        (None, Some(signal)) => ExitCause::Signalled {
            signal,
            core_dumped: status.dumped(),
        },
        (None, None) => ExitCause::Unknown,
    }
}

/// Ignores that the process has ended between the check and the signal. It is still unreaped, so the signal was
/// just lost.
fn sent(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
