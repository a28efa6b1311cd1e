//! Why an example ends, for a person and for a script.

use std::fmt;
use std::process::ExitCode;

use rapace_session::{HandshakeError, OpenError};
use rapace_shm::{EstablishError, ListenerError};

/// Why an example did not do what it was asked.
#[derive(Debug)]
pub enum Problem {
    /// It was called in a way that it does not know.
    Usage(String),
    /// The two sides did not meet.
    Listener(ListenerError),
    /// They met, and got no shared memory.
    Establish(EstablishError),
    /// They share memory, and do not agree.
    Handshake(HandshakeError),
    /// The service cannot be called.
    Open(OpenError),
    /// Whoever listens did not answer in time.
    Silent {
        /// What it was to do.
        step: &'static str,
        /// How long it had.
        seconds: u64,
    },
    /// A call failed that should not.
    Call {
        /// Which.
        what: String,
        /// How.
        why: String,
    },
    /// What came back is not what was sent.
    Differs(String),
    /// The other side died or broke the session.
    Lost(String),
    /// The operating system refused.
    Os(std::io::Error),
}

impl Problem {
    /// The code, from sysexits.h: 64 used wrongly, 69 nobody there to talk to, 70 it broke.
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

    /// A failed call.
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
