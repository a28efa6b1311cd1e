//! How one side detects that the other is gone: each observer, and when it noticed.
//!
//! The baseline is a plain thread that polls only the control socket.

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::POLLRDHUP;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rapace_shm::Link;
use tokio::sync::oneshot;

/// Watches the peer's end of the control socket on a dedicated thread.
#[derive(Debug)]
pub struct KernelsWord(oneshot::Receiver<Stamped<&'static str>>);

impl KernelsWord {
    /// Watches the control socket of this link.
    ///
    /// # Errors
    /// No file descriptor or thread is available.
    pub fn on(link: &Link) -> io::Result<Self> {
        let socket = link.dup_for_watchdog()?;
        let (tell, reported) = oneshot::channel();
        std::thread::Builder::new()
            .name("kernels-word".into())
            .spawn(move || {
                let asked = PollFlags::from_bits_retain(POLLRDHUP);
                let mut fds = [PollFd::new(socket.as_fd(), asked)];
                while poll(&mut fds, PollTimeout::NONE) == Err(Errno::EINTR) {}
                // nix's `revents` knows no POLLRDHUP, and returns nothing if that is set. A hang-up is reported
                // unasked.
                let mut fds = [PollFd::new(socket.as_fd(), PollFlags::empty())];
                let closed = poll(&mut fds, PollTimeout::ZERO) == Ok(1);
                let what = if closed {
                    "all copies of its end of the control socket are closed"
                } else {
                    "it has hung up the control socket"
                };
                // If this side left first, nobody waits for it.
                let _ = tell.send(Stamped::now(what));
            })?;
        Ok(Self(reported))
    }

    /// Waits for the hang-up for at most `patience`.
    pub async fn within(self, patience: Duration) -> Option<Stamped<&'static str>> {
        tokio::time::timeout(patience, self.0).await.ok()?.ok()
    }
}

/// A value, and when it was known.
#[derive(Clone, Debug)]
pub struct Stamped<T> {
    /// When it was known.
    pub at: Instant,
    /// The value.
    pub what: T,
}

impl<T> Stamped<T> {
    /// Stamps a value with the current time.
    pub fn now(what: T) -> Self {
        Self {
            at: Instant::now(),
            what,
        }
    }
}

/// Awaits a future, and stamps its output.
pub async fn stamped<F: Future>(future: F) -> Stamped<F::Output> {
    let what = future.await;
    Stamped::now(what)
}

/// Every observer of the peer's end.
#[derive(Debug, Default)]
pub struct Departure(Vec<(&'static str, Stamped<String>)>);

impl Departure {
    /// Adds what an observer noticed.
    pub fn noticed<T: fmt::Display>(&mut self, observer: &'static str, said: &Stamped<T>) {
        let what = said.what.to_string();
        self.0.push((observer, Stamped { at: said.at, what }));
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.iter().map(|(_, said)| said.at).min() else {
            return Ok(());
        };
        for (observer, said) in &self.0 {
            let after = said.at.duration_since(first).as_micros();
            writeln!(f, "  {observer:<20} +{after:>6} µs  {}", said.what)?;
        }
        Ok(())
    }
}
