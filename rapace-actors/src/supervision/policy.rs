//! Which exits trigger a restart, and which siblings a strategy restarts too: kameo's terms, applied to
//! processes.
//!
//! The types are ours, since what kameo documents for its own is not what happens here: a process has an exit code and
//! no `ctx.stop()`, a limit is a sliding window, and siblings wait for each other. Kameo's convert into them.

use crate::process::ExitReport;

/// Which exits of its process restart a plugin.
///
/// | policy | exit code 0 | anything else |
/// |---|---|---|
/// | Permanent | restart | restart |
/// | Transient | no | restart |
/// | Never | no | no |
///
/// Anything else is another exit code, a signal, a violation of the session's protocol, a start that took too long, and
/// being unresponsive. A requested stop never triggers a restart, under any policy: the request says what
/// follows. [`RestartConfig`](super::RestartConfig) decides how often and how soon a plugin is restarted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// Restarted after every exit.
    #[default]
    Permanent,
    /// Restarted after a failure. Exit code 0 means that the plugin has done its work.
    Transient,
    /// Never restarted. Under OneForAll and RestForOne a sibling's failure stops it, and it stays down.
    Never,
}

/// Which siblings are restarted together with a plugin that failed and is restarted.
///
/// | strategy | those started before it | those started after it |
/// |---|---|---|
/// | OneForOne | go on | go on |
/// | OneForAll | restarted | restarted |
/// | RestForOne | go on | restarted |
///
/// They are stopped one after the other in reverse order, and started in order, each when the previous one is
/// ready or was given up. While the failed child waits for an open circuit breaker, they are held. A plugin
/// that was stopped on request, has done its work or is never restarted does not affect its siblings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SupervisionStrategy {
    /// Only the one that failed.
    #[default]
    OneForOne,
    /// All of them.
    OneForAll,
    /// The one that failed and those after it.
    RestForOne,
}

impl From<kameo::supervision::RestartPolicy> for RestartPolicy {
    fn from(policy: kameo::supervision::RestartPolicy) -> Self {
        match policy {
            kameo::supervision::RestartPolicy::Permanent => Self::Permanent,
            kameo::supervision::RestartPolicy::Transient => Self::Transient,
            kameo::supervision::RestartPolicy::Never => Self::Never,
        }
    }
}

impl From<kameo::supervision::SupervisionStrategy> for SupervisionStrategy {
    fn from(strategy: kameo::supervision::SupervisionStrategy) -> Self {
        match strategy {
            kameo::supervision::SupervisionStrategy::OneForOne => Self::OneForOne,
            kameo::supervision::SupervisionStrategy::OneForAll => Self::OneForAll,
            kameo::supervision::SupervisionStrategy::RestForOne => Self::RestForOne,
        }
    }
}

/// Whether `policy` restarts the plugin after this exit.
#[must_use]
pub fn calls_for_restart(policy: RestartPolicy, exit: &ExitReport) -> bool {
    if exit.was_requested() {
        return false;
    }
    match policy {
        RestartPolicy::Permanent => true,
        RestartPolicy::Transient => exit.is_failure(),
        RestartPolicy::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use RestartPolicy::{Never, Permanent, Transient};

    use super::*;
    use crate::process::{EndedBy, ExitCause, ShutdownStage};
    use crate::supervision::fixture::exit;

    #[test]
    fn every_policy_answers_every_kind_of_end() {
        let crash = ExitCause::Signalled {
            signal: 11,
            core_dumped: false,
        };
        let clean = ExitCause::Exited(0);
        let unresponsive = EndedBy::Unresponsive(std::time::Duration::from_secs(1));
        let ends = [
            (exit(1, clean, EndedBy::Itself), [true, false, false]),
            (
                exit(1, ExitCause::Exited(1), EndedBy::Itself),
                [true, true, false],
            ),
            (exit(1, crash, EndedBy::Itself), [true, true, false]),
            (
                exit(1, ExitCause::Unknown, EndedBy::Itself),
                [true, true, false],
            ),
            (exit(1, crash, unresponsive), [true, true, false]),
            (
                exit(1, clean, EndedBy::Request(ShutdownStage::Drain)),
                [false, false, false],
            ),
            (
                exit(1, crash, EndedBy::Request(ShutdownStage::Kill)),
                [false, false, false],
            ),
        ];
        for (exit, expected) in ends {
            let answers =
                [Permanent, Transient, Never].map(|policy| calls_for_restart(policy, &exit));
            assert_eq!(answers, expected, "{exit}");
        }
    }
}
