//! One established end of a link. From here on both roles behave alike.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::config::SegmentConfig;
use crate::doorbell::liveness::{Liveness, PeerWatch, SocketHold};
use crate::doorbell::notify::Doorbell;
use crate::establish_error::{EstablishError, at_step};
use crate::kernel;
use crate::kernel::credentials::MessageSender;
use crate::kernel::credentials::PeerCredentials;
use crate::kernel::needs::SOCKETPAIR;
use crate::link::receiver::Receiver;
use crate::link::sender::Sender;
use crate::link::state::LinkState;
use crate::memory::segment::{PeerA, PeerB, Segment};

/// One end of an established link. [`split`](Self::split) it into sender, receiver and watch.
///
/// Dropping it closes the link and hangs up, unless there is a [`SocketHold`]: the peer detects that at once.
pub struct Link {
    sender: Sender,
    /// Closes the link when it is dropped.
    receiver: Receiver,
    life: Arc<Liveness>,
    peer: Option<PeerCredentials>,
}

impl Link {
    /// Creates both ends of a link in this process, over real memory objects and doorbells, without a
    /// handshake: for tests, benchmarks and examples. Both belong to the current tokio runtime.
    ///
    /// # Errors
    /// If the configuration cannot be used, the operating system refuses, or there is no runtime.
    pub fn pair(config: &SegmentConfig) -> Result<(Self, Self), EstablishError> {
        let (segment, fds) = Segment::<PeerA>::create(config)?;
        let joined = Segment::<PeerB>::join(config.clone(), fds)?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
            .map_err(|errno| SOCKETPAIR.refused(errno))
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
        peer: Option<MessageSender>,
    ) -> Result<Self, EstablishError> {
        let doorbell = Doorbell::new(segment.wait, segment.config.trust)
            .map_err(at_step("registering the doorbell"))?;
        let credentials = peer.as_ref().map(|peer| peer.credentials);
        let process = peer.and_then(watch_process);
        let link_state = Arc::new(LinkState::new(
            segment.config,
            segment.own,
            segment.peer,
            segment.notifier,
            segment.copy_out,
        ));
        let life = Arc::new(Liveness::new(socket, process));
        Ok(Self {
            sender: Sender::new(Arc::clone(&link_state)),
            receiver: Receiver::new(link_state, doorbell, Arc::clone(&life)),
            life,
            peer: credentials,
        })
    }

    /// Splits the link into its sender, its receiver, and a watch on the peer.
    #[must_use]
    pub fn split(self) -> (Sender, Receiver, PeerWatch) {
        (self.sender, self.receiver, PeerWatch::new(self.life))
    }

    /// Returns the credentials of the process at the other end, from the kernel; `None` for a [`pair`](Self::pair).
    #[must_use]
    pub fn peer(&self) -> Option<PeerCredentials> {
        self.peer
    }

    /// Returns the geometry of the segment. On the joining side, the creating side chose it.
    #[must_use]
    pub fn config(&self) -> &SegmentConfig {
        self.sender.config()
    }

    /// Postpones our hang-up until the returned value is dropped, if that is later than the end of the link.
    pub fn hold_socket(&self) -> SocketHold {
        SocketHold::new(self.receiver.end())
    }

    /// Duplicates our end of the control socket, for a plain thread that polls it and ends the
    /// process when the peer is gone, whatever the executor is doing. `poll` for `POLLRDHUP` returns then,
    /// and also with `POLLHUP` if all processes that had the peer's end open have closed it, as a death does.
    ///
    /// Do not poll for `POLLIN`: a readable socket means nothing. A peer that was
    /// [offered](crate::ControlSocket::offer) the segment sends "joined" when the link is already established
    /// here, nobody reads that, and a peer may send anything at any time.
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

/// Opens a pidfd on the peer, unless it is this process. Since Linux 6.5 the kernel attaches one to the peer's
/// messages. Before, its id is looked up: that is the process that sent them, because an id is not reused before its
/// process was reaped, and a peer that died and was reaped in between has hung up.
fn watch_process(peer: MessageSender) -> Option<AsyncFd<OwnedFd>> {
    let pid = peer.credentials.pid;
    if pid == Pid::this().as_raw() {
        return None;
    }
    let process = match peer.process {
        Some(result) => result,
        // It has no id in our pid namespace.
        None if pid <= 0 => return None,
        None => kernel::pidfd_open(Pid::from_raw(pid)),
    };
    match process.and_then(|process| kernel::register(process, Interest::READABLE)) {
        Ok(process) => Some(process),
        Err(error) => {
            // The hang-up of the control socket is still reported.
            tracing::debug!(%error, pid, "the peer's process cannot be watched");
            None
        }
    }
}

#[cfg(all(test, not(miri)))]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::task::{Context, Poll, Waker};

    use super::*;

    struct Process(Child);

    impl Process {
        fn start() -> Self {
            let mut command = Command::new("sleep");
            let command = command.arg("1000").stdin(Stdio::null());
            Self(command.spawn().unwrap())
        }

        fn pid(&self) -> i32 {
            i32::try_from(self.0.id()).unwrap()
        }
    }

    impl Drop for Process {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn sender(pid: i32, process: Option<io::Result<OwnedFd>>) -> MessageSender {
        let credentials = PeerCredentials {
            pid,
            uid: 0,
            gid: 0,
        };
        MessageSender {
            credentials,
            process,
        }
    }

    /// By now the id that the sender had belongs to another process.
    #[tokio::test]
    async fn an_id_that_was_used_again_is_not_taken_for_the_peer() {
        let gone = Process::start();
        let peer = kernel::pidfd_open(Pid::from_raw(gone.pid())).unwrap();
        drop(gone);
        let other = Process::start();
        let watched = watch_process(sender(other.pid(), Some(Ok(peer)))).unwrap();
        watched.readable().await.unwrap().retain_ready();
        // The kernel says that the sender is gone.
        let none = io::Error::from(nix::errno::Errno::ESRCH);
        assert!(watch_process(sender(other.pid(), Some(Err(none)))).is_none());
        // An old kernel reports nothing.
        let watched = watch_process(sender(other.pid(), None)).unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(watched.poll_read_ready(&mut cx), Poll::Pending));
    }
}
