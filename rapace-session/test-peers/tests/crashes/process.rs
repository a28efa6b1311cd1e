//! The other process, and the resources that it leaves behind.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rapace_session::Session;
use rapace_shm::ControlSocket;
use tokio::process::{Child, Command};

use crate::victim_journal::VictimJournal;

/// The role of the other process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Victim {
    /// It serves our calls.
    Serves,
    /// It makes calls, which the survivor serves.
    Calls,
}

/// The step at which it dies.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    pub(crate) site: String,
    pub(crate) before: bool,
    pub(crate) nth: u64,
}

/// The other process. Dropping it kills the process.
pub(crate) struct Process {
    child: Child,
    journal: PathBuf,
}

impl Process {
    pub(crate) fn start(
        victim: Victim,
        incarnation: u32,
        directory: &Path,
        death: Option<&Death>,
    ) -> (Self, ControlSocket) {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let journal = directory.join(format!("journal {incarnation}"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_session-crash-victim"));
        let does = match victim {
            Victim::Serves => "serves",
            Victim::Calls => "calls",
        };
        command.args([does, &incarnation.to_string()]).arg(&journal);
        if let Some(death) = death {
            let when = if death.before { "before" } else { "after" };
            command.args([&death.site, when, &death.nth.to_string()]);
        }
        command.stdin(Stdio::from(theirs)).stdout(Stdio::null());
        let child = command.kill_on_drop(true).spawn().unwrap();
        (Self { child, journal }, ours)
    }

    /// Waits for its end, and reads its journal.
    pub(crate) async fn end(mut self) -> VictimJournal {
        let status = self.child.wait().await.unwrap();
        let read = VictimJournal::read(&self.journal);
        assert_eq!(
            status.signal() == Some(9),
            read.killed.is_some(),
            "{status}"
        );
        assert!(read.killed.is_some() || status.success(), "{status}");
        read
    }
}

/// The number of open descriptors, and of mapped segments.
pub(crate) fn open_resources() -> (usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = maps.lines().filter(|map| map.contains("rapace")).count();
    (descriptors, mapped)
}

/// The number of slots of this side that did not return.
pub(crate) fn lost_slots(session: &Session) -> u32 {
    let stats = session.link_stats().expect("the transport has slots");
    let classes = stats.classes.iter().chain([&stats.fragments]);
    classes.map(|class| class.total - class.free).sum()
}

/// Waits until two values are equal, since actors stop asynchronously.
pub(crate) async fn becomes<T: PartialEq + std::fmt::Debug>(mut now: impl FnMut() -> T, then: T) {
    for _ in 0..ROUNDS {
        if now() == then {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(now(), then);
}

/// How many milliseconds an actor may take to stop.
const ROUNDS: u32 = 5000;
