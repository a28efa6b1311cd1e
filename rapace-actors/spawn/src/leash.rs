//! A pipe that ties a child to this process: the kernel kills the child when the pipe hangs up.
//!
//! Nothing is ever written to the pipe. One end is *held* by the parent. The other is *worn* by the child: it
//! is marked so that the kernel sends SIGKILL to the child's process group when the pipe hangs up, that is,
//! when the last descriptor of the held end is closed. A process that ends, in whatever way, closes its
//! descriptors.
//!
//! - L1: the kernel sends the signal. It needs no code in the child, no thread, no privilege, and reaches
//!   processes that are stopped, unresponsive, or have not begun to run.
//! - L2: it goes to the group that the child leads, so it also reaches a child behind launchers, and the
//!   child's own children. Without a group of its own it goes to the child alone.
//! - L3: the kernel refers to the group itself, not to its id, which may be reused.
//! - L4: the worn end has to be open somewhere in the child's group for as long as the leash is to hold. The
//!   caller decides where: inherited, or in flight in a socket that the child inherits.
//! - L5: the signal is sent with the permissions of the child at its start. Processes of another user are out
//!   of reach.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use crate::error::{LaunchError, Step};
use crate::raw;

/// Both ends of a leash, before there is a child.
#[derive(Debug)]
pub struct Leash {
    pub(crate) hold: OwnedFd,
    pub(crate) worn: OwnedFd,
}

/// The parent's end. Dropping it, or ending in any way, kills the child and its group.
#[derive(Debug)]
pub struct LeashHold {
    _hold: OwnedFd,
}

impl Leash {
    /// Makes a leash.
    ///
    /// # Errors
    /// No file descriptor is available, or the system refuses the pipe's mode.
    pub fn new() -> Result<Self, LaunchError> {
        let pipe = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK);
        let (worn, hold) = pipe.map_err(|errno| LaunchError::new(Step::Pipe, errno))?;
        let mark = || {
            raw::signal_with_kill(&worn)?;
            // Requests the signal, which has no receiver yet.
            fcntl(&worn, FcntlArg::F_SETFL(OFlag::O_ASYNC | OFlag::O_NONBLOCK))
        };
        mark().map_err(|errno| LaunchError::new(Step::Leash, errno))?;
        Ok(Self { hold, worn })
    }

    /// Returns the child's end (L4).
    #[must_use]
    pub fn worn(&self) -> BorrowedFd<'_> {
        self.worn.as_fd()
    }

    /// Closes the worn end here.
    pub(crate) fn held(self) -> LeashHold {
        LeashHold { _hold: self.hold }
    }
}
