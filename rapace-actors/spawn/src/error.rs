//! Decides how a failed start is described: the step, and the reason.

use std::ffi::OsString;
use std::fmt;
use std::io;

use nix::errno::Errno;

/// A part of a launch that cannot be passed to a program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The program's path has a NUL byte in it.
    #[error("the program's path contains a NUL byte")]
    Program,
    /// The directory's path has a NUL byte in it.
    #[error("the working directory's path contains a NUL byte")]
    Directory,
    /// This argument, counted from one, has a NUL byte in it.
    #[error("argument {0} contains a NUL byte")]
    Argument(usize),
    /// This environment variable has a NUL byte in its name or its value.
    #[error("environment variable {0:?} contains a NUL byte")]
    Variable(OsString),
    /// The name of an environment variable is empty.
    #[error("the name of an environment variable is empty")]
    EmptyName,
    /// The name of this environment variable contains a `=` after its first byte, where the name would end.
    #[error(
        "the name of environment variable {0:?} contains a `=`, which only its first character may be"
    )]
    EqualsInName(OsString),
}

/// The steps of starting a child, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[non_exhaustive]
pub enum Step {
    /// The pipe of the leash.
    Pipe = 1,
    /// Descriptors for it.
    Descriptors = 2,
    /// The process itself.
    Clone = 3,
    /// A process group of its own.
    Group = 4,
    /// The leash.
    Leash = 5,
    /// Checking that its host is still alive.
    Host = 6,
    /// Its standard input, output and error.
    Stdio = 7,
    /// Its working directory.
    Directory = 8,
    /// The program.
    Exec = 9,
    /// Nothing failed: it was [cancelled](crate::Attempt::give_up).
    GivenUp = 10,
}

impl Step {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [
            Self::Pipe,
            Self::Descriptors,
            Self::Clone,
            Self::Group,
            Self::Leash,
            Self::Host,
            Self::Stdio,
            Self::Directory,
            Self::Exec,
            Self::GivenUp,
        ]
        .into_iter()
        .find(|step| *step as u32 == number)
    }

    /// Returns the system call of this step, as in `man 2`, and the first version of Linux that has it. `None`
    /// if it makes none.
    #[must_use]
    pub fn call(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::Pipe => ("pipe2", "2.6.27"),
            Self::Descriptors => ("fcntl(F_DUPFD_CLOEXEC)", "2.6.24"),
            Self::Clone => ("clone", "2.2"),
            Self::Group => ("setpgid", "2.2"),
            Self::Leash => ("fcntl(F_SETSIG, F_SETOWN)", "2.2"),
            Self::Host => ("poll", "2.2"),
            Self::Stdio => ("dup2", "2.2"),
            Self::Directory => ("chdir", "2.2"),
            Self::Exec => ("execve", "2.2"),
            Self::GivenUp => return None,
        })
    }
}

/// Why a start failed.
///
/// Not `non_exhaustive`: the layer above maps each variant to an error of its own, and a new one must not be mapped by
/// accident.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Something cannot be passed to a program.
    #[error(transparent)]
    Unusable(Unusable),
    /// The operating system returned an error.
    #[error("{step} failed: {source}")]
    Os {
        /// The step.
        step: Step,
        /// The error that the system returned.
        source: io::Error,
    },
}

impl LaunchError {
    pub(crate) fn new(step: Step, errno: Errno) -> Self {
        Self::Os {
            step,
            source: errno.into(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pipe => "making its leash",
            Self::Descriptors => "getting descriptors for it",
            Self::Clone => "creating the process",
            Self::Group => "giving it a process group",
            Self::Leash => "tying it to its host",
            Self::Host => "looking for its host",
            Self::Stdio => "giving it its standard input, output and error",
            Self::Directory => "changing to its directory",
            Self::Exec => "executing the program",
            Self::GivenUp => "waiting for it",
        })
    }
}
