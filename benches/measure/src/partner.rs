//! The other process of a subject.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command};

use nix::sys::prctl;
use nix::sys::signal::Signal;

use crate::machine;
use crate::setting::Setting;

/// The other process of a subject. Killed when dropped.
#[derive(Debug)]
pub struct Partner(Child);

impl Partner {
    /// Starts this program again, with the arguments of the partner's main; `change` may change
    /// the command.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start(
        role: &str,
        setting: Setting,
        change: impl FnOnce(&mut Command) -> &mut Command,
    ) -> io::Result<Self> {
        let (name, usable) = machine::usable_for_children()?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(role)
            .args(setting.arguments())
            .env(name, usable);
        Ok(Self(change(&mut command).spawn()?))
    }

    /// Does the same, and connects the partner by a Unix stream, whose other end is its [`connection`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn connected(role: &str, setting: Setting) -> io::Result<(Self, UnixStream)> {
        let (here, there) = UnixStream::pair()?;
        let there = OwnedFd::from(there);
        let partner = Self::start(role, setting, |command| command.stdin(there))?;
        Ok((partner, here))
    }

    /// The process id of the partner.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // The partner may have died; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Must be called first in a partner: ties it to the thread that started it, and pins it.
///
/// # Errors
/// If the system refuses.
pub fn begin(setting: Setting) -> io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    setting.pin_partner()
}

/// A partner's end of the stream that [`Partner::connected`] made.
///
/// # Errors
/// If the system refuses.
pub fn connection() -> io::Result<UnixStream> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}
