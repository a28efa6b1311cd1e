//! The report of one process's exit: its cause, who ended it, and the end of its stderr.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::{ExitCause, Incarnation, ShutdownStage, StderrTail};

/// Who ended a process. The kernel's exit status alone does not say that.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndedBy {
    /// The host did nothing: the plugin exited, crashed, or was killed by the system or another process.
    Itself,
    /// The host was asked to stop or restart it. Never a failure.
    Request(ShutdownStage),
    /// The host was asked to kill it, with [`Plugin::kill`](crate::Plugin::kill). Counts as a failure, as a crash does.
    Killed,
    /// The host killed it because its executor sent no heartbeat for this long, whether or not there were calls.
    Unresponsive(Duration),
    /// The host killed it because it violated the session's protocol; holds the rule.
    Fault(Arc<str>),
    /// The host killed it because it was not ready within this time after its start, or took none of the calls that
    /// its predecessor left for as long.
    StartTimeout(Duration),
}

/// How one incarnation of a plugin ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExitDetails {
    /// The plugin's name.
    pub plugin: Arc<str>,
    /// The incarnation that exited.
    pub incarnation: Incarnation,
    /// How the process ended.
    pub cause: ExitCause,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Whether the host asked for this exit and for no further process: by `stop()`, or by dropping the last handle.
    /// False if the process ended without being asked; the restart policy then decides what follows.
    pub for_good: bool,
    /// How long the process ran.
    pub lived: Duration,
    /// Whether its session had been established.
    pub connected: bool,
    /// The end of what it wrote to stderr.
    pub stderr: StderrTail,
}

/// A shared [`ExitDetails`]: cloning it copies a pointer, so every failed call can hold one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ExitReport(Arc<ExitDetails>);

impl ExitReport {
    /// Makes a report of the details.
    #[must_use]
    pub fn new(report: ExitDetails) -> Self {
        Self(Arc::new(report))
    }

    /// Whether this counts as a failure: everything but an exit with code 0 and a requested stop.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self.ended_by {
            EndedBy::Request(_) => false,
            EndedBy::Itself => !self.cause.is_success(),
            EndedBy::Killed
            | EndedBy::Unresponsive(_)
            | EndedBy::Fault(_)
            | EndedBy::StartTimeout(_) => true,
        }
    }

    /// Whether the host was asked for this exit.
    #[must_use]
    pub fn was_requested(&self) -> bool {
        matches!(self.ended_by, EndedBy::Request(_))
    }
}

impl Deref for ExitReport {
    type Target = ExitDetails;

    fn deref(&self) -> &ExitDetails {
        &self.0
    }
}

impl ExitDetails {
    /// Writes the report, with a note before the end of stderr, which comes last.
    pub(crate) fn with_note(&self, note: &str) -> impl fmt::Display {
        fmt::from_fn(move |f| self.tell(f, note))
    }

    pub(crate) fn tell(&self, f: &mut fmt::Formatter<'_>, note: &str) -> fmt::Result {
        write!(
            f,
            "plugin `{}` (incarnation {}) ",
            self.plugin, self.incarnation
        )?;
        match &self.ended_by {
            EndedBy::Itself => write!(f, "{}", self.cause)?,
            EndedBy::Request(stage) => {
                f.write_str("was stopped as requested (")?;
                tell_stage(f, *stage, self.cause)?;
                f.write_str(")")?;
            }
            EndedBy::Killed => f.write_str("was killed by its host as requested")?,
            EndedBy::Unresponsive(silent) => write!(
                f,
                "was unresponsive for {silent:.1?} and killed by its host"
            )?,
            EndedBy::Fault(rule) => write!(
                f,
                "broke a rule of the session ({rule}) and was killed by its host"
            )?,
            EndedBy::StartTimeout(limit) => write!(
                f,
                "was not ready within {limit:.1?} and was killed by its host"
            )?,
        }
        write!(f, " after {:.1?}", self.lived)?;
        if !self.connected && self.ended_by == EndedBy::Itself {
            f.write_str(", before it was connected to its host")?;
            if self.cause.is_success() {
                f.write_str(" (a plugin's `main` runs `rapace::plugin::serve`)")?;
            }
        }
        if self.is_strange_kill() {
            f.write_str("; its host did not send that signal: look for the out-of-memory killer in the kernel log")?;
        }
        f.write_str(note)?;
        if self.stderr.is_empty() {
            return Ok(());
        }
        write!(f, "; the end of its stderr:{}", self.stderr)
    }
}

impl ExitDetails {
    /// Whether it was killed by a SIGKILL from neither the host nor the plugin's own watchdog, which waits
    /// until its host has gone.
    fn is_strange_kill(&self) -> bool {
        let sends_none = matches!(
            self.ended_by,
            EndedBy::Itself | EndedBy::Request(ShutdownStage::Drain | ShutdownStage::Terminate)
        );
        sends_none && is_killed_by(self.cause, Signal::SIGKILL)
    }
}

/// Writes in which stage it ended and how, unless the stage implies how.
fn tell_stage(f: &mut fmt::Formatter<'_>, stage: ShutdownStage, cause: ExitCause) -> fmt::Result {
    let expected = match stage {
        ShutdownStage::Drain => cause.is_success(),
        ShutdownStage::Terminate => cause.is_success() || is_killed_by(cause, Signal::SIGTERM),
        ShutdownStage::Kill => true,
    };
    match (stage, cause) {
        _ if expected => write!(f, "{stage}"),
        (ShutdownStage::Drain, ExitCause::Exited(code)) => write!(f, "{stage}, with code {code}"),
        (ShutdownStage::Drain, _) => write!(f, "it {cause} before it had exited"),
        _ => write!(f, "{stage} it {cause}"),
    }
}

impl fmt::Display for ExitDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(f, "")
    }
}

fn is_killed_by(cause: ExitCause, by: Signal) -> bool {
    matches!(cause, ExitCause::Signalled { signal, .. } if signal == by as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tail::Tail;

    const SEGV: ExitCause = ExitCause::Signalled {
        signal: 11,
        core_dumped: false,
    };
    const KILL: ExitCause = ExitCause::Signalled {
        signal: 9,
        core_dumped: false,
    };

    fn exit(cause: ExitCause, ended_by: EndedBy) -> ExitReport {
        let mut stderr = Tail::default();
        stderr.push("thread 'main' panicked");
        ExitReport::new(ExitDetails {
            plugin: "images".into(),
            incarnation: Incarnation::FIRST.next(),
            cause,
            ended_by,
            for_good: false,
            lived: Duration::from_millis(1500),
            connected: true,
            stderr: stderr.snapshot(),
        })
    }

    #[test]
    fn a_death_names_plugin_incarnation_cause_age_and_stderr() {
        assert_eq!(
            exit(SEGV, EndedBy::Itself).to_string(),
            "plugin `images` (incarnation #2) was killed by SIGSEGV after 1.5s; the end of its stderr:\n  thread 'main' \
             panicked"
        );
    }

    #[test]
    fn a_kill_that_the_host_did_not_send_is_not_called_a_stop() {
        let text = exit(KILL, EndedBy::Itself).to_string();
        assert!(
            text.contains("out-of-memory") && !text.contains("stopped"),
            "{text}"
        );
        let text = exit(KILL, EndedBy::Unresponsive(Duration::from_secs(3))).to_string();
        assert!(
            text.contains("unresponsive for 3.0s") && !text.contains("out-of-memory"),
            "{text}"
        );
        let text = exit(KILL, EndedBy::Killed).to_string();
        assert!(
            text.contains("killed by its host as requested") && !text.contains("out-of-memory"),
            "{text}"
        );
    }

    #[test]
    fn only_what_exited_has_left_by_itself() {
        let text = |cause, stage| exit(cause, EndedBy::Request(stage)).to_string();
        let begins = |text: String, with: &str| {
            let with = format!(
                "plugin `images` (incarnation #2) was stopped as requested ({with}) after 1.5s"
            );
            assert!(text.starts_with(&with), "{text}");
            text.contains("out-of-memory")
        };
        let term = ExitCause::Signalled {
            signal: 15,
            core_dumped: false,
        };
        for (cause, stage, with, is_strange) in [
            (
                ExitCause::Exited(0),
                ShutdownStage::Drain,
                "it exited by itself",
                false,
            ),
            (
                ExitCause::Exited(3),
                ShutdownStage::Drain,
                "it exited by itself, with code 3",
                false,
            ),
            (
                SEGV,
                ShutdownStage::Drain,
                "it was killed by SIGSEGV before it had exited",
                false,
            ),
            (
                KILL,
                ShutdownStage::Drain,
                "it was killed by SIGKILL before it had exited",
                true,
            ),
            (
                ExitCause::Exited(0),
                ShutdownStage::Terminate,
                "after SIGTERM",
                false,
            ),
            (term, ShutdownStage::Terminate, "after SIGTERM", false),
            (
                ExitCause::Exited(3),
                ShutdownStage::Terminate,
                "after SIGTERM it exited with code 3",
                false,
            ),
            (
                SEGV,
                ShutdownStage::Terminate,
                "after SIGTERM it was killed by SIGSEGV",
                false,
            ),
            (
                KILL,
                ShutdownStage::Terminate,
                "after SIGTERM it was killed by SIGKILL",
                true,
            ),
            (KILL, ShutdownStage::Kill, "after SIGKILL", false),
        ] {
            assert_eq!(
                begins(text(cause, stage), with),
                is_strange,
                "{cause:?}, {stage:?}"
            );
        }
    }

    #[test]
    fn requested_stops_and_clean_exits_are_no_failures() {
        for stage in [
            ShutdownStage::Drain,
            ShutdownStage::Terminate,
            ShutdownStage::Kill,
        ] {
            assert!(!exit(KILL, EndedBy::Request(stage)).is_failure());
        }
        assert!(!exit(ExitCause::Exited(0), EndedBy::Itself).is_failure());
        for cause in [ExitCause::Exited(1), SEGV, ExitCause::Unknown] {
            assert!(exit(cause, EndedBy::Itself).is_failure());
        }
        assert!(exit(KILL, EndedBy::Killed).is_failure());
        // A plugin that the host had to kill has failed, even if it got out with code 0 first.
        assert!(
            exit(
                ExitCause::Exited(0),
                EndedBy::Fault("tail ran ahead".into())
            )
            .is_failure()
        );
    }
}
