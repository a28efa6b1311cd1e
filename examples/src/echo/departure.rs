//! How one side learns that the other is gone: what was noticed, when, and by what.
//!
//! The yardstick is a plain thread that asks the kernel about nothing else.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::POLLRDHUP;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rapace_shm::Link;
use tokio::sync::oneshot;

/// The kernel's word on the peer, awaited on a thread of its own.
#[derive(Debug)]
pub struct KernelsWord(oneshot::Receiver<Stamped<&'static str>>);

impl KernelsWord {
    /// Watches the control socket of this link.
    ///
    /// # Errors
    /// If this process can have no more descriptors, or no more threads.
    pub fn on(link: &Link) -> io::Result<Self> {
        let socket = link.dup_for_watchdog()?;
        let (tell, told) = oneshot::channel();
        std::thread::Builder::new()
            .name("kernels-word".into())
            .spawn(move || {
                let asked = PollFlags::from_bits_retain(POLLRDHUP);
                let mut fds = [PollFd::new(socket.as_fd(), asked)];
                while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
                // `revents` knows no POLLRDHUP, and says nothing where there is one. A hang-up needs no asking for.
                let mut fds = [PollFd::new(socket.as_fd(), PollFlags::empty())];
                let closed = poll(&mut fds, PollTimeout::ZERO) == Ok(1);
                let what = if closed {
                    "its end of the control socket is closed by all who had it"
                } else {
                    "it has hung up the control socket"
                };
                // Nobody asks any more when this side has left first.
                let _ = tell.send(Stamped::now(what));
            })?;
        Ok(Self(told))
    }

    /// The word, if it comes within `patience`.
    pub async fn within(self, patience: Duration) -> Option<Stamped<&'static str>> {
        tokio::time::timeout(patience, self.0).await.ok()?.ok()
    }
}

/// Something, and when it was known.
#[derive(Clone, Debug)]
pub struct Stamped<T> {
    /// When.
    pub at: Instant,
    /// What.
    pub what: T,
}

impl<T> Stamped<T> {
    /// Known now.
    pub fn now(what: T) -> Self {
        Self {
            at: Instant::now(),
            what,
        }
    }
}

/// What a future gives, and when it did.
pub async fn stamped<F: Future>(future: F) -> Stamped<F::Output> {
    let what = future.await;
    Stamped::now(what)
}

/// Everything that told of the peer's end.
#[derive(Debug, Default)]
pub struct Departure(Vec<(&'static str, Stamped<String>)>);

impl Departure {
    /// Adds what `witness` said.
    pub fn noticed<T: fmt::Display>(&mut self, witness: &'static str, said: &Stamped<T>) {
        let what = said.what.to_string();
        self.0.push((witness, Stamped { at: said.at, what }));
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.iter().map(|(_, said)| said.at).min() else {
            return Ok(());
        };
        for (witness, said) in &self.0 {
            let after = said.at.duration_since(first).as_micros();
            writeln!(f, "  {witness:<20} +{after:>6} µs  {}", said.what)?;
        }
        Ok(())
    }
}
