//! What a service says because nobody else would know: a tell failed, blocking work goes on.
//!
//! Saying it is never worth a panic: stderr may be full, closed, or on a disk without room.

use std::fmt;

use rapace_codec::guarded;
use rapace_shm::say_on_stderr;

use super::Service;

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voice {
    /// As a `tracing` event.
    Tracing,
    /// The same; and on stderr, which a plugin's host logs, if nobody listens to events.
    TracingOrStderr,
}

/// Why a tell failed.
pub(crate) enum Why<'a> {
    /// Its handler gave the method's own error.
    Error(&'a dyn fmt::Debug),
    /// Its handler did not finish, or was never reached.
    Failure(&'a dyn fmt::Display),
}

impl Voice {
    /// Of a service in a plugin's process, or in any other.
    pub(crate) fn of(in_plugin: bool) -> Self {
        match in_plugin {
            true => Self::TracingOrStderr,
            false => Self::Tracing,
        }
    }

    fn is_unheard(self) -> bool {
        self == Self::TracingOrStderr && !tracing::dispatcher::has_been_set()
    }

    /// Says that a tell failed.
    pub(crate) fn failed<S: Service>(self, method: u32, why: &Why<'_>) {
        let service = S::descriptor();
        let (service, method) = (service.name, service.method_name(method));
        tracing::warn!(service, method, error = %why, "a tell failed");
        if self.is_unheard() {
            say_on_stderr(&format_args!(
                "a tell of `{service}::{method}` failed: {why}"
            ));
        }
    }

    /// Says that the service waits for blocking work of a call that is over.
    pub(super) fn waits<S: Service>(self, method: u32) {
        let service = S::descriptor();
        let (service, method) = (service.name, service.method_name(method));
        tracing::warn!(
            service,
            method,
            "a service waits for blocking work of a call that is over"
        );
        if self.is_unheard() {
            say_on_stderr(&format_args!(
                "`{service}` waits for blocking work of `{method}`, whose call is over"
            ));
        }
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The user's code: a panic in it must not be the service's.
            Self::Error(error) => match guarded(|| format!("{error:?}")) {
                Ok(text) => f.write_str(&text),
                Err(_) => f.write_str("an error whose `Debug` panics"),
            },
            Self::Failure(failure) => failure.fmt(f),
        }
    }
}
