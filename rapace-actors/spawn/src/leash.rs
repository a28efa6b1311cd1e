//! A pipe that ties a child to this process: the kernel kills the child when the pipe hangs up.
//!
//! Nothing is ever written to the pipe. One end is *held* by the parent. The other is *worn* by the child: it is marked
//! so that the kernel sends SIGKILL to the child's process group when the pipe hangs up, that is when the last
//! descriptor of the held end is closed. A process that ends, however it ends, closes its descriptors.
//!
//! - L1: the signal is the kernel's. It needs no code in the child, no thread, no privilege, and reaches processes that
//!   are stopped, unresponsive, or have not begun to run.
//! - L2: it goes to the group that the child leads, so it passes through launchers that stay, and takes along what the
//!   child has started. Without a group of its own it goes to the child alone.
//! - L3: the kernel remembers the group itself, not its number, which may be used again.
//! - L4: the worn end has to be open somewhere in the child's group for as long as the leash is to hold. Where that is,
//!   is the caller's decision: inherited, or in flight in a socket that the child inherits.
//! - L5: the signal is sent with the rights of the child at its start. What runs as another user is out of reach.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use crate::error::{LaunchError, Step};
use crate::raw;

/// Both ends, before there is a child.
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
    /// A leash that nobody wears yet.
    ///
    /// # Errors
    /// If this process can have no more descriptors, or may not make one like that.
    pub fn new() -> Result<Self, LaunchError> {
        let pipe = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK);
        let (worn, hold) = pipe.map_err(|errno| LaunchError::new(Step::Pipe, errno))?;
        let mark = || {
            raw::signal_with_kill(&worn)?;
            // Asks for the signal. There is nobody yet to get it.
            fcntl(&worn, FcntlArg::F_SETFL(OFlag::O_ASYNC | OFlag::O_NONBLOCK))
        };
        mark().map_err(|errno| LaunchError::new(Step::Leash, errno))?;
        Ok(Self { hold, worn })
    }

    /// The child's end (L4).
    #[must_use]
    pub fn worn(&self) -> BorrowedFd<'_> {
        self.worn.as_fd()
    }

    /// Closes the worn end here.
    pub(crate) fn held(self) -> LeashHold {
        LeashHold { _hold: self.hold }
    }
}
