//! Events of a plugin: each change of its state, and each wait that has become long, as it happens.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapace_session::Wait;

use crate::process::{ExitReport, Incarnation, StopError};
use crate::supervision::{Down, DownReason, StartError, State};

/// A change of a plugin's state, or a wait that has become long.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PluginEvent {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// What happened.
    pub kind: PluginEventKind,
}

/// The kinds of [`PluginEvent`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PluginEventKind {
    /// A process is being started.
    Starting {
        /// The incarnation.
        incarnation: Incarnation,
    },
    /// The plugin is ready.
    Ready {
        /// The incarnation.
        incarnation: Incarnation,
        /// Its process id.
        pid: u32,
    },
    /// A process is being stopped.
    Stopping {
        /// The incarnation.
        incarnation: Incarnation,
    },
    /// A process is gone.
    Died(ExitReport),
    /// A process was told to end and cannot be ended: it runs as another user, or waits in the kernel for a
    /// device. The plugin is not started again before it is gone.
    Stays(Arc<StopError>),
    /// A process could not be started, or was refused.
    NotStarted(StartError),
    /// The plugin is restarted after a delay.
    Backoff {
        /// The number of the restart attempt since the plugin was last healthy, from 1.
        attempt: u32,
        /// The delay before the restart.
        wait: Duration,
    },
    /// The plugin waits for a sibling that has failed.
    AwaitingSiblings {
        /// The sibling.
        sibling: Arc<str>,
    },
    /// The plugin failed too often: its circuit breaker is open, and it is tried once after `wait`.
    CircuitOpen {
        /// The error of calls meanwhile.
        reason: DownReason,
        /// How long the circuit breaker stays open.
        wait: Duration,
    },
    /// The plugin is down and does not restart by itself.
    Down(DownReason),
    /// Calls, streams or allocations of this host have waited for a second. Those that wait for the same are
    /// one event, until none of them waits so long any more, and at most once a minute.
    /// [`Plugin::waiting`](super::Plugin::waiting) lists what waits now.
    Waiting(Box<Wait>),
}

impl PluginEventKind {
    /// Returns the event that announces this state.
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
            PluginEventKind::Waiting(wait) => write!(f, "plugin `{name}`: {wait}"),
            PluginEventKind::Stays(why) => write!(f, "plugin `{name}` cannot be ended: {why}"),
            PluginEventKind::NotStarted(error) => {
                write!(f, "plugin `{name}` did not start: {error}")
            }
            PluginEventKind::Backoff { attempt, wait } if wait.is_zero() => {
                write!(
                    f,
                    "plugin `{name}` is restarted at once (attempt {attempt})"
                )
            }
            PluginEventKind::Backoff { attempt, wait } => {
                write!(
                    f,
                    "plugin `{name}` is restarted in {wait:.0?} (attempt {attempt})"
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
