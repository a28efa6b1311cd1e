//! A segment that is sent to a child before the child has said anything.
//!
//! ```text
//!   host   make segment, send it ······ start the child ······ hello: the link is there
//!   child                                    hello, take the segment, map it, joined
//! ```
//!
//! - U1: nobody waits for an answer: what the child needs lies in its socket when it first looks.
//! - U2: the child says hello all the same, and before it looks, so that a host learns of another
//!   version, or of a program that is no peer, in the child's own words.
//! - U3: a child that cannot map the segment hangs up, which the link tells as it tells a death.

use crate::config::SegmentConfig;
use crate::control::ControlSocket;
use crate::establish::EstablishError;
use crate::link::Link;
use crate::message::Message;
use crate::segment::{PeerA, Segment};
use crate::wire::Wire;

/// A segment that is on its way to a child.
#[derive(Debug)]
pub struct Invited {
    wire: Wire,
    segment: Segment<PeerA>,
}

impl ControlSocket {
    /// Makes the segment and sends it at once, to a child that is only being started. For a peer that
    /// this process did not start, [`host`](Self::host) is more careful with memory.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub fn invite(self, config: &SegmentConfig) -> Result<Invited, EstablishError> {
        let wire = Wire::new(self.socket)?;
        let (segment, invitation) = Segment::<PeerA>::create(config)?;
        wire.try_send(&Message::Segment(config.clone()), &invitation.as_raw())?;
        Ok(Invited { wire, segment })
    }
}

impl Invited {
    /// Waits until the child has said hello. It may have the segment still to map (U3).
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket and frees the segment. The peer sees a hang-up.
    ///
    /// # Errors
    /// See [`EstablishError`].
    pub async fn greeted(self) -> Result<Link, EstablishError> {
        let hello = self.wire.recv(0).await?;
        match hello.message? {
            Message::Hello => Link::new(self.segment, self.wire.into_socket(), hello.sender),
            other => Err(other.instead_of("hello")),
        }
    }
}
