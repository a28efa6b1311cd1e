//! The messages that a host sends to a child before the child sends any: a leash, and a segment.
//!
//! ```text
//!   host   leash, start the child, make the segment, send it ······ hello: the link is there
//!   child                                    hello, take both, map the segment, joined
//! ```
//!
//! - OF1: neither side waits for an answer: what the child needs is in its socket when it first reads.
//! - OF2: the child says hello all the same, and before it reads, so that a host detects another
//!   version, or a program that is no peer, by the child's own message.
//! - OF3: a leash is a descriptor that the child keeps open for as long as it lives. It is in flight before there is a
//!   child, so a program that has not read it yet keeps it open all the same, and so does a launcher in between.
//! - OF4: a child that cannot map the segment hangs up, which the link reports like a death.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::config::SegmentConfig;
use crate::establish_error::EstablishError;
use crate::handshake::control_socket::ControlSocket;
use crate::handshake::messages::Message;
use crate::handshake::wire_io::{HandshakeSocket, not_sent, say};
use crate::link::endpoint::Link;
use crate::memory::segment::{PeerA, Segment};

/// A link whose segment was sent to a child that has not answered yet.
#[derive(Debug)]
pub struct PendingLink {
    wire: HandshakeSocket,
    segment: Segment<PeerA>,
}

impl ControlSocket {
    /// Sends a descriptor to a child that is still to be started. The child keeps it open until it ends, from the
    /// moment that the socket is its standard input (OF3). At most one, and before all other messages.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub fn leash(&self, leash: BorrowedFd<'_>) -> Result<(), EstablishError> {
        say(&self.socket, &Message::Leash, &[leash.as_raw_fd()]).map_err(not_sent)
    }

    /// Creates the segment and sends it at once, to a child that is only being started. For a peer that
    /// this process did not start, use [`host`](Self::host), which spends no memory on a program that is no peer.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub fn offer(self, config: &SegmentConfig) -> Result<PendingLink, EstablishError> {
        let wire = HandshakeSocket::new(self.socket)?;
        let (segment, fds) = Segment::<PeerA>::create(config)?;
        wire.try_send(&Message::Segment(config.clone()), &fds.as_raw())?;
        Ok(PendingLink { wire, segment })
    }
}

impl PendingLink {
    /// Waits until the child has said hello. It may not have mapped the segment yet (OF4).
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket and frees the segment. The peer sees a hang-up.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub async fn finish(self) -> Result<Link, EstablishError> {
        let hello = self.wire.recv(0).await?;
        match hello.message? {
            Message::Hello => Link::new(self.segment, self.wire.into_socket(), hello.sender),
            other => Err(other.instead_of("hello")),
        }
    }
}
