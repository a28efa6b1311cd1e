//! Calls into the kernel and tokio that have no safe API yet, since somebody must guarantee that a
//! descriptor is owned and open.
//!
//! - SC1: a descriptor that the kernel has just created for us has no owner. It is wrapped here, at
//!   once and exactly once, even if its message is refused.
//! - SC2: an `OwnedFd` is open, and the same, until it is dropped.
//! - SC3: tokio panics where a runtime has no I/O, and there is no way to ask first. That panic is caught here.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{MsgFlags, SockFlag, UnixCredentials, accept4, recvmsg};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use crate::kernel::credentials::PeerCredentials;
use crate::kernel::needs::ACCEPT;

/// Registers a descriptor with the current tokio runtime, edge-triggered.
///
/// # Errors
/// If there is no runtime with I/O enabled here, or epoll refuses.
pub fn register(fd: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    if Handle::try_current().is_err() {
        return Err(io::Error::other(NO_RUNTIME));
    }
    let register = || {
        // SAFETY: SC2, and the `AsyncFd` owns it.
        unsafe { AsyncFd::register_with_interest(fd, interest) }
    };
    // SC3
    match catch_unwind(AssertUnwindSafe(register)) {
        Ok(registered) => Ok(registered?),
        Err(_) => Err(io::Error::other(NO_IO)),
    }
}

/// The error of registering a descriptor where there is no tokio runtime with I/O.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoRuntime(pub(crate) &'static str);

const NO_RUNTIME: NoRuntime = NoRuntime("there is no tokio runtime here: call this inside of one");
const NO_IO: NoRuntime = NoRuntime(
    "the tokio runtime here has no I/O, which rapace waits by: build it with `enable_io` or `enable_all`",
);

impl NoRuntime {
    /// Extracts a `NoRuntime` from an error that wraps one.
    #[must_use]
    pub fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

/// Opens a pidfd: a descriptor that becomes readable when the process ends.
pub(crate) fn pidfd_open(pid: Pid) -> io::Result<OwnedFd> {
    // SAFETY: takes two integers and accesses no memory of ours.
    let answer = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = Errno::result(answer)? as RawFd;
    // SAFETY: SC1.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Accepts the next connection of a listening socket: close-on-exec, non-blocking.
pub(crate) fn accept(listener: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = accept4(listener.as_raw_fd(), flags).map_err(|errno| match errno {
        Errno::ENOSYS | Errno::EPERM => ACCEPT.refused(errno),
        errno => errno.into(),
    })?;
    // SAFETY: SC1.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes the kernel attach a pidfd of the sender to each message to this socket, where it can (Linux 6.5).
pub(crate) fn ask_for_senders(socket: &OwnedFd) {
    let on: libc::c_int = 1;
    let len = size_of_val(&on) as libc::socklen_t;
    let socket = socket.as_raw_fd();
    // SAFETY: the pointer and the length are those of `on`, which is only read.
    let set = unsafe {
        libc::setsockopt(
            socket,
            libc::SOL_SOCKET,
            PASS_PIDFD,
            (&raw const on).cast(),
            len,
        )
    };
    if let Err(error) = Errno::result(set) {
        tracing::debug!(%error, "the kernel sends no pidfds along");
    }
}

/// One received message.
#[derive(Debug)]
pub(crate) struct Datagram {
    /// Number of bytes stored in the buffer.
    pub(crate) len: usize,
    /// Credentials of the sender.
    pub(crate) sender: Option<PeerCredentials>,
    /// A pidfd of the sending process, valid even if its id is reused; or why there is none, if the kernel says.
    pub(crate) process: Option<io::Result<OwnedFd>>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

/// Receives one message without waiting. Descriptors that come along are close-on-exec. With `room` 0 there is no
/// place for any but the sender's pidfd, and the kernel drops the others; `None` means that some were dropped.
///
/// # Errors
/// `EMFILE` if this process can have no more descriptors: the kernel drops them without a reason.
pub(crate) fn receive(
    socket: &OwnedFd,
    buffer: &mut [u8],
    room: usize,
) -> io::Result<Option<Datagram>> {
    let mut control = cmsg_space!(UnixCredentials, RawFd);
    if room > 0 {
        control.resize(control.len() + cmsg_space!(RawFd).len() * room, 0);
    }
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
    let received = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let (len, cut_short) = (
        received.bytes,
        received.flags.contains(MsgFlags::MSG_CTRUNC),
    );
    // All of them are wrapped before any is refused (SC1).
    let mut datagram = Datagram {
        len,
        sender: None,
        process: None,
        descriptors: Vec::new(),
    };
    for (kind, data) in control_messages(&control) {
        let (numbers, _) = data.as_chunks::<4>();
        let mut numbers = numbers.iter().map(|number| i32::from_ne_bytes(*number));
        match kind {
            libc::SCM_RIGHTS => datagram.descriptors.extend(own(numbers)),
            SCM_PIDFD => datagram.process = numbers.next().map(pidfd),
            libc::SCM_CREDENTIALS => datagram.sender = credentials(&mut numbers),
            _ => {}
        }
    }
    match cut_short {
        false => Ok(Some(datagram)),
        // There was a place for each, and not all got in.
        true if datagram.descriptors.len() < room => Err(Errno::EMFILE.into()),
        true => Ok(None),
    }
}

/// Iterates over the socket's control messages, each with its kind and data, in a buffer that was zero before the
/// kernel wrote to it. A message that was cut short ends the iteration.
fn control_messages(mut control: &[u8]) -> impl Iterator<Item = (libc::c_int, &[u8])> {
    std::iter::from_fn(move || {
        let (len, rest) = control.split_first_chunk()?;
        let (level, rest) = rest.split_first_chunk()?;
        let (kind, _) = rest.split_first_chunk()?;
        let len = usize::from_ne_bytes(*len);
        let data = control.get(HEADER..len)?;
        let next = len.next_multiple_of(size_of::<usize>());
        control = control.get(next..).unwrap_or_default();
        Some((i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind), data))
    })
    .filter(|(level, _, _)| *level == libc::SOL_SOCKET)
    .map(|(_, kind, data)| (kind, data))
}

/// `struct ucred`: process, user, group.
fn credentials(numbers: &mut impl Iterator<Item = i32>) -> Option<PeerCredentials> {
    Some(PeerCredentials {
        pid: numbers.next()?,
        uid: numbers.next()?.cast_unsigned(),
        gid: numbers.next()?.cast_unsigned(),
    })
}

/// Bytes before the data of a control message: a length and two numbers.
const HEADER: usize = size_of::<usize>() + 2 * size_of::<i32>();

/// `SO_PASSPIDFD`, since Linux 6.5.
const PASS_PIDFD: libc::c_int = if cfg!(target_arch = "sparc64") {
    0x55
} else {
    76
};

/// The kind of control message that carries the sender's pidfd.
const SCM_PIDFD: libc::c_int = 4;

/// Like [`own`]. A negative number is an error code: the process is gone, or we can have no more descriptors.
fn pidfd(number: RawFd) -> io::Result<OwnedFd> {
    let open = own(std::iter::once(number)).next();
    open.ok_or_else(|| io::Error::from_raw_os_error(-number))
}

/// Takes ownership. Private to [`receive`], which passes what it has just received, once.
fn own(fds: impl Iterator<Item = RawFd>) -> impl Iterator<Item = OwnedFd> {
    fds.filter(|fd| *fd >= 0)
        // SAFETY: SC1.
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}
