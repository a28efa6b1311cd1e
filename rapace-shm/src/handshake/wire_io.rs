//! The control socket on its runtime: whole messages, descriptors, senders verified by the kernel.
//!
//! - WI1: descriptors arrive close-on-exec, and only where some are expected: elsewhere they are closed,
//!   by the kernel or here, and are a fault. Those that are lost because this process has too many open are
//!   no fault of the peer's.
//! - WI2: the kernel vouches for the sender of a message (SCM_CREDENTIALS). The credentials of the socket
//!   are those of its creator, which for a socket pair is this process.
//! - WI3: a call that can complete at once does not go through the runtime, which has not yet seen that a
//!   new socket is ready.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::crash_points::point::CrashPoint;
use crate::establish_error::{EstablishError, HandshakeFault, at_step};
use crate::handshake::messages::{MAX_MESSAGE, Message};
use crate::kernel;
use crate::kernel::credentials::MessageSender;
use crate::kernel::needs::{RECEIVE, SEND};

/// Number of descriptors that come with a segment.
pub(crate) const DESCRIPTORS: usize = 6;

/// A control socket during the handshake.
#[derive(Debug)]
pub(crate) struct HandshakeSocket {
    socket: AsyncFd<OwnedFd>,
}

/// A received message.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) message: Result<Message, EstablishError>,
    pub(crate) sender: Option<MessageSender>,
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl HandshakeSocket {
    pub(crate) fn new(socket: OwnedFd) -> Result<Self, EstablishError> {
        let socket = kernel::register(socket, Interest::READABLE | Interest::WRITABLE)
            .map_err(at_step("registering the control socket"))?;
        Ok(Self { socket })
    }

    pub(crate) async fn send(
        &self,
        message: &Message,
        descriptors: &[RawFd],
    ) -> Result<(), EstablishError> {
        let sent = match say(self.socket.get_ref(), message, descriptors) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let again = |socket: &OwnedFd| say(socket, message, descriptors);
                self.socket.async_io(Interest::WRITABLE, again).await
            }
            sent => sent, // WI3
        };
        sent.map_err(not_sent)
    }

    /// Sends over a socket that was not used before, which always has room for one message.
    pub(crate) fn try_send(
        &self,
        message: &Message,
        descriptors: &[RawFd],
    ) -> Result<(), EstablishError> {
        say(self.socket.get_ref(), message, descriptors).map_err(not_sent)
    }

    /// Receives one message, with descriptors if `expected` is not 0.
    pub(crate) async fn recv(&self, expected: usize) -> Result<Arrived, EstablishError> {
        let received = match receive(self.socket.get_ref(), expected) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let again = |socket: &OwnedFd| receive(socket, expected);
                self.socket.async_io(Interest::READABLE, again).await
            }
            received => received, // WI3
        };
        match received {
            Ok(arrived) => arrived,
            Err(error) if hung_up(&error) => Err(EstablishError::HungUp),
            Err(error) => Err(at_step("receiving over the control socket")(
                RECEIVE.refused(error),
            )),
        }
    }

    pub(crate) fn into_socket(self) -> AsyncFd<OwnedFd> {
        self.socket
    }
}

fn crash_point_of(message: &Message) -> CrashPoint {
    match message {
        Message::Hello => CrashPoint::Hello,
        Message::Segment(_) => CrashPoint::Segment,
        Message::Joined => CrashPoint::Joined,
        Message::Refused => CrashPoint::Refused,
        Message::Leash => CrashPoint::Leash,
    }
}

pub(crate) fn say(socket: &OwnedFd, message: &Message, descriptors: &[RawFd]) -> io::Result<()> {
    let bytes = message.encode();
    let bytes = [IoSlice::new(&bytes)];
    let rights = [ControlMessage::ScmRights(descriptors)];
    let control: &[ControlMessage<'_>] = if descriptors.is_empty() { &[] } else { &rights };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    let socket = socket.as_raw_fd();
    crash_point_of(message).around(|| sendmsg::<()>(socket, &bytes, control, flags, None))?;
    Ok(())
}

pub(crate) fn not_sent(error: io::Error) -> EstablishError {
    match hung_up(&error) {
        true => EstablishError::HungUp,
        false => at_step("sending over the control socket")(SEND.refused(error)),
    }
}

fn receive(socket: &OwnedFd, expected: usize) -> io::Result<Result<Arrived, EstablishError>> {
    let mut bytes = [0; MAX_MESSAGE];
    let fault = EstablishError::Fault(HandshakeFault::Descriptors { expected });
    let Some(datagram) = kernel::receive(socket, &mut bytes, expected)? else {
        return Ok(Err(fault)); // WI1
    };
    if datagram.len == 0 {
        return Ok(Err(EstablishError::HungUp));
    }
    if datagram.descriptors.len() > expected {
        return Ok(Err(fault));
    }
    Ok(Ok(Arrived {
        message: Message::decode(bytes.get(..datagram.len).unwrap_or(&bytes)),
        sender: datagram.sender.map(|credentials| MessageSender {
            credentials,
            process: datagram.process,
        }),
        descriptors: datagram.descriptors,
    }))
}

fn hung_up(error: &io::Error) -> bool {
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(
        errno,
        Some(Errno::EPIPE | Errno::ECONNRESET | Errno::ENOTCONN)
    )
}
