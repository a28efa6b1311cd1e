//! Why a plugin is not there, told so that whoever reads it knows what to do.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rapace_session::EndReason;
use rapace_shm::EstablishError;

use super::LimitReached;
use crate::process::{Death, Incarnation, SpawnError, StopError, may_pass};

/// Why one incarnation never became ready, although nothing is known to have died.
#[derive(Clone, Debug)]
pub enum StartError {
    /// There was no process.
    Spawn(SpawnError),
    /// The system refused something that a start needs besides the process: descriptors, shared memory.
    Os {
        /// What was being done.
        step: &'static str,
        /// What it said.
        source: Arc<io::Error>,
    },
    /// The process and its host do not speak the same language: magic, version, schema or limits. Or what the plugin was
    /// to be started with cannot be had: its segment, its services, its name.
    Refused(Arc<str>),
}

/// What went wrong last.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The process died.
    Died(Death),
    /// The process could not be started, or was refused.
    Start(Incarnation, StartError),
}

impl Failure {
    /// Whether another try makes sense without anybody correcting anything.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Died(_) => true,
            Self::Start(_, error) => error.is_passing(),
        }
    }

    /// Which incarnation it was.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        match self {
            Self::Died(death) => death.incarnation,
            Self::Start(incarnation, _) => *incarnation,
        }
    }
}

/// Why a plugin is down, or is not tried again soon.
#[derive(Clone, Debug)]
pub enum DownReason {
    /// It was never started.
    NotStarted,
    /// Somebody asked for it.
    Stopped,
    /// The last [`Plugin`](crate::Plugin) handle was dropped, which stops it.
    HandleDropped,
    /// Its actor was stopped or killed through [`Plugin::actor_ref`](crate::Plugin::actor_ref).
    ActorStopped,
    /// Its process was to end and cannot be ended. It is not started again before that is gone.
    Stays(Arc<StopError>),
    /// The tokio runtime that it was started in was shut down, and it with that.
    RuntimeGone,
    /// Of a plugin's host: the session with it is over.
    HostGone(Box<EndReason>),
    /// It exited with code 0, and its policy (Transient or Never) takes that as the end of its work.
    Completed(Death),
    /// It failed, and its policy is Never.
    NotRestarted(Failure),
    /// It was stopped because a sibling failed, and its policy is Never or the sibling was given up.
    StoppedWithSibling(Arc<str>),
    /// It waits for a sibling that failed too often and is tried again later: see
    /// [`BreakerOpen`](Self::BreakerOpen). It is started again when that one answers.
    SiblingOpen(Arc<str>),
    /// It failed too often.
    RestartLimit {
        /// What was allowed.
        limit: LimitReached,
        /// The failure that was one too many.
        last: Failure,
    },
    /// It cannot be started until somebody corrects something.
    StartFailed(Incarnation, StartError),
    /// It failed too often and is left alone for a while; then it is tried once.
    BreakerOpen {
        /// What was allowed.
        limit: LimitReached,
        /// The latest failure.
        last: Failure,
        /// How long it is left alone, from the latest failure.
        pause: Duration,
    },
}

/// The error of a call whose plugin is down.
#[derive(Clone, Debug)]
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
                "plugin `{plugin}` is not started again, because the process before cannot be ended: {why}"
            ),
            DownReason::RuntimeGone => write!(
                f,
                "the tokio runtime that plugin `{plugin}` ran on was shut down, and the plugin with it; give it one that \
                 outlives its callers with `PluginSpec::runtime`"
            ),
            DownReason::HostGone(reason) => {
                write!(
                    f,
                    "the host of this plugin takes no calls any more: {reason}"
                )
            }
            DownReason::Completed(death) if !death.connected => death.tell(
                f,
                "; it is not restarted, since its policy takes that as the end of its work",
            ),
            DownReason::Completed(death) => write!(
                f,
                "plugin `{plugin}` has done its work and exited (incarnation {}); start it again, or give it \
                 RestartPolicy::Permanent",
                death.incarnation
            ),
            DownReason::NotRestarted(failure) => write!(
                f,
                "plugin `{plugin}` has failed and is not restarted; start it again, or give it RestartPolicy::Transient. \
                 It failed like this: {failure}"
            ),
            DownReason::StoppedWithSibling(sibling) => write!(
                f,
                "plugin `{plugin}` was stopped because its sibling `{sibling}` failed, and is not restarted; start it \
                 again when `{sibling}` is there"
            ),
            DownReason::SiblingOpen(sibling) => write!(
                f,
                "plugin `{plugin}` waits for its sibling `{sibling}`, which has failed too often; it is started again \
                 when `{sibling}` answers"
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
            DownReason::BreakerOpen { limit, last, pause } => write!(
                f,
                "plugin `{plugin}` has failed too often: {limit}; it is tried again {pause:?} after its last failure. \
                 The last failure: {last}"
            ),
        }
    }
}

impl std::error::Error for Down {
    /// What the text does not hold already: what the system said when the plugin could not be started.
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
            | DownReason::SiblingOpen(_) => None,
            DownReason::Stays(why) => why.source(),
            DownReason::NotRestarted(last)
            | DownReason::RestartLimit { last, .. }
            | DownReason::BreakerOpen { last, .. } => last.source(),
            DownReason::StartFailed(_, error) => error.source(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died(death) => death.fmt(f),
            Self::Start(incarnation, error) => {
                write!(f, "incarnation {incarnation} could not be started: {error}")
            }
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Died(_) => None,
            Self::Start(_, error) => error.source(),
        }
    }
}

impl StartError {
    /// Whether the same start may succeed later without anybody correcting anything. Every cause of a start that fails
    /// is decided here.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Spawn(error) => error.is_passing(),
            Self::Os { source, .. } => may_pass(source),
            Self::Refused(_) => false,
        }
    }

    /// Of a child that has the name of a sibling.
    pub(crate) fn namesake() -> Self {
        let why = "another child of its supervisor has the same name; give it one of its own";
        Self::Refused(why.into())
    }

    pub(crate) fn os(step: &'static str, source: io::Error) -> Self {
        let source = Arc::new(source);
        Self::Os { step, source }
    }
}

impl From<EstablishError> for StartError {
    fn from(error: EstablishError) -> Self {
        match error {
            EstablishError::Os { step, source }
            | EstablishError::OutOfResources { step, source } => Self::os(step, source),
            other => Self::Refused(other.to_string().into()),
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spawn(error) => error.fmt(f),
            // What is not the system's own word says what to do.
            Self::Os { step, source } if may_pass(source) && source.raw_os_error().is_some() => {
                write!(
                    f,
                    "{step} failed: {source}; raise the limit of the host, or stop something"
                )
            }
            Self::Os { step, source } => write!(f, "{step} failed: {source}"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Spawn(error) => error.source(),
            Self::Os { .. } => None,
            Self::Refused(_) => None,
        }
    }
}

/// Deaths for the tests of this folder.
#[cfg(test)]
pub(super) mod fixture {
    use std::time::Duration;

    use super::*;
    use crate::process::{DeathReport, EndedBy, ExitCause, StderrTail};

    pub(crate) const CRASH: ExitCause = ExitCause::Signalled {
        signal: 11,
        core_dumped: false,
    };

    pub(crate) fn death(incarnation: u64, cause: ExitCause, ended_by: EndedBy) -> Death {
        let incarnation = (1..incarnation).fold(Incarnation::FIRST, |it, _| it.next());
        Death::new(DeathReport {
            plugin: "images".into(),
            incarnation,
            cause,
            ended_by,
            for_good: false,
            lived: Duration::from_secs(1),
            connected: true,
            stderr: StderrTail::default(),
        })
    }

    pub(crate) fn crash(incarnation: u64) -> Failure {
        Failure::Died(death(incarnation, CRASH, EndedBy::Itself))
    }
}

#[cfg(test)]
mod tests {
    use super::fixture::{crash, death};
    use super::*;
    use crate::process::{EndedBy, ExitCause};

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
                DownReason::Completed(death(4, ExitCause::Exited(0), EndedBy::Itself)),
                "#4",
            ),
            (DownReason::NotRestarted(crash(5)), "Transient"),
            (DownReason::StoppedWithSibling("fonts".into()), "`fonts`"),
            (
                DownReason::SiblingOpen("fonts".into()),
                "when `fonts` answers",
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
                DownReason::BreakerOpen {
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
