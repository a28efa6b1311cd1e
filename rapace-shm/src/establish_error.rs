//! Why a link was not established.

use std::fmt;
use std::io;

use crate::config::ConfigError;
use crate::kernel::NoRuntime;
use crate::kernel::needs::{Unsupported, is_shortage};

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
    /// A memory object of the segment would be larger than a file of this process may be (`RLIMIT_FSIZE`).
    FileSizeLimit {
        /// Bytes of the object.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// This process, or the machine, is out of descriptors or memory at the moment. Not the peer's fault.
    OutOfResources {
        /// What was being done.
        step: &'static str,
        /// What the operating system answered.
        source: io::Error,
    },
    /// A system call that rapace needs is missing: the kernel is too old, or a sandbox forbids it.
    Unsupported {
        /// What was being done.
        step: &'static str,
        /// Which call, and since when there is one.
        source: Unsupported,
    },
    /// There is no tokio runtime here, or one without I/O.
    NoRuntime {
        /// Which of the two.
        why: &'static str,
    },
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

impl EstablishError {
    /// Whether the same attempt may succeed later without anybody correcting anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::OutOfResources { .. })
    }
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
            Self::FileSizeLimit { needed, limit } => write!(
                f,
                "a memory object of the segment has {needed} bytes, and RLIMIT_FSIZE allows this process files of \
                 {limit}, which holds for memory objects too: raise it (`ulimit -f unlimited`, LimitFSIZE=infinity \
                 in a systemd unit), or give the SegmentConfig fewer or smaller slots"
            ),
            // What is not the system's own word says what to do.
            Self::OutOfResources { step, source } if source.raw_os_error().is_none() => {
                write!(f, "{step} failed for want of resources: {source}")
            }
            Self::OutOfResources { step, source } => write!(
                f,
                "{step} failed for want of resources: {source}; raise this process's limits (`ulimit -n` for open \
                 files), or try again when others have let go of theirs"
            ),
            Self::Unsupported { step, source } => write!(f, "{step} failed: {source}"),
            Self::NoRuntime { why } => f.write_str(why),
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
            Self::Os { source, .. } | Self::OutOfResources { source, .. } => Some(source),
            Self::Unsupported { source, .. } => Some(source),
            Self::Config(error) => Some(error),
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }
}

impl std::error::Error for HandshakeFault {}

/// Names the step at which the operating system refused, and sorts out what is wrong with this process.
pub(crate) fn at_step(step: &'static str) -> impl Fn(io::Error) -> EstablishError {
    move |source| {
        if is_shortage(&source) {
            return EstablishError::OutOfResources { step, source };
        }
        if let Some(NoRuntime(why)) = NoRuntime::within(&source) {
            return EstablishError::NoRuntime { why };
        }
        match source.downcast::<Unsupported>() {
            Ok(source) => EstablishError::Unsupported { step, source },
            Err(source) => EstablishError::Os { step, source },
        }
    }
}
