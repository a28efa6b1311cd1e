//! A scripted peer at the control socket, against the hosting or the joining side.
//!
//! - TH1: nothing panics, and once the peer is silent the handshake ends.
//! - TH2: a link is established only with a peer that sent the messages of its role, in order, and gave what a host
//!   gives; then the link is usable.

use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Runtime};

use super::codec::{Bytes, Operand, operands};
use super::handshake_peer::HandshakePeer;
use super::peer::small;
use crate::{ControlSocket, EstablishError, Header, Lane, Link, Payload, Trust};

/// A run: which side is ours, and what the peer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// Our side joins, and the peer acts as the host.
    pub(crate) joins: bool,
    pub(crate) trust: Trust,
    pub(crate) steps: Vec<Step>,
}

operands! {
    /// An action of the peer.
    enum Step {
        /// Sends one of the four messages, with a byte changed, an end cut off, and descriptors.
        Say { what: What, at: u8, xor: u8, cut: u8, descriptors: Descriptors },
        /// Sends any bytes.
        Raw { bytes: [u64; 8], len: u8 },
        /// Sends hello until the socket is full.
        Flood {},
        /// Lets our side run.
        Turn {},
        /// Closes its end.
        HangUp {},
    }

    /// A message.
    enum What {
        Hello {},
        Segment {},
        Joined {},
        Refused {},
    }

    /// The descriptors that come with a message.
    enum Descriptors {
        /// None.
        None {},
        /// The first `count` of a host's descriptors, and then others; one of them is bad.
        Host { count: u8, at: u8, bad: BadFd },
    }

    /// A replacement for a descriptor.
    enum BadFd {
        /// None: the right descriptor.
        Right {},
        /// Memory without seals.
        Unsealed {},
        /// Memory that is sealed, and too short.
        Short {},
        /// Memory that no process may write.
        Unwritable {},
        /// A device.
        Null {},
        /// An end of a pipe.
        PipeEnd { ringing: bool },
        /// The peer's own end of the control socket.
        Socket {},
        /// The host's control region, in any place.
        Control {},
    }
}

impl Operand for Script {
    fn take(bytes: &mut Bytes<'_>) -> Self {
        let trust = |untrusted| match untrusted {
            true => Trust::Untrusted,
            false => Trust::Trusted,
        };
        Self {
            joins: bool::take(bytes),
            trust: trust(bool::take(bytes)),
            steps: Vec::take(bytes),
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        self.joins.put(out);
        (self.trust == Trust::Untrusted).put(out);
        self.steps.put(out);
    }
}

/// Runs a script, and returns how the handshake ended, without the link.
///
/// # Panics
/// If an assertion fails.
pub(crate) fn run(script: &Script) -> Result<(), EstablishError> {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _inside = runtime.enter();
    let config = small(script.trust);
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let mut peer = HandshakePeer::new(config.clone(), theirs);
    let joins = script.joins;
    // As a host does for a child that it starts.
    let offers = !joins && script.trust == Trust::Trusted;
    let mut shaking = Box::pin(async move {
        if joins {
            ours.join().await
        } else if offers {
            ours.offer(&config)?.finish().await
        } else {
            ours.host(&config).await
        }
    });
    let mut go_on = |runtime: &Runtime| {
        runtime.block_on(tokio::task::yield_now());
        let mut cx = Context::from_waker(Waker::noop());
        match shaking.as_mut().poll(&mut cx) {
            Poll::Ready(shaken) => Some(shaken),
            Poll::Pending => None,
        }
    };
    let mut shaken = go_on(&runtime);
    for step in &script.steps {
        peer.perform(step);
        if matches!(step, Step::Turn {}) && shaken.is_none() {
            shaken = go_on(&runtime);
        }
    }
    peer.shutdown_write();
    for _ in 0..ENOUGH {
        if shaken.is_none() {
            shaken = go_on(&runtime);
        }
    }
    let link = shaken.expect("still waiting for a peer that says no more")?; // TH1
    if joins {
        peer.was_a_host(&link);
    } else {
        peer.was_a_peer(offers);
    }
    used(link);
    Ok(())
}

/// A link that was established can be used.
fn used(link: Link) {
    let (out, mut inbound, _watch) = link.split();
    let mut batch = Vec::new();
    let _ = inbound.try_recv(&mut batch, 8);
    let mut cx = Context::from_waker(Waker::noop());
    let _ = inbound.poll_recv(&mut cx, &mut batch, 8);
    let _ = out.try_publish(&Header::default(), Payload::Inline(b"hi"), &[], Lane::Data);
    if let Ok(mut slot) = out.try_allocate(64, Lane::Data) {
        slot.fill(1);
        assert!(slot.freeze().iter().all(|byte| *byte == 1));
    }
    let _ = out.stats();
}

/// Turns after which a handshake whose other end is silent must have ended.
const ENOUGH: usize = 200;
