//! The doorbell: wakes the other side if it sleeps.
//!
//! - DB1: a waiting end is edge-triggered. An eventfd is never read: each write is an edge.
//! - DB2: a pipe must be emptied, since a full one accepts no byte and so gives no edge. It is emptied on
//!   waking, by a bounded number of reads.
//! - DB3: a ring that the kernel refuses is dropped: either the doorbell is full, and has been rung already, or its
//!   other end is gone.
//! - DB4: a pipe whose ringing ends are all closed can never ring again, and is reported as hung up: that is a
//!   hang-up, not a ring that repeats for ever.
//! - DB5: nothing that a peer does to its end makes ours block. With an eventfd that requires a trusted peer,
//!   since both ends are one file description; a pipe has one for each end.
//! - DB6: ringing raises no signal. Ringing a dead peer's pipe would raise SIGPIPE: the creator of the pipe keeps its
//!   waiting end open, and the side that has the ringing end alone rings through a [`PipeWriter`].

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

/// A doorbell whose ends have not been handed out yet.
#[derive(Debug)]
pub(crate) struct NewDoorbell {
    /// The waiting end.
    pub(crate) wait: OwnedFd,
    /// The ringing end.
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
    /// The waiting end of a pipe that we ring, kept open (DB6).
    _keep: Option<OwnedFd>,
    /// For a pipe whose waiting end we do not have (DB6).
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

    /// Gives the other side one edge (DB3).
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

/// An event of a doorbell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DoorbellEvent {
    /// The doorbell was rung since the last event.
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

    /// Ready once for each edge seen, and always once hung up. An error means that the runtime is shutting
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

    /// Empties a pipe (DB2). The ringing side rings once for each time we arm, so one read empties an honest
    /// pipe; of a dishonest peer's at most 64 KiB, a whole pipe, are read before its next edge.
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
