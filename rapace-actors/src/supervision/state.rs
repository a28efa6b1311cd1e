//! The states of a supervised plugin, its events, and the actions that follow.
//!
//! The transitions are in [`Lifecycle::on`](super::Lifecycle::on), all of them in one `match`.
//!
//! ```text
//!            start                 ready                stop, restart, hold
//!   Down ───────────► Starting ───────────► Ready ──────────────────────────► Stopping
//!    ▲                 ▲  ▲  │ failed          │ died                            │ died
//!    │      time is up │  │  └────────┬────────┘                                 │
//!    │                 │  │           ▼ decided                                  │
//!    ├──────── Backoff ◄──┼───────────┤                    ┌─────────────────────┤
//!    ├──── CircuitOpen ◄──┼───────────┤                    ▼                     │
//!    └────────────────────┼───────────┘             AwaitingSiblings             │
//!                         ├───────────────── release ──────┘                     │
//!                         └───────────────── restart, or Down ───────────────────┘
//! ```

use std::sync::Arc;
use std::time::Instant;

use super::{ChildState, DownReason, Failure, StartError};
use crate::process::{ExitReport, Incarnation};

/// The state of a plugin. At most one incarnation is current, and only in the states that name it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// There is no process, and none will be started.
    Down(DownReason),
    /// A process is being started, up to the end of the handshake.
    Starting {
        /// The incarnation.
        incarnation: Incarnation,
        /// Set if this is the probe of an open circuit: the reason that calls fail with until it is ready.
        probe: Option<DownReason>,
    },
    /// The plugin serves.
    Ready {
        /// The incarnation.
        incarnation: Incarnation,
        /// When it became ready.
        since: Instant,
    },
    /// The process is being stopped.
    Stopping {
        /// The incarnation.
        incarnation: Incarnation,
        /// What follows when it has exited.
        then: AfterStop,
    },
    /// The plugin has failed and is restarted at `until`.
    Backoff {
        /// The number of that attempt since it was last healthy.
        attempt: u32,
        /// The time of the restart.
        until: Instant,
        /// The failure.
        last: Failure,
    },
    /// The plugin has failed too often: it is started once, as a probe, at `until`.
    CircuitOpen {
        /// The time of the probe.
        until: Instant,
        /// The reason that calls fail with meanwhile.
        reason: DownReason,
    },
    /// There is no process: a sibling has failed, and both are started again together.
    AwaitingSiblings {
        /// The sibling.
        sibling: Arc<str>,
        /// The reason that calls fail with meanwhile. `None` if calls wait, since the sibling is about to be restarted.
        refuse: Option<DownReason>,
    },
}

/// What follows when a process that is being stopped has exited.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AfterStop {
    /// No further process.
    Down(DownReason),
    /// The next incarnation, at once.
    Restart,
    /// Waiting for a sibling.
    Hold {
        /// The sibling.
        sibling: Arc<str>,
        /// The reason that calls fail with meanwhile, if they do not wait.
        refuse: Option<DownReason>,
    },
}

/// What a plugin does after it was stopped because of a sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Stay down: its policy is `RestartPolicy::Never`, or the sibling does not come back.
    Down,
    /// Wait for the sibling, which is about to be started again. Calls wait with it.
    Wait,
    /// Wait for the sibling, whose circuit breaker is open. Calls fail at once.
    Refuse,
}

/// What happens to a plugin. Events that name an incarnation are facts about that one, and are ignored unless it is
/// the current one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A start was requested. Past failures are forgotten.
    Start,
    /// A stop was requested.
    Stop,
    /// The last handle was dropped.
    Shutdown,
    /// A restart was requested. Past failures are forgotten.
    Restart,
    /// A sibling has failed, and this plugin is stopped with it. A `Release` follows later.
    Hold {
        /// The sibling.
        sibling: Arc<str>,
        /// What it does afterwards.
        stay: Stay,
    },
    /// The siblings that it depends on are ready again.
    Release,
    /// The handshake is done.
    Ready(Incarnation),
    /// The process has exited.
    Died(ExitReport),
    /// The process should end, and cannot be ended.
    Stays(Incarnation),
    /// There was no process, or it was refused and is gone already.
    StartFailed(Incarnation, StartError),
    /// Another process, started beside the current one, is ready to take over: a reload, or a standby.
    TakeOver(Incarnation),
    /// The instant of an [`Action::WaitUntil`] has come.
    TimeIsUp,
}

/// What to do after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Action {
    /// Nothing. The state may have changed all the same.
    Nothing,
    /// Start a process, as this incarnation.
    Start(Incarnation),
    /// Stop this process, and report its exit.
    Stop(Incarnation),
    /// Report [`Event::TimeIsUp`] then. A later action of this kind replaces an earlier one.
    WaitUntil(Instant),
}

/// What a call does in a state.
#[derive(Clone, Copy, Debug)]
pub enum Admission<'a> {
    /// Go to this incarnation.
    Serve(Incarnation),
    /// Wait for the next incarnation, up to its deadline.
    Wait,
    /// Fail at once, for this reason.
    Refuse(&'a DownReason),
}

impl State {
    /// Returns what a call does in this state.
    #[must_use]
    pub fn admission(&self) -> Admission<'_> {
        match self {
            Self::Ready { incarnation, .. } => Admission::Serve(*incarnation),
            Self::Starting { probe: None, .. }
            | Self::Backoff { .. }
            | Self::AwaitingSiblings { refuse: None, .. }
            | Self::Stopping {
                then: AfterStop::Restart | AfterStop::Hold { refuse: None, .. },
                ..
            } => Admission::Wait,
            Self::Down(reason)
            | Self::CircuitOpen { reason, .. }
            | Self::Starting {
                probe: Some(reason),
                ..
            }
            | Self::AwaitingSiblings {
                refuse: Some(reason),
                ..
            }
            | Self::Stopping {
                then:
                    AfterStop::Down(reason)
                    | AfterStop::Hold {
                        refuse: Some(reason),
                        ..
                    },
                ..
            } => Admission::Refuse(reason),
        }
    }

    /// Returns the state as its siblings' supervisor sees it.
    #[must_use]
    pub fn as_child(&self) -> ChildState {
        match self {
            Self::Starting { .. } | Self::Ready { .. } => ChildState::Running,
            Self::Stopping {
                then: AfterStop::Restart | AfterStop::Hold { .. },
                ..
            }
            | Self::Backoff { .. }
            | Self::AwaitingSiblings { .. } => ChildState::Waiting,
            Self::Stopping {
                then: AfterStop::Down(_),
                ..
            }
            | Self::CircuitOpen { .. }
            | Self::Down(_) => ChildState::Down,
        }
    }

    /// Returns the incarnation that has a process, or is about to.
    #[must_use]
    pub fn incarnation(&self) -> Option<Incarnation> {
        match self {
            Self::Starting { incarnation, .. }
            | Self::Ready { incarnation, .. }
            | Self::Stopping { incarnation, .. } => Some(*incarnation),
            Self::Down(_)
            | Self::Backoff { .. }
            | Self::CircuitOpen { .. }
            | Self::AwaitingSiblings { .. } => None,
        }
    }
}
