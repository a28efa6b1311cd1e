//! The control socket, over which two processes establish a link.
//!
//! - CS1: the joining side speaks first, so that a program which is no peer costs no memory. A host that
//!   [offers](ControlSocket::offer) a segment to a child of its own spends that memory on purpose.
//! - CS2: after "joined", and after the hello of a peer that was offered a segment, no message on the socket has any
//!   meaning. It stays open, because its hang-up reports a death.
//! - CS3: every descriptor is close-on-exec on both sides, and standard input is freed, so that nothing
//!   leaks into processes that a plugin spawns.
//! - CS4: only a child accepts a leash, and only one: it is never closed, so a peer that could send more would exhaust
//!   our descriptors.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::socket::sockopt::{
    PassCred, PeerCredentials as SocketCredentials, SockType as TypeOf,
};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, getsockopt, setsockopt, socketpair};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::pipe2;

use crate::config::SegmentConfig;
use crate::establish_error::{EstablishError, HandshakeFault};
use crate::handshake::messages::Message;
use crate::handshake::wire_io::{Arrived, DESCRIPTORS, HandshakeSocket};
use crate::kernel;
use crate::kernel::credentials::PeerCredentials;
use crate::kernel::needs::{DUP, PASSCRED, PIPE, SOCKET_TYPE, SOCKETPAIR};
use crate::link::endpoint::Link;
use crate::memory::segment::{PeerA, PeerB, Segment, SegmentFds};

/// One end of a connected control socket: AF_UNIX, SOCK_SEQPACKET, close-on-exec, non-blocking.
#[derive(Debug)]
pub struct ControlSocket {
    pub(crate) socket: OwnedFd,
    /// Whether the socket was our standard input: then the process at the other end has started us.
    pub(crate) is_child: bool,
}

impl ControlSocket {
    /// Creates a connected pair: one end for us, and one to become the standard input of a child, which needs
    /// no other descriptor.
    ///
    /// # Errors
    /// If this process can have no more descriptors.
    pub fn pair() -> io::Result<(Self, OwnedFd)> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map_err(|errno| SOCKETPAIR.refused(errno))?;
        Ok((Self::prepare(ours)?, theirs))
    }

    /// Takes the control socket that a host passed as standard input, and puts `/dev/null` there or, where there is
    /// none, a pipe at its end of file.
    ///
    /// # Errors
    /// If standard input is something else: then this program was not started by a host, and the
    /// error says what standard input is. If a host started it, the error of the operating system.
    pub fn from_stdin() -> Result<Self, NotAControlSocket> {
        let stdin = io::stdin();
        match kind_of(&stdin).map_err(NotAControlSocket::Os)? {
            StdinKind::ControlSocket => {}
            found => return Err(NotAControlSocket::Stdin { found }),
        }
        let taken = || -> io::Result<Self> {
            let socket = std::os::fd::AsFd::as_fd(&stdin).try_clone_to_owned()?;
            nix::unistd::dup2_stdin(open_null()?).map_err(|errno| DUP.refused(errno))?;
            let flags = OFlag::from_bits_retain(fcntl(&socket, FcntlArg::F_GETFL)?);
            fcntl(&socket, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
            let prepared = Self::prepare(socket)?;
            Ok(Self {
                is_child: true,
                ..prepared
            })
        };
        taken().map_err(NotAControlSocket::Os)
    }

    /// Prepares a connected socket of the right kind, whatever its origin.
    pub(crate) fn prepare(socket: OwnedFd) -> io::Result<Self> {
        setsockopt(&socket, PassCred, &true).map_err(|errno| PASSCRED.refused(errno))?;
        kernel::ask_for_senders(&socket);
        Ok(Self {
            socket,
            is_child: false,
        })
    }

    /// Establishes a link as the side that creates the segment: waits for the peer's hello, creates the
    /// segment, sends it, and waits until it is mapped. There is no time limit: set one around the call.
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket and frees the segment. The peer sees a hang-up.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub async fn host(self, config: &SegmentConfig) -> Result<Link, EstablishError> {
        config.validate().map_err(EstablishError::Config)?;
        let wire = HandshakeSocket::new(self.socket)?;
        let hello = wire.recv(0).await?;
        match hello.message {
            Ok(Message::Hello) => {} // CS1
            Ok(other) => return Err(other.instead_of("hello")),
            Err(error) => {
                if matches!(error, EstablishError::LayoutVersion { .. }) {
                    // So that the peer can report it to its user. This side returns the error in any case.
                    let _ = wire.send(&Message::Refused, &[]).await;
                }
                return Err(error);
            }
        }
        let (segment, fds) = Segment::<PeerA>::create(config)?;
        let descriptors = fds.as_raw();
        wire.send(&Message::Segment(config.clone()), &descriptors)
            .await?;
        drop(fds);
        match wire.recv(0).await?.message? {
            Message::Joined => {}
            other => return Err(other.instead_of("joined")),
        }
        Link::new(segment, wire.into_socket(), hello.sender)
    }

    /// Establishes a link as the joining side: sends hello, receives the segment, checks geometry,
    /// sizes and seals, and maps it.
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket. The peer sees a hang-up.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub async fn join(self) -> Result<Link, EstablishError> {
        let wire = HandshakeSocket::new(self.socket)?;
        wire.send(&Message::Hello, &[]).await?;
        let mut arrived = wire.recv(DESCRIPTORS).await?;
        if self.is_child && matches!(arrived.message, Ok(Message::Leash)) {
            keep_leash(arrived.descriptors)?;
            arrived = wire.recv(DESCRIPTORS).await?;
        }
        let Arrived {
            message,
            sender,
            descriptors,
        } = arrived;
        let config = match message? {
            Message::Segment(config) => config,
            other => return Err(other.instead_of("segment")),
        };
        let fds = SegmentFds::from_received(descriptors)?;
        let segment = Segment::<PeerB>::join(config, fds)?;
        wire.send(&Message::Joined, &[]).await?;
        Link::new(segment, wire.into_socket(), sender)
    }

    /// Returns the credentials of the other end, as recorded when the sockets were connected. For a
    /// [`pair`](Self::pair) these are the pair's creator's; [`Link::peer`] has those of the process that sent messages.
    ///
    /// # Errors
    /// If the kernel does not say.
    pub fn peer(&self) -> io::Result<PeerCredentials> {
        let credentials = getsockopt(&self.socket, SocketCredentials)?;
        Ok(PeerCredentials::of(credentials))
    }
}

/// Keeps a leash for as long as this process lives (CS4).
fn keep_leash(descriptors: Vec<OwnedFd>) -> Result<(), EstablishError> {
    let [leash]: [OwnedFd; 1] = descriptors
        .try_into()
        .map_err(|_| EstablishError::Fault(HandshakeFault::Descriptors { expected: 1 }))?;
    // Left open on purpose, also after the end of the link: its host may still die.
    let _ = leash.into_raw_fd();
    Ok(())
}

impl SegmentFds {
    pub(crate) fn as_raw(&self) -> [i32; DESCRIPTORS] {
        [
            &self.a_control,
            &self.a_large_slots,
            &self.b_control,
            &self.b_large_slots,
            &self.ring_a,
            &self.wait_b,
        ]
        .map(AsRawFd::as_raw_fd)
    }

    fn from_received(descriptors: Vec<OwnedFd>) -> Result<Self, EstablishError> {
        let fds: [OwnedFd; DESCRIPTORS] = descriptors.try_into().map_err(|_| {
            EstablishError::Fault(HandshakeFault::Descriptors {
                expected: DESCRIPTORS,
            })
        })?;
        let [
            a_control,
            a_large_slots,
            b_control,
            b_large_slots,
            ring_a,
            wait_b,
        ] = fds;
        Ok(Self {
            a_control,
            a_large_slots,
            b_control,
            b_large_slots,
            ring_a,
            wait_b,
        })
    }
}

/// The kinds of standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StdinKind {
    /// A control socket.
    ControlSocket,
    /// A terminal: the program was started by hand.
    Terminal,
    /// A file.
    File,
    /// A pipe.
    Pipe,
    /// Another kind of socket.
    OtherSocket,
    /// `/dev/null`, or another device.
    Device,
    /// Not open.
    Closed,
}

impl StdinKind {
    fn name(self) -> &'static str {
        match self {
            Self::ControlSocket => "in use already",
            Self::Terminal => "a terminal",
            Self::File => "a file",
            Self::Pipe => "a pipe",
            Self::OtherSocket => "a socket of another kind",
            Self::Device => "a device",
            Self::Closed => "closed",
        }
    }
}

/// Why standard input cannot be the control socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotAControlSocket {
    /// Standard input is something else.
    #[error("its standard input is {}, not the control socket of a host", found.name())]
    Stdin {
        /// The kind of standard input.
        found: StdinKind,
    },
    /// The operating system refused to hand it over.
    #[error("standard input could not be taken over: {0}")]
    Os(#[source] io::Error),
}

/// Opens something that reads as empty.
fn open_null() -> io::Result<OwnedFd> {
    match File::open("/dev/null") {
        Ok(null) => Ok(null.into()),
        // A sandbox may have no devices.
        Err(_) => {
            let (read, _) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| PIPE.refused(errno))?;
            Ok(read)
        }
    }
}

fn kind_of(stdin: &io::Stdin) -> io::Result<StdinKind> {
    use std::io::IsTerminal;
    let mode = match fstat(stdin) {
        Ok(stat) => stat.st_mode,
        Err(Errno::EBADF) => return Ok(StdinKind::Closed),
        Err(errno) => return Err(errno.into()),
    };
    let kind = SFlag::from_bits_truncate(mode) & SFlag::S_IFMT;
    Ok(match kind {
        SFlag::S_IFSOCK => {
            match getsockopt(stdin, TypeOf).map_err(|errno| SOCKET_TYPE.refused(errno))? {
                SockType::SeqPacket => StdinKind::ControlSocket,
                _ => StdinKind::OtherSocket,
            }
        }
        SFlag::S_IFIFO => StdinKind::Pipe,
        SFlag::S_IFREG => StdinKind::File,
        _ if stdin.is_terminal() => StdinKind::Terminal,
        _ => StdinKind::Device,
    })
}
