//! The other process, and what it leaves with us.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rapace_session::Session;
use rapace_shm::ControlSocket;
use tokio::process::{Child, Command};

use crate::told::Told;

/// What the other process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Victim {
    /// It carries out our calls.
    Serves,
    /// It makes calls, which we carry out.
    Calls,
}

/// Where it dies.
#[derive(Clone, Debug)]
pub(crate) struct Death {
    pub(crate) site: String,
    pub(crate) before: bool,
    pub(crate) nth: u64,
}

/// The other process. It is killed when dropped.
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

    /// Waits for its end, and reads what it did.
    pub(crate) async fn end(mut self) -> Told {
        let status = self.child.wait().await.unwrap();
        let told = Told::read(&self.journal);
        assert_eq!(
            status.signal() == Some(9),
            told.killed.is_some(),
            "{status}"
        );
        assert!(told.killed.is_some() || status.success(), "{status}");
        told
    }
}

/// Open descriptors, and mappings of segments.
pub(crate) fn belongings() -> (usize, usize) {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = maps.lines().filter(|map| map.contains("rapace")).count();
    (descriptors, mapped)
}

/// Slots of ours that did not come back.
pub(crate) fn lost_slots(session: &Session) -> u32 {
    let stats = session.link_stats().expect("the transport has slots");
    let lost = stats.classes.iter().map(|class| class.total - class.free);
    lost.sum()
}

/// Lets others run until two values are equal. Actors stop in their own time.
pub(crate) async fn becomes<T: PartialEq + std::fmt::Debug>(mut now: impl FnMut() -> T, then: T) {
    for _ in 0..ROUNDS {
        if now() == then {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(now(), then);
}

/// Milliseconds that it may take an actor to stop.
const ROUNDS: u32 = 5000;
