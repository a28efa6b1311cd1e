//! Who a peer is, as the kernel says.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::socket::UnixCredentials;

/// Who a peer is, as the kernel says.
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

/// Who sent a message, as the kernel says.
#[derive(Debug)]
pub(crate) struct MessageSender {
    pub(crate) credentials: PeerCredentials,
    /// Its process or why there is none, where the kernel sends that along.
    pub(crate) process: Option<io::Result<OwnedFd>>,
}
