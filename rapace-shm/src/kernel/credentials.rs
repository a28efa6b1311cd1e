//! The identity of a peer, as reported by the kernel.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::socket::UnixCredentials;

/// The identity of a peer, as reported by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerCredentials {
    /// Process id in our pid namespace; 0 if it has none there.
    pub pid: i32,
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl PeerCredentials {
    pub(crate) fn of(credentials: UnixCredentials) -> Self {
        Self {
            pid: credentials.pid(),
            uid: credentials.uid(),
            gid: credentials.gid(),
        }
    }
}

/// The sender of a message, as reported by the kernel.
#[derive(Debug)]
pub(crate) struct MessageSender {
    pub(crate) credentials: PeerCredentials,
    /// A pidfd of its process, or why there is none, where the kernel attaches one.
    pub(crate) process: Option<io::Result<OwnedFd>>,
}
