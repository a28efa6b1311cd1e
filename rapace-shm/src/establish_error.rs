//! Why a link was not established.

use std::io;

use crate::config::ConfigError;
use crate::kernel::NoRuntime;
use crate::kernel::needs::{Unsupported, is_shortage};

/// Why two processes did not establish a link. The attempt is over; a time limit is up to the
/// caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EstablishError {
    /// The first message is not of this protocol: the program at the other end is no rapace peer, or
    /// something else writes to its control socket.
    #[error("the program at the other end does not speak rapace: it sent \"{got}\"")]
    NotAPeer {
        /// The beginning of that message, escaped.
        got: String,
    },
    /// Both are rapace peers, of versions with different memory layouts: build both against the
    /// same release.
    #[error(
        "the peer uses layout version {theirs} and this side {ours}: build both against the same release of rapace"
    )]
    LayoutVersion {
        /// Our version.
        ours: u32,
        /// The peer's version.
        theirs: u32,
    },
    /// The peer closed the control socket, most often because its process ended.
    #[error(
        "the peer closed the control socket before the link was established; if it is a process, it has probably ended"
    )]
    HungUp,
    /// The configuration cannot be used.
    #[error("{0}")]
    Config(#[source] ConfigError),
    /// The peer broke a rule of the handshake.
    #[error("{0}")]
    Fault(#[source] HandshakeFault),
    /// A memory object of the segment would be larger than a file of this process may be (`RLIMIT_FSIZE`).
    #[error(
        "a memory object of the segment has {needed} bytes, and RLIMIT_FSIZE allows this process files of {limit}, which \
         holds for memory objects too: raise it (`ulimit -f unlimited`, LimitFSIZE=infinity in a systemd unit), or \
         give the SegmentConfig fewer or smaller slots"
    )]
    FileSizeLimit {
        /// Size of the object in bytes.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// This process, or the machine, is out of descriptors or memory at present. Not the peer's fault.
    #[error("{step} failed for lack of resources: {source}{}", remedy(source))]
    OutOfResources {
        /// The step that failed.
        step: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A system call that rapace needs is missing: the kernel is too old, or a sandbox forbids it.
    #[error("{step} failed: {source}")]
    Unsupported {
        /// The step that failed.
        step: &'static str,
        /// The missing call, and the first version of Linux that has it.
        source: Unsupported,
    },
    /// There is no current tokio runtime, or it has no I/O enabled.
    #[error("{why}")]
    NoRuntime {
        /// Which of the two.
        why: &'static str,
    },
    /// The operating system refused a step.
    #[error("{step} failed: {source}")]
    Os {
        /// The step that failed.
        step: &'static str,
        /// The error of the operating system.
        source: io::Error,
    },
}

/// A rule of the handshake that the peer broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeFault {
    /// Another message than the expected one came.
    #[error(
        "the peer broke a rule of the handshake: \"{expected}\" was expected and message {kind} came"
    )]
    UnexpectedMessage {
        /// The expected message.
        expected: &'static str,
        /// The kind of the message that came.
        kind: u32,
    },
    /// A message ends early or is too long.
    #[error("the peer broke a rule of the handshake: a message of {len} bytes cannot be read")]
    Malformed {
        /// Its length in bytes.
        len: usize,
    },
    /// A message came with the wrong number of descriptors.
    #[error(
        "the peer broke a rule of the handshake: {expected} descriptors were expected with its message"
    )]
    Descriptors {
        /// The expected number.
        expected: usize,
    },
    /// The offered geometry cannot be used.
    #[error("the peer broke a rule of the handshake: {0}")]
    Geometry(#[source] ConfigError),
    /// A memory object can still shrink or grow.
    #[error(
        "the peer broke a rule of the handshake: {object} could shrink under its mapping: it is not sealed"
    )]
    NotSealed {
        /// The object.
        object: &'static str,
    },
    /// A memory object does not have the size that the geometry requires.
    #[error(
        "the peer broke a rule of the handshake: {object} has {got} bytes where the geometry needs {expected}"
    )]
    WrongSize {
        /// The object.
        object: &'static str,
        /// The required size in bytes.
        expected: usize,
        /// Its size in bytes.
        got: i64,
    },
}

impl EstablishError {
    /// Returns whether the same attempt may succeed later without any correction.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::OutOfResources { .. })
    }
}

/// Returns what to do about a shortage that the operating system reported; our own errors say so themselves.
fn remedy(source: &io::Error) -> &'static str {
    match source.raw_os_error() {
        None => "",
        Some(_) => {
            "; raise this process's limits (`ulimit -n` for open files), or try again when other processes have released theirs"
        }
    }
}

/// Names the step at which the operating system refused, and classifies the error.
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
