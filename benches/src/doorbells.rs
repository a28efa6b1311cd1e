//! The floor of a round trip: two processes, one eventfd each way, tokio on both sides, nothing else.
//!
//! - D1: the eventfds are edge-triggered and never read, as in rapace itself: a wake-up costs one
//!   write on one side and one epoll on the other.
//! - D2: the other process gets its two as standard input and output, and ends with this one.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::sys::eventfd::{EfdFlags, EventFd};
use rapace_measure::Setting;
use rapace_measure::partner::Partner;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// One side of a pair of doorbells.
#[derive(Debug)]
pub struct Doorbells {
    theirs: OwnedFd,
    ours: AsyncFd<OwnedFd>,
}

impl Doorbells {
    /// # Errors
    /// Outside a tokio runtime, or if the system refuses.
    pub fn new(theirs: OwnedFd, ours: OwnedFd) -> io::Result<Self> {
        // SAFETY: an `OwnedFd` is open and stays the same until it is dropped, and the `AsyncFd` owns it.
        let ours = unsafe { AsyncFd::register_with_interest(ours, Interest::READABLE) }?;
        Ok(Self { theirs, ours })
    }

    /// Makes both sides in this process.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn pair() -> io::Result<(Self, Self)> {
        let [a, b] = [eventfd()?, eventfd()?];
        let here = Self::new(a.try_clone()?, b.try_clone()?)?;
        Ok((here, Self::new(b, a)?))
    }

    /// Wakes the other side.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn ring(&self) -> io::Result<()> {
        nix::unistd::write(&self.theirs, &1_u64.to_ne_bytes())?;
        Ok(())
    }

    /// Sleeps until this side is woken (D1).
    ///
    /// # Errors
    /// If the runtime shuts down.
    pub async fn wait(&self) -> io::Result<()> {
        self.ours.readable().await?.clear_ready();
        Ok(())
    }

    /// Answers each ring with one, until the other side ends.
    ///
    /// # Errors
    /// As [`ring`](Self::ring) and [`wait`](Self::wait).
    pub async fn answer(&self) -> io::Result<()> {
        loop {
            self.wait().await?;
            self.ring()?;
        }
    }
}

/// The other side, in a process of its own, which is killed on drop.
#[derive(Debug)]
pub struct Answerer {
    partner: Partner,
    doorbells: Doorbells,
}

impl Answerer {
    /// Starts this program again with `role`, which must make it call [`answer_on_stdio`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(role: &str, setting: Setting) -> io::Result<Self> {
        let [theirs, ours] = [eventfd()?, eventfd()?];
        let [stdin, stdout] = [theirs.try_clone()?, ours.try_clone()?];
        let partner = Partner::start(role, setting, |command| command.stdin(stdin).stdout(stdout))?;
        let doorbells = Doorbells::new(theirs, ours)?;
        Ok(Self { partner, doorbells })
    }

    /// The process id of the other side.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.partner.pid()
    }

    /// Rings and waits for the answer.
    ///
    /// # Errors
    /// If the system refuses.
    pub async fn round_trip(&self) -> io::Result<()> {
        self.doorbells.ring()?;
        self.doorbells.wait().await
    }
}

/// Runs the other process (D2), after [`begin`](rapace_measure::partner::begin).
///
/// # Errors
/// If the process was not started by [`Answerer::start`].
pub async fn answer_on_stdio() -> io::Result<()> {
    let ours = io::stdin().as_fd().try_clone_to_owned()?;
    let theirs = io::stdout().as_fd().try_clone_to_owned()?;
    Doorbells::new(theirs, ours)?.answer().await
}

fn eventfd() -> io::Result<OwnedFd> {
    let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
    Ok(EventFd::from_flags(flags)?.into())
}
