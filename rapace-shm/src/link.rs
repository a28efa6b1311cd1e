//! One established end of a link. From here on the roles make no difference.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::bell::Bell;
use crate::config::SegmentConfig;
use crate::control::PeerCredentials;
use crate::establish::{EstablishError, at_step};
use crate::inbound::Inbound;
use crate::kernel;
use crate::liveness::{Liveness, PeerWatch};
use crate::outbound::Outbound;
use crate::segment::{PeerA, PeerB, Segment};
use crate::shared::Shared;

/// One end of an established link, to be [`split`](Self::split) into what sends, what receives, and
/// what watches over the peer.
pub struct Link {
    shared: Arc<Shared>,
    bell: Bell,
    life: Arc<Liveness>,
    peer: Option<PeerCredentials>,
}

impl Link {
    /// Both ends of a link in this process, over real memory objects and doorbells, without a
    /// handshake: for tests, benchmarks and examples. Both belong to the current tokio runtime.
    ///
    /// # Errors
    /// If the configuration cannot be used, the operating system refuses, or there is no runtime.
    pub fn pair(config: &SegmentConfig) -> Result<(Self, Self), EstablishError> {
        let (segment, invitation) = Segment::<PeerA>::create(config)?;
        let joined = Segment::<PeerB>::join(config.clone(), invitation)?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map_err(io::Error::from)
            .map_err(at_step("connecting the two ends"))?;
        let register = |socket| {
            kernel::register(socket, Interest::READABLE)
                .map_err(at_step("registering the control socket"))
        };
        let a = Self::new(segment, register(a)?, None)?;
        let b = Self::new(joined, register(b)?, None)?;
        Ok((a, b))
    }

    pub(crate) fn new<Role>(
        segment: Segment<Role>,
        socket: AsyncFd<OwnedFd>,
        peer: Option<PeerCredentials>,
    ) -> Result<Self, EstablishError> {
        let bell = Bell::new(segment.wait, segment.config.trust)
            .map_err(at_step("registering the doorbell"))?;
        let process = peer.and_then(|peer| watch_process(peer.pid));
        let shared = Shared::new(
            segment.config,
            segment.own,
            segment.peer,
            segment.rope,
            segment.copy_out,
        );
        Ok(Self {
            shared: Arc::new(shared),
            bell,
            life: Arc::new(Liveness::new(socket, process)),
            peer,
        })
    }

    /// Takes the link apart: what sends, what receives, what watches.
    #[must_use]
    pub fn split(self) -> (Outbound, Inbound, PeerWatch) {
        let outbound = Outbound::new(Arc::clone(&self.shared));
        let watch = PeerWatch::new(Arc::clone(&self.life));
        (
            outbound,
            Inbound::new(self.shared, self.bell, self.life),
            watch,
        )
    }

    /// Who shook hands with us, as the kernel says; `None` for a [`pair`](Self::pair).
    #[must_use]
    pub fn peer(&self) -> Option<PeerCredentials> {
        self.peer
    }

    /// The geometry of the segment: on the joining side, what the creating side chose.
    #[must_use]
    pub fn config(&self) -> &SegmentConfig {
        &self.shared.config
    }

    /// A duplicate of our end of the control socket, for a plain thread that polls it and ends the
    /// process when the peer is gone, whatever the executor is doing. `poll` for `POLLIN` answers
    /// then, with `POLLHUP` if the peer's process is dead and with `POLLRDHUP` if it dropped its link;
    /// an honest peer sends nothing over an established control socket.
    ///
    /// # Errors
    /// If this process can have no more descriptors.
    pub fn dup_for_watchdog(&self) -> io::Result<OwnedFd> {
        self.life.socket()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("peer", &self.peer)
            .field("config", self.config())
            .finish_non_exhaustive()
    }
}

/// A pidfd on the peer, unless it is this process or has no id here. That its process is the one that
/// spoke is certain: an id is not used again before the process was reaped, and a peer that died in
/// between has hung up.
fn watch_process(pid: i32) -> Option<AsyncFd<OwnedFd>> {
    if pid <= 0 || pid == Pid::this().as_raw() {
        return None;
    }
    let watched = kernel::pidfd_open(Pid::from_raw(pid))
        .and_then(|process| kernel::register(process, Interest::READABLE));
    match watched {
        Ok(process) => Some(process),
        Err(error) => {
            // The hang-up of the control socket still tells.
            tracing::debug!(%error, pid, "the peer's process cannot be watched");
            None
        }
    }
}
