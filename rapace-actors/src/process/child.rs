//! The handle of a running plugin process.
//!
//! - H1: a signal is sent only while the process has not been reaped, so its id cannot have passed to a stranger. It is
//!   reaped after its handle is gone, and by nobody else.
//! - H2: SIGKILL goes to the process group too, if the plugin leads one; SIGTERM goes to the plugin alone, which
//!   knows best how to end what it has started.
//! - H3: how the process ended is remembered and can be asked for again.
//! - H4: however the process ends, what it has left in its process group is killed. That is done before the process
//!   is reaped: until then the group's number is its own.
//! - H5: no executor reaps: that has been seen to take two ticks of the kernel, eight milliseconds. How a process ended
//!   can be known without, and the rest is the [`reaper`]'s.

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use rapace_spawn::LeashHold;
// nix knows no real-time signals: it gives an error for a process that one of them has ended.
use rustix::process::{WaitId, WaitIdOptions, WaitIdStatus, waitid};
use tokio::io::unix::AsyncFd;

use super::unreaped::Unreaped;
use super::{ExitCause, Threads, reaper, thread_end};

/// A plugin process. Dropping it kills the process.
#[derive(Debug)]
pub struct PluginProcess {
    /// Taken when the handle is dropped.
    child: Option<Unreaped>,
    pid: Pid,
    leads_group: bool,
    /// Readable from the end of the process on.
    exit: AsyncFd<OwnedFd>,
    ended: Option<ExitCause>,
    /// Ends what is left of it with this handle, and with this process.
    _leash: LeashHold,
}

impl PluginProcess {
    /// Takes over a child that nobody has reaped. If that fails, it is killed.
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
                // It was started a moment ago, and is ours.
                let _ = child.kill();
                reaper::take(child, leads_group);
                Err(error)
            }
        }
    }

    /// Its process id, which is its own as long as there is this handle.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid.as_raw().unsigned_abs()
    }

    /// Waits until the process has ended.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; the next call gives the same answer.
    pub async fn wait(&mut self) -> ExitCause {
        loop {
            if let Some(ended) = self.ended {
                return ended;
            }
            let Ok(mut ready) = self.exit.readable().await else {
                // A runtime that shuts down tells no more.
                return self.lost(&io::Error::other("the runtime shuts down"));
            };
            ready.clear_ready();
            self.try_wait();
        }
    }

    /// What tells of its death before it can be waited for, once it is guarded.
    pub(crate) fn threads(&self) -> Threads {
        Threads::of(self.pid())
    }

    /// How the process ended, if it has.
    pub fn try_wait(&mut self) -> Option<ExitCause> {
        if self.ended.is_none() {
            // H5
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

    /// Asks the process to end: SIGTERM. Does nothing if it has ended.
    ///
    /// # Errors
    /// What the system said, if the signal may not be sent (the plugin runs as another user).
    pub fn terminate(&mut self) -> io::Result<()> {
        match self.ended {
            None => sent(kill(self.pid, Signal::SIGTERM)),
            Some(_) => Ok(()),
        }
    }

    /// Ends the process, and whatever it has started and left in its process group: SIGKILL. Does nothing if it has
    /// ended.
    ///
    /// # Errors
    /// What the system said, if the signal may not be sent (the plugin runs as another user).
    pub fn kill(&mut self) -> io::Result<()> {
        if self.ended.is_some() {
            return Ok(());
        }
        if self.leads_group {
            // The group is gone if the plugin has moved itself to another; the plugin itself is next.
            sent(killpg(self.pid, Signal::SIGKILL))?;
        }
        sent(kill(self.pid, Signal::SIGKILL))
    }

    /// H4: of a process that has ended and was not reaped.
    fn sweep(&self) {
        if self.leads_group {
            // The process itself is in the group, so there always is one; others of it may be another user's.
            let _ = killpg(self.pid, Signal::SIGKILL);
        }
    }

    /// It cannot be waited for. Unless somebody else has reaped it (H1), it must not run on unwatched.
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

/// A process that has ended between the check and the signal is still unreaped: the signal is lost, which is fine.
fn sent(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}
