//! The doorbell: what turns "published" into "woken" when the other side sleeps.
//!
//! - DB1: a waiting end is edge-triggered. An eventfd is never read: each write is an edge.
//! - DB2: a pipe must be emptied, since a full one takes no byte and so gives no edge. It is emptied on
//!   waking, by a bounded number of reads.
//! - DB3: a ring that the kernel refuses is dropped: the doorbell is then full, and rung already, or its
//!   other end is gone.
//! - DB4: a pipe whose ringing ends are all closed will never be heard again, and says so: that is a
//!   hang-up, and not a ring that repeats for ever.
//! - DB5: nothing a peer does to its end makes ours block. With an eventfd that needs a trusted peer,
//!   since both ends are one file description; a pipe has one for each end.
//! - DB6: ringing raises no signal. Ringing a dead peer's pipe would be SIGPIPE: who made the pipe keeps its
//!   waiting end open, and who was given the ringing end alone rings by a [`PipeWriter`].

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, ready};

use nix::fcntl::OFlag;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::config::Trust;
use crate::crash_points::point::CrashPoint;
use crate::kernel;
use crate::kernel::needs::{EVENTFD, PIPE};
use crate::kernel::signals::PipeWriter;

/// A doorbell that has not been handed out yet.
#[derive(Debug)]
pub(crate) struct NewDoorbell {
    /// For whoever waits.
    pub(crate) wait: OwnedFd,
    /// For whoever rings.
    pub(crate) ring: OwnedFd,
}

impl NewDoorbell {
    pub(crate) fn new(trust: Trust) -> io::Result<Self> {
        match trust {
            Trust::Trusted => {
                let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
                let wait = OwnedFd::from(
                    EventFd::from_flags(flags).map_err(|errno| EVENTFD.refused(errno))?,
                );
                let ring = wait.try_clone()?;
                Ok(Self { wait, ring })
            }
            Trust::Untrusted => {
                let (wait, ring) = unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
                    .map_err(|errno| PIPE.refused(errno))?;
                Ok(Self { wait, ring })
            }
        }
    }
}

/// The ringing end.
#[derive(Debug)]
pub(crate) struct Notifier {
    fd: OwnedFd,
    one: &'static [u8],
    /// The waiting end of a pipe that we ring (DB6).
    _keep: Option<OwnedFd>,
    /// For a pipe without that (DB6).
    quiet: Option<PipeWriter>,
}

impl Notifier {
    pub(crate) fn new(fd: OwnedFd, trust: Trust, keep: Option<OwnedFd>) -> Self {
        let one: &[u8] = match trust {
            Trust::Trusted => &ONE,
            Trust::Untrusted => &[1],
        };
        let quiet = (trust == Trust::Untrusted && keep.is_none()).then(PipeWriter::default);
        Self {
            fd,
            one,
            _keep: keep,
            quiet,
        }
    }

    /// One edge for the other side (DB3).
    pub(crate) fn ring(&self) {
        let rung = match &self.quiet {
            None => CrashPoint::Ring.around(|| unistd::write(&self.fd, self.one)),
            Some(quiet) => CrashPoint::Ring.around(|| quiet.write(&self.fd, self.one)),
        };
        if let Err(error) = rung {
            tracing::trace!(%error, "a doorbell took no ring");
        }
    }
}

/// What a doorbell may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoorbellEvent {
    /// Something happened since it was last heard.
    Ring,
    /// Nobody can ring any more.
    HangUp,
}

/// The waiting end.
#[derive(Debug)]
pub(crate) struct Doorbell {
    fd: AsyncFd<OwnedFd>,
    trust: Trust,
}

impl Doorbell {
    /// Registers the waiting end with the current runtime.
    pub(crate) fn new(fd: OwnedFd, trust: Trust) -> io::Result<Self> {
        let fd = kernel::register(fd, Interest::READABLE)?;
        Ok(Self { fd, trust })
    }

    /// Ready once for each edge seen, and always once hung up. An error is a runtime that is shutting
    /// down.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<io::Result<DoorbellEvent>> {
        let mut guard = ready!(self.fd.poll_read_ready(cx))?;
        if guard.ready().is_read_closed() {
            return Poll::Ready(Ok(DoorbellEvent::HangUp)); // DB4
        }
        guard.clear_ready();
        if self.trust == Trust::Untrusted {
            self.empty_pipe();
        }
        Poll::Ready(Ok(DoorbellEvent::Ring))
    }

    /// DB2. The ringing side rings once for each time we arm, so one read empties an honest pipe; a
    /// dishonest peer gets 64 KiB, a whole pipe, before we leave it to its next edge.
    fn empty_pipe(&self) {
        let mut sink = [0; 4096];
        for _ in 0..16 {
            match unistd::read(self.fd.get_ref().as_fd(), &mut sink) {
                Ok(n) if n == sink.len() => {}
                _ => break,
            }
        }
    }
}

const ONE: [u8; 8] = 1_u64.to_ne_bytes();
