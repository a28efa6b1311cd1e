//! Why an example ends: a text for people and an exit code for scripts.

use std::fmt;
use std::process::ExitCode;

use rapace_session::{HandshakeError, OpenError};
use rapace_shm::{EstablishError, ListenerError};

/// Why an example failed.
#[derive(Debug)]
pub enum Problem {
    /// The command line was wrong.
    Usage(String),
    /// The two sides did not connect.
    Listener(ListenerError),
    /// They connected, and could not set up shared memory.
    Establish(EstablishError),
    /// They share memory, and the handshake failed.
    Handshake(HandshakeError),
    /// The service cannot be called.
    Open(OpenError),
    /// The server did not answer in time.
    Silent {
        /// The step that timed out.
        step: &'static str,
        /// The timeout.
        seconds: u64,
    },
    /// A call failed unexpectedly.
    Call {
        /// The call.
        what: String,
        /// The error.
        why: String,
    },
    /// The reply differs from what was sent.
    Differs(String),
    /// The other side died or broke the session.
    Lost(String),
    /// The operating system returned an error.
    Os(std::io::Error),
}

impl Problem {
    /// Returns the exit code, from sysexits.h: 64 for wrong usage, 69 if no server answers, 70 for a failure.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) => 64,
            Self::Listener(_)
            | Self::Establish(_)
            | Self::Handshake(_)
            | Self::Open(_)
            | Self::Silent { .. } => 69,
            Self::Call { .. } | Self::Differs(_) | Self::Lost(_) | Self::Os(_) => 70,
        })
    }

    /// Makes the problem of a failed call.
    pub fn call(what: impl Into<String>, why: impl fmt::Display) -> Self {
        Self::Call {
            what: what.into(),
            why: why.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(usage) => f.write_str(usage),
            Self::Listener(why) => why.fmt(f),
            Self::Establish(why) => write!(f, "no shared memory: {why}"),
            Self::Handshake(why) => write!(f, "no session: {why}"),
            Self::Open(why) => write!(f, "the service cannot be called: {why}"),
            Self::Silent { step, seconds } => write!(
                f,
                "whoever listens there did not {step} within {seconds} s: is it a rapace peer, \
                 and does it run?"
            ),
            Self::Call { what, why } => write!(f, "{what} failed: {why}"),
            Self::Differs(what) => write!(f, "{what} came back changed"),
            Self::Lost(why) => f.write_str(why),
            Self::Os(why) => why.fmt(f),
        }
    }
}

impl std::error::Error for Problem {}
