//! Helpers that the tests of this folder share.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rapace::process::{Incarnation, Leash, Output, PluginCommand, PluginProcess, Spawned, spawn};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::unix::AsyncFd;

/// The timeout of every wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Describes a shell that runs `script`.
pub(crate) fn sh(script: &str) -> PluginCommand {
    PluginCommand::new("/bin/sh").args(["-c", script])
}

/// Describes this test program in another role; see `roles.rs`.
pub(crate) fn role(name: &str) -> PluginCommand {
    PluginCommand::new(program())
        .args(["--ignored", "--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("roles::{name}"))
        .env(ROLE, name)
}

pub(crate) fn program() -> PathBuf {
    std::env::current_exe().expect("a test knows its program")
}

/// The variable that distinguishes a role from a test that was run by name.
pub(crate) const ROLE: &str = "RAPACE_TEST_ROLE";

/// A started process, its output, and the host's end of its control socket.
pub(crate) struct Started {
    pub(crate) process: PluginProcess,
    pub(crate) output: Output,
    pub(crate) control: Control,
}

pub(crate) async fn start(command: &PluginCommand) -> Started {
    let (control, theirs) = Control::pair();
    let spawned = spawn(command, theirs, leash())
        .await
        .expect("the command can be started");
    let Spawned {
        process,
        stdout,
        stderr,
    } = spawned;
    let plugin: Arc<str> = "under test".into();
    Started {
        process,
        output: Output::forward(&plugin, Incarnation::FIRST, stdout, stderr).expect("pipes"),
        control,
    }
}

/// Makes a leash that no process wears, so that these tests observe the mechanisms without it.
pub(crate) fn leash() -> Leash {
    Leash::new().expect("descriptors")
}

/// The host's end of a control socket, used as a plain byte stream.
pub(crate) struct Control(UnixStream);

impl Control {
    pub(crate) fn pair() -> (Self, OwnedFd) {
        let (ours, theirs) = UnixStream::pair().expect("a socket pair");
        ours.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        (Self(ours), theirs.into())
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.0
            .write_all(text.as_bytes())
            .expect("the process reads its control socket");
    }

    /// Reads up to the next newline.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let mut byte = [0];
        loop {
            self.0.read_exact(&mut byte).expect("a whole line in time");
            if byte[0] == b'\n' {
                return line;
            }
            line.push(byte[0].into());
        }
    }

    pub(crate) fn inode(&self) -> u64 {
        inode(self.0.as_fd())
    }

    /// Waits until the other end is closed everywhere, that is, until the process is gone.
    pub(crate) fn is_closed_in_time(&mut self) -> bool {
        self.0.read_to_end(&mut Vec::new()).is_ok()
    }

    /// Sends a word and reads it back.
    pub(crate) fn echo(&mut self, word: &str) {
        self.send(&format!("{word}\n"));
        assert_eq!(self.line(), word);
    }
}

/// Returns the inode, which identifies a socket.
pub(crate) fn inode(descriptor: BorrowedFd<'_>) -> u64 {
    let file = File::from(descriptor.try_clone_to_owned().expect("a descriptor"));
    file.metadata().expect("an open file").ino()
}

/// Any process, even one that is not our child, held by a pidfd so that its id cannot be reused.
pub(crate) struct WatchedProcess(AsyncFd<OwnedFd>);

impl WatchedProcess {
    pub(crate) fn find(pid: &str) -> Self {
        let pid = Pid::from_raw(pid.trim().parse().expect("a process id")).expect("not zero");
        let pidfd = pidfd_open(pid, PidfdFlags::NONBLOCK).expect("the process lives");
        #[allow(
            deprecated,
            reason = "its successor is unsafe, and a pidfd is never registered twice here"
        )]
        Self(AsyncFd::new(pidfd).expect("a runtime"))
    }

    /// Waits until it is dead; returns false if it still runs after `patience`.
    pub(crate) async fn is_gone_within(&self, patience: Duration) -> bool {
        let gone = async {
            loop {
                let mut ready = self.0.readable().await.expect("a pidfd can be waited for");
                // A runtime may report spurious events.
                let mut asked = [PollFd::new(self.0.get_ref().as_fd(), PollFlags::POLLIN)];
                if poll(&mut asked, PollTimeout::ZERO) == Ok(1) {
                    return;
                }
                ready.clear_ready();
            }
        };
        tokio::time::timeout(patience, gone).await.is_ok()
    }
}
