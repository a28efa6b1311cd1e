//! Why a plugin is down, in texts that also say what to do.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rapace_session::EndReason;

use super::{Failure, LimitReached, StartError};
use crate::process::{ExitReport, Incarnation, StopError};

/// Why a plugin is down, or is not restarted soon.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DownReason {
    /// It was never started.
    NotStarted,
    /// It was stopped on request.
    Stopped,
    /// The last [`Plugin`](crate::Plugin) handle was dropped, which stops it.
    HandleDropped,
    /// Its actor was stopped or killed through [`Plugin::actor_ref`](crate::Plugin::actor_ref).
    ActorStopped,
    /// Its process was told to end and cannot be ended. The plugin is not started again before that process is
    /// gone.
    Stays(Arc<StopError>),
    /// The tokio runtime that it was started in was shut down.
    RuntimeGone,
    /// In a plugin, of its host: the session with the host has ended.
    HostGone(Box<EndReason>),
    /// It exited with code 0, which its policy (Transient or Never) treats as the end of its work.
    Completed(ExitReport),
    /// It failed, and its policy is Never.
    NotRestarted(Failure),
    /// It was stopped because a sibling failed, and its policy is Never or the sibling was given up.
    StoppedWithSibling(Arc<str>),
    /// It waits for a sibling that failed too often and is retried later: see
    /// [`CircuitOpen`](Self::CircuitOpen). It is started again when that sibling is ready.
    SiblingCircuitOpen(Arc<str>),
    /// It failed too often.
    RestartLimit {
        /// The limit that was reached.
        limit: LimitReached,
        /// The failure that reached the limit.
        last: Failure,
    },
    /// Its start failed in a way that a retry cannot fix.
    StartFailed(Incarnation, StartError),
    /// It failed too often, so its circuit breaker is open; it is tried once after `pause`.
    CircuitOpen {
        /// The limit that was reached.
        limit: LimitReached,
        /// The latest failure.
        last: Failure,
        /// How long the circuit breaker stays open, from the latest failure.
        pause: Duration,
    },
}

/// The error of a call whose plugin is down.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Down {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// Why it is down.
    pub reason: DownReason,
}

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { plugin, reason } = self;
        match reason {
            DownReason::NotStarted => write!(f, "plugin `{plugin}` was never started; start it"),
            DownReason::Stopped => write!(
                f,
                "plugin `{plugin}` was stopped as requested; start it again if it is needed"
            ),
            DownReason::HandleDropped => write!(
                f,
                "plugin `{plugin}` was stopped because the last handle to it was dropped; keep the `Plugin` as long as \
                 its proxies are used"
            ),
            DownReason::ActorStopped => write!(
                f,
                "the actor of plugin `{plugin}` was stopped, and its process with it; build the plugin anew"
            ),
            DownReason::Stays(why) => write!(
                f,
                "plugin `{plugin}` is not started again, because its previous process cannot be ended: {why}"
            ),
            DownReason::RuntimeGone => write!(
                f,
                "the tokio runtime that plugin `{plugin}` ran on was shut down, and the plugin with it; give it one that \
                 outlives its callers with `PluginSpec::runtime`"
            ),
            DownReason::HostGone(reason) => {
                write!(f, "the host of this plugin accepts no more calls: {reason}")
            }
            DownReason::Completed(exit) if !exit.connected => exit.tell(
                f,
                "; it is not restarted, since its policy treats that as the end of its work",
            ),
            DownReason::Completed(exit) => write!(
                f,
                "plugin `{plugin}` has done its work and exited (incarnation {}); start it again, or give it \
                 RestartPolicy::Permanent",
                exit.incarnation
            ),
            DownReason::NotRestarted(failure) => write!(
                f,
                "plugin `{plugin}` has failed and is not restarted; start it again, or give it RestartPolicy::Transient. \
                 Its failure: {failure}"
            ),
            DownReason::StoppedWithSibling(sibling) => write!(
                f,
                "plugin `{plugin}` was stopped because its sibling `{sibling}` failed, and is not restarted; start it \
                 again when `{sibling}` is ready"
            ),
            DownReason::SiblingCircuitOpen(sibling) => write!(
                f,
                "plugin `{plugin}` waits for its sibling `{sibling}`, which has failed too often; it is started again \
                 when `{sibling}` is ready"
            ),
            DownReason::RestartLimit { limit, last } => write!(
                f,
                "plugin `{plugin}` has failed too often: {limit}; find the cause, then start it again. The last \
                 failure: {last}"
            ),
            DownReason::StartFailed(incarnation, error) => {
                write!(
                    f,
                    "plugin `{plugin}` (incarnation {incarnation}) cannot be started: {error}"
                )
            }
            DownReason::CircuitOpen { limit, last, pause } => write!(
                f,
                "plugin `{plugin}` has failed too often: {limit}; it is tried again {pause:?} after its last failure. \
                 The last failure: {last}"
            ),
        }
    }
}

impl std::error::Error for Down {
    /// Returns the operating system's error if the plugin could not be started; all else is in the text.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            DownReason::NotStarted
            | DownReason::Stopped
            | DownReason::HandleDropped
            | DownReason::ActorStopped
            | DownReason::RuntimeGone
            | DownReason::HostGone(_)
            | DownReason::Completed(_)
            | DownReason::StoppedWithSibling(_)
            | DownReason::SiblingCircuitOpen(_) => None,
            DownReason::Stays(why) => why.source(),
            DownReason::NotRestarted(last)
            | DownReason::RestartLimit { last, .. }
            | DownReason::CircuitOpen { last, .. } => last.source(),
            DownReason::StartFailed(_, error) => error.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{EndedBy, ExitCause};
    use crate::supervision::fixture::{crash, exit};

    #[test]
    fn every_reason_names_the_plugin_and_a_way_out() {
        let limit = LimitReached {
            limit: 3,
            within: Duration::from_secs(60),
        };
        let reasons = [
            (DownReason::NotStarted, "start it"),
            (DownReason::Stopped, "start it again"),
            (
                DownReason::Completed(exit(4, ExitCause::Exited(0), EndedBy::Itself)),
                "#4",
            ),
            (DownReason::NotRestarted(crash(5)), "Transient"),
            (DownReason::StoppedWithSibling("fonts".into()), "`fonts`"),
            (
                DownReason::SiblingCircuitOpen("fonts".into()),
                "when `fonts` is ready",
            ),
            (
                DownReason::RestartLimit {
                    limit,
                    last: crash(6),
                },
                "3 restarts within 60s",
            ),
            (
                DownReason::RestartLimit {
                    limit,
                    last: crash(6),
                },
                "SIGSEGV",
            ),
            (
                DownReason::RestartLimit {
                    limit,
                    last: crash(6),
                },
                "#6",
            ),
            (
                DownReason::StartFailed(
                    Incarnation::FIRST,
                    StartError::Refused("speaks version 9".into()),
                ),
                "version 9",
            ),
            (
                DownReason::CircuitOpen {
                    limit,
                    last: crash(7),
                    pause: Duration::from_secs(30),
                },
                "tried again 30s",
            ),
        ];
        for (reason, expected) in reasons {
            let text = Down {
                plugin: "images".into(),
                reason,
            }
            .to_string();
            assert!(
                text.starts_with("plugin `images` ") && text.contains(expected),
                "{text}"
            );
        }
    }
}
