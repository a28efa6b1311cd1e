//! Warnings about what no caller sees: a failed tell, blocking work that continues after its call, waits that have become
//! long.
//!
//! Logging must not panic: stderr may be full, closed, or on a disk without space.

use std::fmt;

use rapace_codec::guarded;
use rapace_session::Wait;
use rapace_shm::say_on_stderr;

use super::Service;

/// The destination of warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WarningSink {
    /// To `tracing`.
    Tracing,
    /// To `tracing`; and to stderr, which a plugin's host logs, if no subscriber is set.
    TracingOrStderr,
}

/// Why a tell failed.
pub(crate) enum TellFailure<'a> {
    /// Its handler returned the method's own error.
    Error(&'a dyn fmt::Debug),
    /// Its handler did not finish, or was never reached.
    Failure(&'a dyn fmt::Display),
}

impl WarningSink {
    /// Selects where a service's warnings go: in a plugin's process, or in any other.
    pub(crate) fn of(in_plugin: bool) -> Self {
        match in_plugin {
            true => Self::TracingOrStderr,
            false => Self::Tracing,
        }
    }

    fn needs_stderr(self) -> bool {
        self == Self::TracingOrStderr && !tracing::dispatcher::has_been_set()
    }

    /// Warns that a tell failed.
    pub(crate) fn tell_failed<S: Service>(self, method: u32, why: &TellFailure<'_>) {
        let service = S::descriptor();
        let (service, method) = (service.name, service.method_name(method));
        tracing::warn!(service, method, error = %why, "a tell failed");
        if self.needs_stderr() {
            say_on_stderr(&format_args!(
                "a tell of `{service}::{method}` failed: {why}"
            ));
        }
    }

    /// Warns of waits in this process that have become long.
    pub(crate) fn waits(self, wait: &Wait) {
        tracing::warn!("{wait}");
        if self.needs_stderr() {
            say_on_stderr(&format_args!("{wait}"));
        }
    }

    /// Warns that the service waits for the blocking work of a call that has ended.
    pub(super) fn waits_for_blocking<S: Service>(self, method: u32) {
        let service = S::descriptor();
        let (service, method) = (service.name, service.method_name(method));
        tracing::warn!(
            service,
            method,
            "a service waits for blocking work of a call that is over"
        );
        if self.needs_stderr() {
            say_on_stderr(&format_args!(
                "`{service}` waits for blocking work of `{method}`, whose call is over"
            ));
        }
    }
}

impl fmt::Display for TellFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // User code: a panic in it must not stop the service.
            Self::Error(error) => match guarded(|| format!("{error:?}")) {
                Ok(text) => f.write_str(&text),
                Err(_) => f.write_str("an error whose `Debug` panics"),
            },
            Self::Failure(failure) => failure.fmt(f),
        }
    }
}
