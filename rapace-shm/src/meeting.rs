//! How unrelated processes meet: a listener at a path.
//!
//! - J1: the path is only for our user: it gets mode 0600 before anybody can connect.
//! - J2: both sides check whom they met: the same user, or root.
//! - J3: a path that a dead process left behind is taken over; one where somebody listens is not.
//! - J4: the path is removed on drop, if it is still ours.

use std::fmt;
use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::unistd::geteuid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::control::{ControlSocket, PeerCredentials};
use crate::effect::Effect;
use crate::kernel;

/// A listener at a socket path, where peers that nobody started as a child come to be hosted.
#[derive(Debug)]
pub struct Meeting {
    listener: AsyncFd<OwnedFd>,
    path: PathBuf,
    /// Device and inode of what we made at the path (J4).
    identity: (u64, u64),
}

/// Why two processes did not meet.
#[derive(Debug)]
#[non_exhaustive]
pub enum MeetingError {
    /// Somebody listens at that path already.
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// The path exists and is not a socket. It is left alone.
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// A socket path has at most 107 bytes.
    PathTooLong {
        /// The path.
        path: PathBuf,
    },
    /// There is nothing at that path: the host was not started, or listens elsewhere.
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// The socket is there, and nobody listens: its host is dead.
    NobodyListening {
        /// The path.
        path: PathBuf,
    },
    /// The path may not be used by this user.
    PermissionDenied {
        /// The path.
        path: PathBuf,
    },
    /// The listener has too many who wait to be accepted: try again.
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// Another user was met, and turned away.
    Stranger {
        /// Who.
        who: PeerCredentials,
    },
    /// The operating system refused.
    Os {
        /// What was being done.
        step: &'static str,
        /// What it answered.
        source: io::Error,
    },
}

impl Meeting {
    /// Listens at `path`, for this user only.
    ///
    /// # Errors
    /// If the path cannot be used; see [`MeetingError`].
    pub fn bind(path: impl AsRef<Path>) -> Result<Self, MeetingError> {
        let path = path.as_ref();
        let at_step = |step| move |source: io::Error| MeetingError::Os { step, source };
        let listener = new_socket().map_err(at_step("making a socket"))?;
        let address = address_of(path)?;
        let attempt = || Effect::Bind.around(|| bind(listener.as_raw_fd(), &address));
        match attempt() {
            Err(Errno::EADDRINUSE) => {
                remove_if_dead(path)?; // J3
                attempt()
            }
            other => other,
        }
        .map_err(|errno| of_errno(errno, path, "binding the socket"))?;
        let made = || -> io::Result<(u64, u64)> {
            let ours = Permissions::from_mode(0o600);
            Effect::Permit.around(|| fs::set_permissions(path, ours))?; // J1
            let made = fs::symlink_metadata(path)?;
            let backlog = Backlog::new(128)?;
            Effect::Listen.around(|| listen(&listener, backlog))?;
            Ok((made.dev(), made.ino()))
        };
        let identity = made().map_err(at_step("listening on the socket"))?;
        let listener = kernel::register(listener, Interest::READABLE)
            .map_err(at_step("registering the listener"))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            identity,
        })
    }

    /// Waits for a peer of our user, or of root.
    ///
    /// # Cancel safety
    /// Dropping the future loses nobody: who connects goes on waiting to be accepted.
    ///
    /// # Errors
    /// [`MeetingError::Stranger`] for a peer of another user, which was turned away; one can go on
    /// accepting. [`MeetingError::Os`] if the operating system refuses.
    pub async fn accept(&self) -> Result<ControlSocket, MeetingError> {
        let accepted = self
            .listener
            .async_io(Interest::READABLE, kernel::accept)
            .await;
        let step = "accepting a peer";
        met(accepted.map_err(|source| MeetingError::Os { step, source })?)
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Comes to a [`Meeting`] at `path`, to join whoever holds it.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    /// What is wrong with the path, with whoever listens there, or with the system.
    pub async fn connect(path: impl AsRef<Path>) -> Result<ControlSocket, MeetingError> {
        let path = path.as_ref();
        let step = "making a socket";
        let socket = new_socket().map_err(|source| MeetingError::Os { step, source })?;
        // A local connection is made or refused at once, so there is nothing to wait for.
        let address = address_of(path)?;
        Effect::Connect
            .around(|| connect(socket.as_raw_fd(), &address))
            .map_err(|errno| of_errno(errno, path, "connecting the socket"))?;
        met(socket)
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        // J4. Somebody may replace the path between these two steps; there is no call that does both.
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours && let Err(error) = Effect::Unlink.around(|| fs::remove_file(&self.path)) {
            tracing::warn!(%error, path = %self.path.display(), "a socket path was left behind");
        }
    }
}

fn new_socket() -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    Ok(socket(
        AddressFamily::Unix,
        SockType::SeqPacket,
        flags,
        None,
    )?)
}

fn address_of(path: &Path) -> Result<UnixAddr, MeetingError> {
    UnixAddr::new(path).map_err(|errno| of_errno(errno, path, "naming the socket"))
}

/// J3.
fn remove_if_dead(path: &Path) -> Result<(), MeetingError> {
    let step = "looking at what is at the path";
    let found = fs::symlink_metadata(path).map_err(|source| MeetingError::Os { step, source })?;
    if !found.file_type().is_socket() {
        return Err(MeetingError::NotASocket {
            path: path.to_owned(),
        });
    }
    let probe = new_socket().map_err(|source| MeetingError::Os { step, source })?;
    let address = address_of(path)?;
    match Effect::Connect.around(|| connect(probe.as_raw_fd(), &address)) {
        Err(Errno::ECONNREFUSED) => {
            let step = "removing a socket that nobody listens on";
            let removed = Effect::TakeOver.around(|| fs::remove_file(path));
            removed.map_err(|source| MeetingError::Os { step, source })
        }
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => Err(MeetingError::InUse {
            path: path.to_owned(),
        }),
        Err(errno) => Err(of_errno(errno, path, step)),
    }
}

/// J2.
fn met(socket: OwnedFd) -> Result<ControlSocket, MeetingError> {
    let prepared = || -> io::Result<(ControlSocket, PeerCredentials)> {
        let socket = ControlSocket::prepare(socket)?;
        let who = socket.peer()?;
        Ok((socket, who))
    };
    let step = "asking who connected";
    let (socket, who) = prepared().map_err(|source| MeetingError::Os { step, source })?;
    if who.uid != geteuid().as_raw() && who.uid != 0 {
        return Err(MeetingError::Stranger { who });
    }
    Ok(socket)
}

fn of_errno(errno: Errno, path: &Path, step: &'static str) -> MeetingError {
    let path = path.to_owned();
    match errno {
        Errno::EADDRINUSE => MeetingError::InUse { path },
        Errno::ENAMETOOLONG => MeetingError::PathTooLong { path },
        Errno::ENOENT | Errno::ENOTDIR => MeetingError::NoSuchPath { path },
        Errno::ECONNREFUSED => MeetingError::NobodyListening { path },
        Errno::EPROTOTYPE | Errno::ENOTSOCK => MeetingError::NotASocket { path },
        Errno::EACCES | Errno::EPERM => MeetingError::PermissionDenied { path },
        Errno::EAGAIN => MeetingError::Busy { path },
        errno => MeetingError::Os {
            step,
            source: errno.into(),
        },
    }
}

impl fmt::Display for MeetingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => write!(
                f,
                "somebody listens at {} already: is the host running twice?",
                path.display()
            ),
            Self::NotASocket { path } => write!(
                f,
                "{} is not a socket of this kind: remove it or choose another path",
                path.display()
            ),
            Self::PathTooLong { path } => write!(
                f,
                "{} is too long for a socket path, which has at most 107 bytes",
                path.display()
            ),
            Self::NoSuchPath { path } => write!(
                f,
                "there is nothing at {}: was the host started, and does it listen there?",
                path.display()
            ),
            Self::NobodyListening { path } => write!(
                f,
                "nobody listens at {}: the host that made it is dead",
                path.display()
            ),
            Self::PermissionDenied { path } => {
                write!(f, "{} may not be used by this user", path.display())
            }
            Self::Busy { path } => write!(
                f,
                "too many wait to be accepted at {}: try again",
                path.display()
            ),
            Self::Stranger { who } => write!(
                f,
                "process {} of user {} was turned away: only our own user and root are met",
                who.pid, who.uid
            ),
            Self::Os { step, source } => write!(f, "{step} failed: {source}"),
        }
    }
}

impl std::error::Error for MeetingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Os { source, .. } => Some(source),
            _ => None,
        }
    }
}
