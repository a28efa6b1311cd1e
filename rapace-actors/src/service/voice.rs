//! What is said of a tell that fails, since nobody waits for its answer.

use std::fmt;

use super::Service;

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// As a `tracing` event.
    Tracing,
    /// The same; and on stderr, which a plugin's host logs, if nobody listens to events.
    TracingOrStderr,
}

/// Why a tell failed.
pub(super) enum Why<'a> {
    /// Its handler gave the method's own error.
    Error(&'a dyn fmt::Debug),
    /// Its handler did not finish, or was never reached.
    Failure(&'a rapace_session::Failure),
}

impl Voice {
    /// Of a service in a plugin's process, or in any other.
    pub(super) fn of(in_plugin: bool) -> Self {
        match in_plugin {
            true => Self::TracingOrStderr,
            false => Self::Tracing,
        }
    }

    /// Says that a tell failed.
    pub(super) fn failed<S: Service>(self, method: u32, why: &Why<'_>) {
        let service = S::descriptor();
        let (service, method) = (service.name, service.method_name(method));
        tracing::warn!(service, method, error = %why, "a tell failed");
        if self == Self::TracingOrStderr && !tracing::dispatcher::has_been_set() {
            eprintln!("a tell of `{service}::{method}` failed: {why}");
        }
    }
}

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Failure(failure) => failure.fmt(f),
        }
    }
}
