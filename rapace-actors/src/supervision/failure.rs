//! What went wrong with one incarnation: it died, or never became ready.

use std::fmt;
use std::io;
use std::sync::Arc;

use rapace_shm::EstablishError;

use crate::process::{ExitReport, Incarnation, SpawnError, is_transient};

/// Why one incarnation never became ready, if no process is known to have died.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The process could not be started.
    #[error(transparent)]
    Spawn(SpawnError),
    /// The system refused another resource that a start needs: descriptors, shared memory.
    #[error(fmt = os_refused)]
    Os {
        /// The step that failed.
        step: &'static str,
        /// The system's error.
        cause: Arc<io::Error>,
    },
    /// The handshake failed: magic number, version, schema or limits do not match. Or the plugin's
    /// configuration is invalid: its segment, its services, its name.
    #[error("{0}")]
    Refused(Arc<str>),
}

/// The latest failure of a plugin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The process died.
    Died(ExitReport),
    /// The process could not be started, or was refused.
    Start(Incarnation, StartError),
}

impl Failure {
    /// Whether a retry may succeed without a correction.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Died(_) => true,
            Self::Start(_, error) => error.is_transient(),
        }
    }

    /// Returns the incarnation that failed.
    #[must_use]
    pub fn incarnation(&self) -> Incarnation {
        match self {
            Self::Died(exit) => exit.incarnation,
            Self::Start(incarnation, _) => *incarnation,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died(exit) => exit.fmt(f),
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
    /// Whether the same start may succeed later without a correction. Every cause of a failed start is decided
    /// here.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Spawn(error) => error.is_transient(),
            Self::Os { cause, .. } => is_transient(cause),
            Self::Refused(_) => false,
        }
    }

    /// Makes the error of a child that has a sibling's name.
    pub(crate) fn namesake() -> Self {
        let why = "another child of its supervisor has the same name; give it one of its own";
        Self::Refused(why.into())
    }

    pub(crate) fn os(step: &'static str, cause: io::Error) -> Self {
        let cause = Arc::new(cause);
        Self::Os { step, cause }
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

fn os_refused(
    step: &&'static str,
    cause: &Arc<io::Error>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{step} failed: {cause}")?;
    // Other errors than the system's own include advice.
    match is_transient(cause) && cause.raw_os_error().is_some() {
        true => f.write_str("; raise the limit of the host, or stop something"),
        false => Ok(()),
    }
}
