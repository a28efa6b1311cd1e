//! How a process ended, according to the kernel.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use nix::sys::signal::Signal;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitCause {
    /// It exited with this code, 0 to 255.
    Exited(i32),
    /// A signal killed it.
    Signalled {
        /// The signal's number.
        signal: i32,
        /// Whether the kernel wrote a core dump.
        core_dumped: bool,
    },
    /// It is gone, but its status was reaped elsewhere: other code in the host waits for any child, or the host
    /// ignores SIGCHLD.
    Unknown,
}

impl ExitCause {
    /// Returns true for exit code 0 only.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Exited(0)
    }
}

impl From<ExitStatus> for ExitCause {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signalled {
                signal,
                core_dumped: status.core_dumped(),
            },
            (None, None) => Self::Unknown,
        }
    }
}

impl fmt::Display for ExitCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Signalled {
                signal,
                core_dumped,
            } => {
                match Signal::try_from(signal) {
                    Ok(known) => write!(f, "was killed by {}", known.as_str())?,
                    Err(_) => write!(f, "was killed by signal {signal}")?,
                }
                if core_dumped {
                    f.write_str(" (core dumped)")
                } else {
                    Ok(())
                }
            }
            Self::Unknown => {
                f.write_str("is gone, and its exit status was collected by somebody else")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_wait_statuses_keep_code_signal_and_core_apart() {
        let cause = |raw| ExitCause::from(ExitStatus::from_raw(raw));
        assert_eq!(cause(0), ExitCause::Exited(0));
        assert_eq!(cause(3 << 8), ExitCause::Exited(3));
        assert_eq!(
            cause(9),
            ExitCause::Signalled {
                signal: 9,
                core_dumped: false
            }
        );
        assert_eq!(
            cause(11 | 0x80),
            ExitCause::Signalled {
                signal: 11,
                core_dumped: true
            }
        );
    }

    #[test]
    fn signals_are_named() {
        let text = |signal, core_dumped| {
            ExitCause::Signalled {
                signal,
                core_dumped,
            }
            .to_string()
        };
        assert_eq!(text(11, true), "was killed by SIGSEGV (core dumped)");
        assert_eq!(text(9, false), "was killed by SIGKILL");
        assert_eq!(text(40, false), "was killed by signal 40");
    }

    #[test]
    fn only_code_zero_is_success() {
        assert!(ExitCause::Exited(0).is_success());
        assert!(!ExitCause::Exited(1).is_success());
        assert!(
            !ExitCause::Signalled {
                signal: 15,
                core_dumped: false
            }
            .is_success()
        );
        assert!(!ExitCause::Unknown.is_success());
    }
}
