//! Shuts a plugin's process down, one stage after the other.
//!
//! | stage | what happens | for at most |
//! |---|---|---|
//! | [`ShutdownStage::Drain`] | the caller finishes what was begun and tells the plugin to leave; it leaves by itself | `drain` |
//! | [`ShutdownStage::Terminate`] | SIGTERM to the plugin | `terminate` |
//! | [`ShutdownStage::Kill`] | SIGKILL to the plugin and its process group | `kill` |
//!
//! - D1: in every stage, an exit of the process ends the wait at once.
//! - D2: if the plugin cannot be told to leave, the next stage follows at once.
//! - D3: only a process that the kernel cannot kill (it waits in a device driver), or that we may not signal, outlives the
//!   last stage.
//! - D4: only time in which the host runs is counted: a host that was blocked takes no time from its plugin.
//! - D5: nothing but these timeouts bounds a plugin of a living host: its watchdog kills it sooner only if the host is dead.

use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use super::{ExitCause, PluginProcess, within};

/// How long each stage of a shutdown lasts before the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownTimeouts {
    /// For calls in flight, and for the plugin to exit by itself. Default 5 s: longer than a healthy call takes,
    /// shorter than the ten seconds after which service managers kill the host.
    pub drain: Duration,
    /// From SIGTERM to SIGKILL. Default 2 s.
    pub terminate: Duration,
    /// From SIGKILL until the shutdown fails. Default 2 s: tearing down 1 GiB takes a sixth of a second.
    pub kill: Duration,
}

impl Default for ShutdownTimeouts {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(5),
            terminate: Duration::from_secs(2),
            kill: Duration::from_secs(2),
        }
    }
}

/// The outcome of the caller's drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrainOutcome {
    /// The plugin was told to leave, and is expected to.
    Leaving,
    /// The plugin could not be told: the session is gone or was never there.
    Unreachable,
}

/// A stage of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ShutdownStage {
    /// The process exited, or crashed, without a signal from its host.
    Drain,
    /// The process was sent SIGTERM.
    Terminate,
    /// The process was sent SIGKILL.
    Kill,
}

/// How a process exited, and in which stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// How it ended.
    pub cause: ExitCause,
    /// The stage in which it ended.
    pub stage: ShutdownStage,
}

/// A process could not be shut down. The text includes the system's error, so there is no source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopError {
    /// SIGKILL was sent, and the process was still there after this long.
    #[error(
        "process {pid} was sent SIGKILL and is still there after {waited:.1?}; it waits in the kernel (see \
         /proc/{pid}/stack), most likely for a device or a network file system"
    )]
    Unkillable {
        /// Its process id.
        pid: u32,
        /// How long the shutdown waited after SIGKILL.
        waited: Duration,
    },
    /// The system does not allow this process to signal it.
    #[error(
        "process {pid} cannot be signalled: {cause}; run the plugin as the same user as its host"
    )]
    Signal {
        /// Its process id.
        pid: u32,
        /// The system's error.
        cause: io::Error,
    },
}

impl ShutdownTimeouts {
    /// SIGKILL at once: for a plugin that is unresponsive or violated the protocol.
    #[must_use]
    pub fn at_once() -> Self {
        Self {
            drain: Duration::ZERO,
            terminate: Duration::ZERO,
            ..Self::default()
        }
    }

    /// Shuts `process` down. `drain` finishes running calls and tells the plugin to leave; it is dropped when its
    /// timeout passes or the process exits. A stage whose timeout is zero is skipped.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the process in the stage that was reached; calling again starts from the first.
    ///
    /// # Errors
    /// [`StopError`], if the process still runs. `process` can still be waited for.
    pub async fn stop<D>(&self, process: &mut PluginProcess, drain: D) -> Result<Stopped, StopError>
    where
        D: Future<Output = DrainOutcome>,
    {
        if let Some(cause) = self.drain(process, drain).await {
            return Ok(Stopped {
                cause,
                stage: ShutdownStage::Drain,
            });
        }
        let pid = process.pid();
        if !self.terminate.is_zero() {
            process
                .terminate()
                .map_err(|cause| StopError::Signal { pid, cause })?;
            if let Some(cause) = within(self.terminate, process.wait()).await {
                return Ok(Stopped {
                    cause,
                    stage: ShutdownStage::Terminate,
                });
            }
        }
        process
            .kill()
            .map_err(|cause| StopError::Signal { pid, cause })?;
        match within(self.kill, process.wait()).await {
            Some(cause) => Ok(Stopped {
                cause,
                stage: ShutdownStage::Kill,
            }),
            None => Err(StopError::Unkillable {
                pid,
                waited: self.kill,
            }),
        }
    }

    /// The first stage; `None` if the process is still there.
    async fn drain(
        &self,
        process: &mut PluginProcess,
        drain: impl Future<Output = DrainOutcome>,
    ) -> Option<ExitCause> {
        if self.drain.is_zero() {
            return process.try_wait();
        }
        let leaves = async {
            tokio::select! {
                biased;
                cause = process.wait() => return Some(cause),
                outcome = drain => if outcome == DrainOutcome::Unreachable { return None },
            }
            Some(process.wait().await)
        };
        within(self.drain, leaves).await.flatten()
    }
}

impl fmt::Display for ShutdownStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Drain => "it exited by itself",
            Self::Terminate => "after SIGTERM",
            Self::Kill => "after SIGKILL",
        })
    }
}
