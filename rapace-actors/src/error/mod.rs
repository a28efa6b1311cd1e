//! Why a call through a proxy has no result.
//!
//! Uses exit reports and the reasons why plugins are down, which errors include; does not depend on how calls
//! are made.
//!
//! - ER1: each text includes its cause. `source` returns only what the text does not include, so printing the whole
//!   chain repeats nothing.

use rapace_session::{CallFailure, EndReason, RemoteError, StartState};

use crate::process::ExitReport;
use crate::supervision::{Down, DownReason};

/// Why a call has no result. `E` is the method's own error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The method returned its own error.
    #[error("{0}")]
    Handler(E),
    /// The handler panicked with this message; its service goes on or is restarted by its policy. The message of a plugin's
    /// handler arrives on one line, escaped.
    #[error("the handler panicked: {0}")]
    Panicked(String),
    /// The deadline passed before the reply. The call was cancelled.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The plugin died while it ran the call, which may have had effects. Calls of methods that are marked idempotent
    /// are sent again instead.
    #[error("{}", .0.with_note("; the call had begun"))]
    PluginDied(ExitReport),
    /// The plugin died before it began the call, which had no effect. It was not sent again because items of
    /// its stream had been sent, and are gone with the process: the same call may be made again.
    #[error(
        "{}",
        .0.with_note(
            "; the call had not begun, and items of its stream are lost with the process: make the call again with \
             all of them"
        )
    )]
    NotBegun(ExitReport),
    /// The call was running when two incarnations of the plugin died: it is not sent a third time.
    #[error(
        "{}",
        .0.with_note("; the call was running when two incarnations died and is not sent again")
    )]
    Poisoned(ExitReport),
    /// The plugin is being started or restarted, and the caller chose not to wait.
    #[error(
        "plugin `{plugin}` is being started or restarted; try again, or wait for it without `fail_fast`"
    )]
    Restarting {
        /// Its name.
        plugin: String,
    },
    /// The plugin is not restarted, or not soon; the reason says which.
    #[error(transparent)]
    Down(Down),
    /// The session ended before the reply; there is no plugin that could be restarted.
    #[error("{reason}; the call {}", has_begun(.start_state))]
    SessionEnded {
        /// Whether the other side had begun the call.
        start_state: StartState,
        /// Why the session ended.
        reason: EndReason,
    },
    /// The service has stopped, or is not provided: the call did not run.
    #[error("the service takes no calls: {0}")]
    Unavailable(String),
    /// The handler was dropped before it answered, with its service or its runtime: the call may have had effects.
    #[error(
        "{0} was dropped by the other side before its handler answered, and may have had effects"
    )]
    Dropped(String),
    /// The other side does not have this method, or has another one of that name: it was built from another definition
    /// of the service. Nothing was run.
    #[error("{0}")]
    Unimplemented(String),
    /// A limit of the session is reached, such as that of its open streams; the text names it. Nothing was run.
    #[error("{0}")]
    LimitReached(String),
    /// The two sides do not understand each other, or a value cannot be sent: a defect in one of them, which a
    /// retry does not fix.
    #[error("{0}")]
    Protocol(String),
}

impl<E> CallError<E> {
    /// Whether this error alone proves that a retry repeats no effect: the call did not run, or was kept for another try
    /// because its method is declared idempotent. An idempotent method may be retried after any error. A retry loop
    /// checks this, and waits between tries if [it may work later](Self::may_work_later).
    #[must_use]
    pub fn may_be_retried(&self) -> bool {
        match self {
            Self::NotBegun(_)
            | Self::Restarting { .. }
            | Self::Down(_)
            | Self::Unavailable(_)
            | Self::Unimplemented(_)
            | Self::LimitReached(_) => true,
            Self::SessionEnded { start_state, .. } => *start_state == StartState::NotBegun,
            Self::Handler(_)
            | Self::Panicked(_)
            | Self::DeadlineExceeded
            | Self::PluginDied(_)
            | Self::Poisoned(_)
            | Self::Dropped(_)
            | Self::Protocol(_) => false,
        }
    }

    /// Whether a retry may succeed without a correction, start or build. It does not say whether the first try
    /// has had effects: see [`may_be_retried`](Self::may_be_retried).
    ///
    /// After an exit it says whether the process was [stopped for good](crate::process::ExitDetails::for_good).
    /// It cannot know what follows an exit that nobody requested: restart policy and limit decide that later.
    /// If the plugin is not restarted, the next call fails at once with [`CallError::Down`], for which this is
    /// accurate.
    #[must_use]
    pub fn may_work_later(&self) -> bool {
        match self {
            Self::DeadlineExceeded | Self::LimitReached(_) | Self::Restarting { .. } => true,
            Self::PluginDied(exit) | Self::NotBegun(exit) => !exit.for_good,
            Self::Down(down) => matches!(
                down.reason,
                DownReason::CircuitOpen { .. }
                    | DownReason::SiblingCircuitOpen(_)
                    | DownReason::Stays(_)
            ),
            Self::Handler(_)
            | Self::Panicked(_)
            | Self::Poisoned(_)
            | Self::SessionEnded { .. }
            | Self::Unavailable(_)
            | Self::Dropped(_)
            | Self::Unimplemented(_)
            | Self::Protocol(_) => false,
        }
    }

    /// Converts the method's own error.
    pub fn map_handler<F>(self, f: impl FnOnce(E) -> F) -> CallError<F> {
        match self {
            Self::Handler(error) => CallError::Handler(f(error)),
            Self::Panicked(message) => CallError::Panicked(message),
            Self::DeadlineExceeded => CallError::DeadlineExceeded,
            Self::PluginDied(exit) => CallError::PluginDied(exit),
            Self::NotBegun(exit) => CallError::NotBegun(exit),
            Self::Poisoned(exit) => CallError::Poisoned(exit),
            Self::Restarting { plugin } => CallError::Restarting { plugin },
            Self::Down(reason) => CallError::Down(reason),
            Self::SessionEnded {
                start_state,
                reason,
            } => CallError::SessionEnded {
                start_state,
                reason,
            },
            Self::Unavailable(why) => CallError::Unavailable(why),
            Self::Dropped(what) => CallError::Dropped(what),
            Self::Unimplemented(what) => CallError::Unimplemented(what),
            Self::LimitReached(what) => CallError::LimitReached(what),
            Self::Protocol(what) => CallError::Protocol(what),
        }
    }

    pub(crate) fn from_remote_error(failure: RemoteError) -> Self {
        match failure {
            RemoteError::Panicked(message) => Self::Panicked(message),
            RemoteError::DeadlineExceeded => Self::DeadlineExceeded,
            RemoteError::Unavailable(why) => Self::Unavailable(why),
            RemoteError::Cancelled | RemoteError::Dropped => Self::Dropped("the call".into()),
            RemoteError::UnknownMethod(what) => Self::Unimplemented(what),
            RemoteError::LimitReached(what) => Self::LimitReached(what),
            RemoteError::BadArguments(_) | RemoteError::BadResult(_) => {
                Self::Protocol(failure.to_string())
            }
        }
    }

    pub(crate) fn from_call(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Failed(failure) => Self::from_remote_error(failure),
            CallFailure::SessionEnded {
                start_state,
                reason,
            } => Self::SessionEnded {
                start_state,
                reason,
            },
            CallFailure::Encode(_) | CallFailure::TooLarge { .. } => {
                Self::Protocol(failure.to_string())
            }
            CallFailure::Settled(outcome) => match outcome.downcast_ref::<CallOutcome>() {
                Some(CallOutcome::Died(exit)) => Self::PluginDied(exit.clone()),
                Some(CallOutcome::NotBegun(exit)) => Self::NotBegun(exit.clone()),
                Some(CallOutcome::Poisoned(exit)) => Self::Poisoned(exit.clone()),
                Some(CallOutcome::Down(reason)) => Self::Down(reason.clone()),
                None => Self::Dropped("a call that outlived its session".into()),
            },
        }
    }
}

/// How a plugin settles a call that outlived its session.
#[derive(Clone, Debug)]
pub(crate) enum CallOutcome {
    Died(ExitReport),
    /// Items of its stream are lost.
    NotBegun(ExitReport),
    Poisoned(ExitReport),
    Down(Down),
}

impl CallOutcome {
    pub(crate) fn into_failure(self) -> CallFailure {
        CallFailure::Settled(std::sync::Arc::new(self))
    }
}

fn has_begun(start_state: &StartState) -> &'static str {
    match start_state {
        StartState::NotBegun => "had not begun",
        StartState::Begun => "had begun",
        StartState::Unknown => "may have begun",
    }
}
