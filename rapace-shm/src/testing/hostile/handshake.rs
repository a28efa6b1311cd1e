//! A stranger at the control socket, against the host's side or the joining one.
//!
//! - TH1: nothing panics, and once the stranger says no more the handshake ends.
//! - TH2: a link is established only with who said what a peer says, in order, and gave what a host
//!   gives; then the link can be used.

use std::task::{Context, Poll, Waker};

use tokio::runtime::{Builder, Runtime};

use super::codec::{Bytes, Operand, operands};
use super::handshake_peer::HandshakePeer;
use super::peer::small;
use crate::{ControlSocket, EstablishError, Header, Lane, Link, Payload, Trust};

/// A run: which side is ours, and what the stranger does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// Ours joins, and the stranger plays the host.
    pub(crate) joins: bool,
    pub(crate) trust: Trust,
    pub(crate) steps: Vec<Step>,
}

operands! {
    /// What the stranger does.
    enum Step {
        /// Says one of the four messages, with a byte changed, an end cut off, and descriptors.
        Say { what: What, at: u8, xor: u8, cut: u8, descriptors: Descriptors },
        /// Says anything.
        Raw { bytes: [u64; 8], len: u8 },
        /// Says hello until nothing fits any more.
        Flood {},
        /// Lets our side go on.
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

    /// What comes along.
    enum Descriptors {
        /// Nothing.
        None {},
        /// The first `count` of what a host gives, and more of something else; one of them odd.
        Host { count: u8, at: u8, bad: BadFd },
    }

    /// In place of a descriptor.
    enum BadFd {
        /// What should be there.
        Right {},
        /// Memory without seals.
        Unsealed {},
        /// Memory that is sealed, and not as long.
        Short {},
        /// Memory that nobody may write.
        Unwritable {},
        /// A device.
        Null {},
        /// An end of a pipe.
        PipeEnd { ringing: bool },
        /// The stranger's own end of the control socket.
        Socket {},
        /// The host's control region, whatever should be there.
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

/// Carries a script out, and tells how the handshake ended, without the link.
///
/// # Panics
/// If something does not hold.
pub(crate) fn run(script: &Script) -> Result<(), EstablishError> {
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _inside = runtime.enter();
    let config = small(script.trust);
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let mut peer = HandshakePeer::new(config.clone(), theirs);
    let joins = script.joins;
    // As a host does with what it starts.
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

/// Turns until a handshake whose other end says no more must have ended.
const ENOUGH: usize = 200;
