//! How unrelated processes connect: a listener at a socket path.
//!
//! - LS1: the path is never open to more processes than allowed: the socket gets its mode before its path.
//! - LS2: each side authenticates the other ([`Access`]): the same user or root, or as `decide` says.
//! - LS3: a path that a dead process left behind is taken over; one with a live listener is not.
//! - LS4: the path is removed on drop, if it is still ours.
//! - LS5: a process that inspects a path, takes it over, binds it and listens there holds the path's lock throughout,
//!   until the path is removed again. So of any number of processes one listens, and on the socket at the path.

use std::fs::{self, Permissions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, connect, listen, socket,
};
use nix::sys::stat::{Mode, fchmod};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::crash_points::point::CrashPoint;
use crate::handshake::access::Access;
use crate::handshake::control_socket::ControlSocket;
use crate::handshake::listener_error::{ListenerError, at_step};
use crate::handshake::path_lock::PathLock;
use crate::kernel;
use crate::kernel::credentials::PeerCredentials;
use crate::kernel::needs::SOCKET;

/// A listener at a socket path, for peers that this process does not start as children.
///
/// As long as it lives it holds a lock on a file beside the path, whose name is the path's with `.lock` appended.
#[derive(Debug)]
pub struct Listener {
    listener: AsyncFd<OwnedFd>,
    access: Access,
    /// The path as it was given.
    path: PathBuf,
    _place: Place,
}

/// The socket that we created at a path.
#[derive(Debug)]
struct Place {
    /// The absolute path, valid in every working directory.
    path: PathBuf,
    /// Device and inode (LS4).
    identity: (u64, u64),
    /// Released last (LS5).
    _lock: PathLock,
}

impl Listener {
    /// Listens at `path`, for this user and root.
    ///
    /// # Errors
    /// If the path cannot be used; see [`ListenerError`].
    pub fn bind(path: impl AsRef<Path>) -> Result<Self, ListenerError> {
        Self::bind_for(path, Access::same_user())
    }

    /// Listens at `path`, for the processes that `access` accepts.
    ///
    /// # Errors
    /// If the path cannot be used; see [`ListenerError`].
    pub fn bind_for(path: impl AsRef<Path>, access: Access) -> Result<Self, ListenerError> {
        let path = path.as_ref();
        let listener = new_socket(path)?;
        let address = address_of(path)?;
        let absolute = std::path::absolute(path).map_err(at_step("finding", path))?;
        let lock = PathLock::take(&absolute)?; // LS5
        remove_if_dead(path)?; // LS3
        let wanted = Mode::from_bits_truncate(access.mode());
        CrashPoint::Permit
            .around(|| fchmod(&listener, wanted))
            .map_err(at_step("giving its mode to", path))?; // LS1
        CrashPoint::Bind
            .around(|| bind(listener.as_raw_fd(), &address))
            .map_err(at_step("binding", path))?;
        let made = fs::symlink_metadata(path).map_err(at_step(INSPECTING, path))?;
        // From here on the path is removed if something fails.
        let place = Place {
            path: absolute,
            identity: (made.dev(), made.ino()),
            _lock: lock,
        };
        if made.mode() & 0o777 != access.mode() {
            // The umask removed some of the bits.
            let wanted = Permissions::from_mode(access.mode());
            CrashPoint::Permit
                .around(|| fs::set_permissions(path, wanted))
                .map_err(at_step("giving its mode to", path))?;
        }
        let backlog = Backlog::new(128).map_err(at_step("listening at", path))?;
        CrashPoint::Listen
            .around(|| listen(&listener, backlog))
            .map_err(at_step("listening at", path))?;
        let listener = kernel::register(listener, Interest::READABLE)
            .map_err(at_step("registering the listener at", path))?;
        Ok(Self {
            listener,
            access,
            path: path.to_owned(),
            _place: place,
        })
    }

    /// Accepts the next peer: of our user or of root, unless [`Access`] says otherwise.
    ///
    /// # Cancel safety
    /// Dropping the future loses no peer: a process that connects goes on waiting to be accepted.
    ///
    /// # Errors
    /// [`ListenerError::UnauthorizedPeer`] for a peer that was rejected, and every error that
    /// [is transient](ListenerError::is_transient): the caller can go on accepting. [`ListenerError::Os`] if the
    /// operating system refuses.
    pub async fn accept(&self) -> Result<ControlSocket, ListenerError> {
        let accepted = self
            .listener
            .async_io(Interest::READABLE, kernel::accept)
            .await;
        let accepted = accepted.map_err(at_step("accepting a peer at", &self.path))?;
        authenticate(accepted, &self.path, &self.access)
    }

    /// Returns the path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connects to the [`Listener`] at `path`, to join its host, if that runs as our user or root.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    /// If the path or the process that listens there is not acceptable, or the system refuses.
    pub async fn connect(path: impl AsRef<Path>) -> Result<ControlSocket, ListenerError> {
        Self::connect_to(path, &Access::same_user()).await
    }

    /// Connects to the [`Listener`] at `path`, to join its host, if `access` accepts it.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect).
    pub async fn connect_to(
        path: impl AsRef<Path>,
        access: &Access,
    ) -> Result<ControlSocket, ListenerError> {
        let path = path.as_ref();
        let socket = new_socket(path)?;
        // A local connection is accepted or refused at once, so there is nothing to wait for.
        let address = address_of(path)?;
        CrashPoint::Connect
            .around(|| connect(socket.as_raw_fd(), &address))
            .map_err(at_step("connecting to", path))?;
        authenticate(socket, path, access)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // LS4. No process that takes the lock can replace the path between these two steps.
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        if ours && let Err(error) = CrashPoint::Unlink.around(|| fs::remove_file(&self.path)) {
            tracing::warn!(%error, path = %self.path.display(), "a socket path was left behind");
        }
    }
}

fn new_socket(path: &Path) -> Result<OwnedFd, ListenerError> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
        .map_err(|errno| SOCKET.refused(errno))
        .map_err(at_step("making a socket for", path))
}

fn address_of(path: &Path) -> Result<UnixAddr, ListenerError> {
    UnixAddr::new(path).map_err(at_step("naming a socket", path))
}

/// Removes a dead process's socket (LS3). The caller holds the lock. A process that does not take the lock (another
/// program, or a version of this one without locks) may listen there all the same.
fn remove_if_dead(path: &Path) -> Result<(), ListenerError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => {
            return Err(ListenerError::NotASocket {
                path: path.to_owned(),
            });
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(at_step(INSPECTING, path)(error)),
    }
    let probe = new_socket(path)?;
    let address = address_of(path)?;
    match CrashPoint::Connect.around(|| connect(probe.as_raw_fd(), &address)) {
        Err(Errno::ECONNREFUSED) => match CrashPoint::TakeOver.around(|| fs::remove_file(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at_step(
                "removing the socket of a dead process at",
                path,
            )(error)),
            _ => Ok(()),
        },
        Err(Errno::ENOENT) => Ok(()),
        Ok(()) | Err(Errno::EAGAIN | Errno::EPROTOTYPE) => Err(ListenerError::InUse {
            path: path.to_owned(),
        }),
        Err(errno) => Err(at_step(INSPECTING, path)(errno)),
    }
}

/// Authenticates the other process (LS2).
fn authenticate(
    socket: OwnedFd,
    path: &Path,
    access: &Access,
) -> Result<ControlSocket, ListenerError> {
    let prepared = || -> io::Result<(ControlSocket, PeerCredentials)> {
        let socket = ControlSocket::prepare(socket)?;
        let who = socket.peer()?;
        Ok((socket, who))
    };
    let (socket, who) =
        prepared().map_err(at_step("reading the credentials of the peer at", path))?;
    if !access.accepts(who) {
        return Err(ListenerError::UnauthorizedPeer { who });
    }
    Ok(socket)
}

const INSPECTING: &str = "inspecting";
