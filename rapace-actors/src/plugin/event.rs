//! What happens to a plugin, as it happens.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::process::{ExitReport, Incarnation, StopError};
use crate::supervision::{Down, DownReason, StartError, State};

/// Something that happened to a plugin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginEvent {
    /// Its name.
    pub plugin: Arc<str>,
    /// What happened.
    pub kind: PluginEventKind,
}

/// What can happen to a plugin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PluginEventKind {
    /// A process is being started.
    Starting {
        /// Which one.
        incarnation: Incarnation,
    },
    /// The plugin answers.
    Ready {
        /// Which process.
        incarnation: Incarnation,
        /// Its process id.
        pid: u32,
    },
    /// A process is being taken down.
    Stopping {
        /// Which one.
        incarnation: Incarnation,
    },
    /// A process is gone.
    Died(ExitReport),
    /// A process was to end and cannot be ended: it runs as another user, or waits in the kernel for a device. The plugin is
    /// not started again before it is gone.
    Stays(Arc<StopError>),
    /// A process could not be started, or was refused.
    NotStarted(StartError),
    /// The plugin is started again after a wait.
    Backoff {
        /// The number of the attempt since it was last healthy, from one.
        attempt: u32,
        /// The wait.
        wait: Duration,
    },
    /// The plugin waits for a sibling that has failed.
    AwaitingSiblings {
        /// The sibling.
        sibling: Arc<str>,
    },
    /// The plugin failed too often: it is left alone for a while, and then tried once.
    CircuitOpen {
        /// What calls are told meanwhile.
        reason: DownReason,
        /// How long.
        wait: Duration,
    },
    /// The plugin does not come back by itself.
    Down(DownReason),
}

impl PluginEventKind {
    /// That a plugin is in that state now.
    pub(crate) fn of(state: &State, pid: Option<u32>, now: Instant) -> Self {
        let wait = |until: Instant| until.saturating_duration_since(now);
        match state {
            State::Down(reason) => Self::Down(reason.clone()),
            State::Starting { incarnation, .. } => Self::Starting {
                incarnation: *incarnation,
            },
            State::Ready { incarnation, .. } => Self::Ready {
                incarnation: *incarnation,
                pid: pid.unwrap_or_default(),
            },
            State::Stopping { incarnation, .. } => Self::Stopping {
                incarnation: *incarnation,
            },
            State::Backoff { attempt, until, .. } => Self::Backoff {
                attempt: *attempt,
                wait: wait(*until),
            },
            State::CircuitOpen { until, reason } => Self::CircuitOpen {
                reason: reason.clone(),
                wait: wait(*until),
            },
            State::AwaitingSiblings { sibling, .. } => Self::AwaitingSiblings {
                sibling: Arc::clone(sibling),
            },
        }
    }
}

impl fmt::Display for PluginEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.plugin;
        match &self.kind {
            PluginEventKind::Starting { incarnation } => {
                write!(
                    f,
                    "plugin `{name}` (incarnation {incarnation}) is being started"
                )
            }
            PluginEventKind::Ready { incarnation, pid } => {
                write!(
                    f,
                    "plugin `{name}` (incarnation {incarnation}, process {pid}) is ready"
                )
            }
            PluginEventKind::Stopping { incarnation } => {
                write!(
                    f,
                    "plugin `{name}` (incarnation {incarnation}) is being stopped"
                )
            }
            PluginEventKind::Died(exit) => exit.fmt(f),
            PluginEventKind::Stays(why) => write!(f, "plugin `{name}` cannot be ended: {why}"),
            PluginEventKind::NotStarted(error) => {
                write!(f, "plugin `{name}` did not start: {error}")
            }
            PluginEventKind::Backoff { attempt, wait } if wait.is_zero() => {
                write!(
                    f,
                    "plugin `{name}` is started again at once (attempt {attempt})"
                )
            }
            PluginEventKind::Backoff { attempt, wait } => {
                write!(
                    f,
                    "plugin `{name}` is started again in {wait:.0?} (attempt {attempt})"
                )
            }
            PluginEventKind::AwaitingSiblings { sibling } if sibling == name => {
                write!(
                    f,
                    "plugin `{name}` waits until its siblings can be started with it"
                )
            }
            PluginEventKind::AwaitingSiblings { sibling } => {
                write!(f, "plugin `{name}` waits for its sibling `{sibling}`")
            }
            PluginEventKind::CircuitOpen { reason, .. } | PluginEventKind::Down(reason) => Down {
                plugin: Arc::clone(name),
                reason: reason.clone(),
            }
            .fmt(f),
        }
    }
}
