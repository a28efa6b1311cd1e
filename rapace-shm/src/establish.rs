//! Why a link was not established.

use std::fmt;
use std::io;

use crate::config::ConfigError;

/// Why two processes did not get a link. The attempt is over; how long to wait for one is the
/// caller's decision.
#[derive(Debug)]
#[non_exhaustive]
pub enum EstablishError {
    /// What arrived first is not our protocol: the program at the other end is no rapace peer, or
    /// something else writes to its control socket.
    NotAPeer {
        /// The start of what arrived, escaped.
        got: String,
    },
    /// Both are rapace peers, of versions that lay memory out differently: build both against the
    /// same release.
    LayoutVersion {
        /// Our version.
        ours: u32,
        /// The peer's.
        theirs: u32,
    },
    /// The peer closed the control socket, most often because its process ended.
    HungUp,
    /// The configuration cannot be used.
    Config(ConfigError),
    /// The peer broke a rule of the handshake.
    Fault(HandshakeFault),
    /// The operating system refused.
    Os {
        /// What was being done.
        step: &'static str,
        /// What it answered.
        source: io::Error,
    },
}

/// A rule of the handshake that the peer broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeFault {
    /// A message of ours was expected, and another one came.
    UnexpectedMessage {
        /// What was expected.
        expected: &'static str,
        /// The kind of what came.
        kind: u32,
    },
    /// A message ends early or is too long.
    Malformed {
        /// Its length in bytes.
        len: usize,
    },
    /// The wrong number of descriptors came along.
    Descriptors {
        /// How many there should be.
        expected: usize,
    },
    /// The geometry offered cannot be used.
    Geometry(ConfigError),
    /// A memory object can still shrink or grow.
    NotSealed {
        /// Which.
        object: &'static str,
    },
    /// A memory object has not the size that the geometry says.
    WrongSize {
        /// Which.
        object: &'static str,
        /// Bytes the geometry asks for.
        expected: usize,
        /// Bytes it has.
        got: i64,
    },
}

impl fmt::Display for EstablishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPeer { got } => write!(
                f,
                "the program at the other end does not speak rapace: it sent \"{got}\""
            ),
            Self::LayoutVersion { ours, theirs } => write!(
                f,
                "the peer uses layout version {theirs} and this side {ours}: build both against the same release of rapace"
            ),
            Self::HungUp => f.write_str(
                "the peer closed the control socket before the link was established; if it is a process, it has probably ended",
            ),
            Self::Config(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Os { step, source } => write!(f, "{step} failed: {source}"),
        }
    }
}

impl fmt::Display for HandshakeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer broke a rule of the handshake: ")?;
        match self {
            Self::UnexpectedMessage { expected, kind } => {
                write!(f, "\"{expected}\" was expected and message {kind} came")
            }
            Self::Malformed { len } => write!(f, "a message of {len} bytes cannot be read"),
            Self::Descriptors { expected } => {
                write!(f, "{expected} descriptors were expected with its message")
            }
            Self::Geometry(error) => error.fmt(f),
            Self::NotSealed { object } => {
                write!(
                    f,
                    "{object} could shrink under its mapping: it is not sealed"
                )
            }
            Self::WrongSize {
                object,
                expected,
                got,
            } => write!(
                f,
                "{object} has {got} bytes where the geometry needs {expected}"
            ),
        }
    }
}

impl std::error::Error for EstablishError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Os { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl std::error::Error for HandshakeFault {}

/// Names the step at which the operating system refused.
pub(crate) fn at_step(step: &'static str) -> impl Fn(io::Error) -> EstablishError {
    move |source| EstablishError::Os { step, source }
}
