//! Kameo's vocabulary, and what it means for a process.
//!
//! | policy | exit code 0 | anything else |
//! |---|---|---|
//! | Permanent | restart | restart |
//! | Transient | no | restart |
//! | Never | no | no |
//!
//! A requested stop never calls for a restart, under any policy: whoever asked says what comes next.

pub use kameo::supervision::{RestartPolicy, SupervisionStrategy};

use crate::process::Death;

/// Whether `policy` wants the plugin back after this death.
#[must_use]
pub fn calls_for_restart(policy: RestartPolicy, death: &Death) -> bool {
    if death.was_requested() {
        return false;
    }
    match policy {
        RestartPolicy::Permanent => true,
        RestartPolicy::Transient => death.is_failure(),
        RestartPolicy::Never => false,
    }
}

#[cfg(test)]
mod tests {
    use RestartPolicy::{Never, Permanent, Transient};

    use super::*;
    use crate::process::{EndedBy, ExitCause, Rung};
    use crate::supervision::down::fixture::death;

    #[test]
    fn every_policy_answers_every_kind_of_end() {
        let crash = ExitCause::Signalled {
            signal: 11,
            core_dumped: false,
        };
        let clean = ExitCause::Exited(0);
        let stuck = EndedBy::Stuck(std::time::Duration::from_secs(1));
        let ends = [
            (death(1, clean, EndedBy::Itself), [true, false, false]),
            (
                death(1, ExitCause::Exited(1), EndedBy::Itself),
                [true, true, false],
            ),
            (death(1, crash, EndedBy::Itself), [true, true, false]),
            (
                death(1, ExitCause::Unknown, EndedBy::Itself),
                [true, true, false],
            ),
            (death(1, crash, stuck), [true, true, false]),
            (
                death(1, clean, EndedBy::Request(Rung::Drain)),
                [false, false, false],
            ),
            (
                death(1, crash, EndedBy::Request(Rung::Kill)),
                [false, false, false],
            ),
        ];
        for (death, expected) in ends {
            let answers =
                [Permanent, Transient, Never].map(|policy| calls_for_restart(policy, &death));
            assert_eq!(answers, expected, "{death}");
        }
    }
}
