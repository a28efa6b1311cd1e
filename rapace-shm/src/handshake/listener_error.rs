//! Why a process could not listen at a path, accept a peer there, or connect to it.

use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::kernel::credentials::PeerCredentials;
use crate::kernel::needs::is_shortage;

/// Why a process could not listen at a path, accept a peer there, or connect to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenerError {
    /// Another process listens at that path already.
    #[error("another process listens at {path} already: is the host running twice?")]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The path exists and is not a socket. It is left alone.
    #[error("{path} is not a socket of this kind: remove it or choose another path")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// A socket path has at most 107 bytes.
    #[error("{path} is too long for a socket path, which has at most 107 bytes")]
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// The directory that the path lies in does not exist.
    #[error(
        "{path} cannot be used, because its directory does not exist: create it, or choose another path"
    )]
    NoDirectory {
        /// The path.
        path: PathBuf,
    },
    /// Nothing exists at that path: the host was not started, or listens elsewhere.
    #[error("there is nothing at {path}: was the host started, and does it listen there?")]
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// The socket exists, and no process listens: its host is dead.
    #[error("no process listens at {path}: the host that created it is dead")]
    NobodyListening {
        /// The path.
        path: PathBuf,
    },
    /// This user lacks permission for the path.
    #[error("{path} may not be used by this user")]
    PermissionDenied {
        /// The path.
        path: PathBuf,
    },
    /// The listener has too many pending connections: try again.
    #[error("too many connections are pending at {path}: try again")]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// The peer was rejected: [`Access`](crate::Access) does not accept it.
    #[error("process {} of user {} and group {} was rejected: only our own user and root may connect, unless Access says \
        otherwise", who.pid, who.uid, who.gid)]
    UnauthorizedPeer {
        /// Credentials of the peer.
        who: PeerCredentials,
    },
    /// This process, or the machine, is out of descriptors or memory at present.
    #[error(
        "{step} {path} failed for lack of resources: {source}; raise this process's limits (`ulimit -n` \
         for open files), or try again when other processes have released theirs"
    )]
    OutOfResources {
        /// The step that failed.
        step: &'static str,
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system refused.
    #[error("{step} {path} failed: {source}")]
    Os {
        /// The step that failed.
        step: &'static str,
        /// The path.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl ListenerError {
    /// Returns whether the same attempt may succeed later without any correction.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::OutOfResources { .. })
    }
}

/// Maps an error of the operating system at this step, with this path.
pub(crate) fn at_step<E: Into<io::Error>>(
    step: &'static str,
    path: &Path,
) -> impl Fn(E) -> ListenerError {
    let path = path.to_owned();
    move |source| {
        let (source, path) = (source.into(), path.clone());
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EADDRINUSE) => ListenerError::InUse { path },
            Some(Errno::ENAMETOOLONG) => ListenerError::PathTooLong { path },
            Some(Errno::ENOENT | Errno::ENOTDIR) => match path.parent() {
                Some(parent) if parent.as_os_str().is_empty() || parent.is_dir() => {
                    ListenerError::NoSuchPath { path }
                }
                _ => ListenerError::NoDirectory { path },
            },
            Some(Errno::ECONNREFUSED) => ListenerError::NobodyListening { path },
            Some(Errno::EPROTOTYPE | Errno::ENOTSOCK) => ListenerError::NotASocket { path },
            Some(Errno::EACCES | Errno::EPERM) => ListenerError::PermissionDenied { path },
            Some(Errno::EAGAIN) => ListenerError::Busy { path },
            _ if is_shortage(&source) => ListenerError::OutOfResources { step, path, source },
            _ => ListenerError::Os { step, path, source },
        }
    }
}
