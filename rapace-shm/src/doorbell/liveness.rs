//! Detecting that the peer is gone, by what the kernel reports: the control socket and the pidfd.
//!
//! - LV1: a hang-up means that no process has the peer's end open for sending. A copy that leaked into a
//!   sibling keeps it open, so the pidfd is watched as well.
//! - LV2: data that a peer sends over an established control socket has no meaning, and is not read. A peer that was
//!   offered a segment always sends some.
//! - LV3: "gone" is final.
//! - LV4: our own end hangs up when the receiver is dropped, or with the last [`SocketHold`] if that is later. Until
//!   then a hang-up tells the peer that this process is dead, even after the session has ended.

use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use nix::sys::socket::{Shutdown, shutdown};
use tokio::io::unix::AsyncFd;

use crate::crash_points::point::CrashPoint;

/// How the kernel reported that the peer is gone. An unresponsive peer and a closed link are not reported here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PeerGone {
    /// Its end of the control socket, or of our doorbell, is closed: the process has ended, or has
    /// dropped the link.
    #[error("the peer hung up: it closed its end of the link, or its process has ended")]
    HungUp,
    /// Its process has ended.
    #[error("the peer's process has ended")]
    Exited,
}

/// The two descriptors that are watched.
#[derive(Debug)]
pub(crate) struct Liveness {
    socket: AsyncFd<OwnedFd>,
    /// `None` if the peer is this process, or its id means nothing here (another pid namespace).
    process: Option<AsyncFd<OwnedFd>>,
}

impl Liveness {
    pub(crate) fn new(socket: AsyncFd<OwnedFd>, process: Option<AsyncFd<OwnedFd>>) -> Self {
        Self { socket, process }
    }

    /// For the one receiver: poll readiness keeps one waker only.
    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<PeerGone> {
        if let Some(process) = &self.process
            && let Poll::Ready(Ok(_)) = process.poll_read_ready(cx)
        {
            return Poll::Ready(PeerGone::Exited);
        }
        while let Poll::Ready(ready) = self.socket.poll_read_ready(cx) {
            let Ok(mut guard) = ready else {
                break; // The runtime shuts down, which the doorbell tells.
            };
            if guard.ready().is_read_closed() {
                return Poll::Ready(PeerGone::HungUp);
            }
            guard.clear_ready(); // LV2
        }
        Poll::Pending
    }

    /// For any number of watchers. Once the runtime shuts down, they wait for ever.
    async fn gone(&self) -> PeerGone {
        let mut hung_up = pin!(self.hung_up());
        let mut exited = pin!(self.exited());
        std::future::poll_fn(|cx| {
            if exited.as_mut().poll(cx).is_ready() {
                return Poll::Ready(PeerGone::Exited);
            }
            hung_up.as_mut().poll(cx).map(|()| PeerGone::HungUp)
        })
        .await
    }

    async fn hung_up(&self) {
        while let Ok(mut guard) = self.socket.readable().await {
            if guard.ready().is_read_closed() {
                return;
            }
            guard.clear_ready(); // LV2
        }
        std::future::pending().await
    }

    async fn exited(&self) {
        if let Some(process) = &self.process
            && process.readable().await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }

    /// Tells the peer that we are gone, even if other processes have our end open.
    fn hang_up(&self) {
        let socket = self.socket.as_raw_fd();
        if let Err(error) = CrashPoint::HangUp.around(|| shutdown(socket, Shutdown::Write)) {
            tracing::trace!(%error, "the control socket was closed already");
        }
    }

    /// Duplicates our end of the control socket.
    pub(crate) fn socket(&self) -> io::Result<OwnedFd> {
        self.socket.get_ref().try_clone()
    }
}

/// Our end of the control socket, which hangs up when the last owner drops this (LV4).
#[derive(Debug)]
pub(crate) struct OurEnd(Arc<Liveness>);

impl OurEnd {
    pub(crate) fn of(life: &Arc<Liveness>) -> Arc<Self> {
        Arc::new(Self(Arc::clone(life)))
    }
}

impl Drop for OurEnd {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// Keeps this side from hanging up when its end of the link is dropped. For a host that still watches a process with
/// which it has nothing more to exchange: that process takes a hang-up for the death of its host.
#[derive(Debug)]
#[must_use = "dropping it hangs up, if the link was dropped before"]
pub struct SocketHold {
    _end: Arc<OurEnd>,
}

impl SocketHold {
    pub(crate) fn new(end: Arc<OurEnd>) -> Self {
        Self { _end: end }
    }
}

/// Reports that the peer is gone: its process dead, or its end of the link dropped. Neither an
/// unresponsive peer nor a closed session is reported here.
pub struct PeerWatch {
    life: Arc<Liveness>,
}

impl PeerWatch {
    pub(crate) fn new(life: Arc<Liveness>) -> Self {
        Self { life }
    }

    /// Waits until the kernel reports that the peer is gone. What it had published can still be
    /// received.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: a peer that is gone stays gone.
    pub async fn gone(&mut self) -> PeerGone {
        self.life.gone().await
    }

    /// Duplicates our end of the control socket; see [`Link::dup_for_watchdog`](crate::Link::dup_for_watchdog).
    ///
    /// # Errors
    /// If this process can have no more descriptors.
    pub fn dup_for_watchdog(&self) -> io::Result<OwnedFd> {
        self.life.socket()
    }
}

impl fmt::Debug for PeerWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerWatch").finish_non_exhaustive()
    }
}
