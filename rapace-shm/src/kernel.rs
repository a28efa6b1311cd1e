//! Calls into the kernel and tokio that have no safe spelling yet: descriptors that somebody must
//! vouch for.
//!
//! - I1: a descriptor that the kernel has just made for us is owned by nobody. It is wrapped here, at
//!   once, and once, also if its message is refused.
//! - I2: an `OwnedFd` is open, and the same, until it is dropped.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::libc;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockFlag, UnixCredentials, accept4, recvmsg,
};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// Registers a descriptor with the current tokio runtime, edge-triggered.
///
/// # Errors
/// If there is no runtime with I/O enabled here, or epoll refuses.
pub(crate) fn register(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    if Handle::try_current().is_err() {
        return Err(io::Error::other(
            "there is no tokio runtime here: establish links inside of one",
        ));
    }
    // SAFETY: I2, and the `AsyncFd` owns it.
    let registered = unsafe { AsyncFd::register_with_interest(fd, interest) };
    Ok(registered?)
}

/// A descriptor that becomes readable when the process ends.
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes two integers and touches no memory of ours.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = nix::errno::Errno::result(answer)? as RawFd;
    // SAFETY: I1.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The next connection to a listening socket: close-on-exec, non-blocking.
pub(crate) fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = accept4(listener.as_raw_fd(), flags)?;
    // SAFETY: I1.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// What came in one message.
#[derive(Debug)]
pub(crate) struct Datagram {
    /// Bytes stored in the buffer.
    pub(crate) len: usize,
    pub(crate) sender: Option<UnixCredentials>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// Receives one message without waiting. Descriptors that come along are close-on-exec. Where `room`
/// is 0 there is no place for any, and the kernel drops them; `None` says that some were dropped.
pub(crate) fn receive(
    socket: &OwnedFd,
    buffer: &mut [u8],
    room: usize,
) -> io::Result<Option<Datagram>> {
    let mut control = cmsg_space!(UnixCredentials);
    if room > 0 {
        control.resize(control.len() + cmsg_space!(RawFd).len() * room, 0);
    }
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let mut sender = None;
    let mut descriptors = Vec::new();
    let Ok(messages) = received.cmsgs() else {
        // Cut short. Those that did get in are open (I1).
        own(rights_in(&control)).for_each(drop);
        return Ok(None);
    };
    for message in messages {
        match message {
            ControlMessageOwned::ScmRights(fds) => descriptors.extend(own(fds)),
            ControlMessageOwned::ScmCredentials(credentials) => sender = Some(credentials),
            _ => {}
        }
    }
    Ok(Some(Datagram {
        len: received.bytes,
        sender,
        descriptors,
    }))
}

/// The descriptors in a control buffer that was zero before the kernel wrote to it. For a message that
/// was cut short, into which nix does not look.
fn rights_in(mut control: &[u8]) -> Vec<RawFd> {
    let mut rights = Vec::new();
    while let Some((len, rest)) = control.split_first_chunk()
        && let Some((level, rest)) = rest.split_first_chunk()
        && let Some((kind, _)) = rest.split_first_chunk()
    {
        let len = usize::from_ne_bytes(*len);
        let Some(data) = control.get(HEADER..len) else {
            break;
        };
        let is = (i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind));
        if is == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
            let (fds, _) = data.as_chunks();
            rights.extend(fds.iter().map(|fd| RawFd::from_ne_bytes(*fd)));
        }
        let next = len.next_multiple_of(size_of::<usize>());
        control = control.get(next..).unwrap_or_default();
    }
    rights
}

/// Bytes before the data of a control message: a length and two numbers.
const HEADER: usize = size_of::<usize>() + 2 * size_of::<i32>();

/// Private to [`receive`], which passes on what it has just received, and once.
fn own(fds: Vec<RawFd>) -> impl Iterator<Item = OwnedFd> {
    fds.into_iter()
        // SAFETY: I1.
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}
