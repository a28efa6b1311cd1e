//! The process that survives: it runs the other side, and checks the outcome.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::net::UnixListener;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use rapace_shm::crash;
use rapace_shm::{Closed, ControlSocket, EstablishError, Listener, RecvError, Sender, Trust};
use tokio::runtime::Runtime;

use crate::journal::{End, Journal};
use crate::process::Victim;
use rapace_shm_test_peers::conversation::{
    CALLS, Ended, GENERATIONS, Notes, Role, config, converse,
};

/// Which side dies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    victim: Role,
    trust: Trust,
}

/// Where the victim dies.
#[derive(Debug)]
pub(crate) struct Death {
    pub(crate) site: String,
    pub(crate) before: bool,
    pub(crate) nth: u64,
}

/// The report of one victim's run.
#[derive(Debug)]
pub(crate) struct Report {
    /// Time from the death until the survivor detected it; `None` if the victim never reached its step.
    pub(crate) took: Option<Duration>,
    /// How often the victim passed each site, if it lived.
    pub(crate) passed: BTreeMap<String, u64>,
}

/// This process.
pub(crate) struct Survivor {
    runtime: Runtime,
}

impl Case {
    pub(crate) const fn new(victim: Role, trust: Trust) -> Self {
        Self { victim, trust }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (role, trust) = self.words();
        write!(f, "{trust} {role}")
    }
}

impl Case {
    fn words(&self) -> (&'static str, &'static str) {
        let role = match self.victim {
            Role::Host => "host",
            Role::Plugin => "plugin",
        };
        let trust = match self.trust {
            Trust::Trusted => "trusted",
            Trust::Untrusted => "untrusted",
        };
        (role, trust)
    }
}

impl Survivor {
    pub(crate) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Self { runtime }
    }

    /// Runs one victim, up to its death if it has one, and then another in its place.
    pub(crate) fn live(&self, case: &Case, death: Option<&Death>) -> Report {
        let context = format!("{case} {death:?}");
        let directory = tempfile::tempdir().unwrap();
        let socket_path = directory.path().join("socket");
        // The socket of an earlier process.
        drop(UnixListener::bind(&socket_path).unwrap());
        let before = open_resources();
        let report = self.one_life(case, death, &socket_path, &context);
        assert_eq!(
            open_resources(),
            before,
            "{context}: something was left behind"
        );
        if report.took.is_some() {
            let context = format!("after {context}");
            let fresh = self.one_life(case, None, &socket_path, &context);
            assert!(fresh.took.is_none(), "{context}");
            assert_eq!(
                open_resources(),
                before,
                "{context}: something was left behind"
            );
        }
        report
    }

    fn one_life(
        &self,
        case: &Case,
        death: Option<&Death>,
        socket_path: &Path,
        context: &str,
    ) -> Report {
        let journal_path = socket_path.with_file_name(match death {
            Some(_) => "journal of the victim",
            None => "journal of a process that lives",
        });
        let notes = Survived::default();
        let (outcome, status) = self.runtime.block_on(async {
            let running = run(case, death, socket_path, &journal_path, &notes);
            let running = tokio::time::timeout(PATIENCE, running).await;
            running.unwrap_or_else(|_| panic!("{context}: the survivor waits for ever"))
        });
        let journal = Journal::read(&journal_path);
        let end = journal.end.as_ref().expect("a journal has a last line");
        let killed = status.signal() == Some(Signal::SIGKILL as i32);
        assert_eq!(end.killed, killed, "{context}: {status}");
        assert!(killed || status.success(), "{context}: {status}");
        assert!(death.is_some() || !killed, "{context}: died by itself");
        check(&outcome, &notes, &journal, end, context);
        let detected = notes.detected.get();
        let took = killed.then(|| {
            let detected =
                detected.unwrap_or_else(|| panic!("{context}: the death was not detected"));
            let took = detected.saturating_sub(end.at);
            assert!(took < BOUND, "{context}: detected only after {took:?}");
            took
        });
        Report {
            took,
            passed: journal.passed,
        }
    }
}

/// How the connection was established, and how it ended.
enum Outcome {
    /// The victim died before it could be connected to.
    NeverConnected,
    /// The victim died during the handshake.
    NoLink(EstablishError),
    /// The victim died later, or left.
    Linked(Ended, Sender),
}

/// Runs the other side.
async fn run(
    case: &Case,
    death: Option<&Death>,
    socket_path: &Path,
    journal_path: &Path,
    notes: &Survived,
) -> (Outcome, ExitStatus) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shm-crash-victim"));
    let (role, trust) = case.words();
    let by_path = case.victim == Role::Host || case.trust == Trust::Untrusted;
    let path = if by_path { socket_path } else { Path::new("-") };
    command.args([role, trust]).arg(path).arg(journal_path);
    if let Some(death) = death {
        let when = if death.before { "before" } else { "after" };
        command.args([&death.site, when, &death.nth.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let other = case.victim.other();
    let (victim, outcome) = match case.victim {
        Role::Host => {
            let victim = Victim::start(command.stdout(Stdio::piped()));
            let (victim, listening) = victim.wait_until_it_speaks().await;
            if listening {
                let socket = Listener::connect(socket_path).await.unwrap();
                (victim, Some(socket.join().await))
            } else {
                (victim, None)
            }
        }
        Role::Plugin if by_path => {
            let listener = Listener::bind(socket_path).unwrap();
            let victim = Victim::start(&mut command);
            if death.is_some_and(|death| death.site == "Connect" && death.before) {
                (victim, None)
            } else {
                let socket = listener.accept().await.unwrap();
                (victim, Some(socket.host(&config(case.trust)).await))
            }
        }
        Role::Plugin => {
            let (ours, theirs) = ControlSocket::pair().unwrap();
            let victim = Victim::start(command.stdin(theirs));
            // The command still holds what it passed to the child.
            drop(command);
            // As a host does for a child that it starts.
            let outcome = match ours.offer(&config(case.trust)) {
                Ok(pending) => pending.finish().await,
                Err(error) => Err(error),
            };
            (victim, Some(outcome))
        }
    };
    match outcome {
        None => {
            let status = victim.end().await;
            notes.detected();
            (Outcome::NeverConnected, status)
        }
        Some(Err(error)) => {
            notes.detected();
            (Outcome::NoLink(error), victim.end().await)
        }
        Some(Ok(link)) => {
            let (ended, out) = converse(link, other, false, notes).await;
            (Outcome::Linked(ended, out), victim.end().await)
        }
    }
}

fn check(outcome: &Outcome, notes: &Survived, journal: &Journal, end: &End, context: &str) {
    // The victim's own account agrees with the count of its stores.
    assert!(journal.published <= end.tails, "{context}");
    assert!(end.tails <= journal.will_publish, "{context}");
    assert!(journal.ran <= end.marks, "{context}");
    assert!(end.marks <= journal.will_mark, "{context}");
    assert!(journal.received <= notes.published.get(), "{context}");
    match outcome {
        Outcome::NeverConnected => assert_eq!(notes.published.get(), 0),
        // A host may have published to a peer that it made an offer to and that died before it joined.
        Outcome::NoLink(EstablishError::HungUp) => {
            assert!(end.killed, "{context}");
            assert_eq!(notes.received.get(), 0, "{context}: frames");
        }
        Outcome::NoLink(error) => panic!("{context}: {error}"),
        Outcome::Linked(ended, out) => {
            assert_eq!(notes.received.get(), end.tails, "{context}: frames");
            let received = ended.received;
            let gone = matches!(received, Some(RecvError::PeerGone(_)));
            assert!(gone, "{context}: {received:?}");
            let sent = ended.sent;
            let over = matches!(sent, Ok(()) | Err(Closed::PeerGone(_) | Closed::ByUs));
            assert!(over, "{context}: {sent:?}");
            check_marks(out, end, context);
            let stats = out.stats();
            for class in stats.classes.iter().chain([&stats.fragments]) {
                assert_eq!(class.free, class.total, "{context}: {class:?}");
            }
        }
    }
}

/// The victim marked calls in the order in which we made them.
fn check_marks(out: &Sender, end: &End, context: &str) {
    for call in 0..CALLS {
        let mark = if call < end.marks {
            GENERATIONS + call
        } else {
            0
        };
        assert_eq!(
            out.started_generation(call),
            Some(mark),
            "{context}: call {call}"
        );
    }
}

/// The observations of the survivor.
#[derive(Debug, Default)]
struct Survived {
    published: Cell<u32>,
    received: Cell<u32>,
    detected: Cell<Option<Duration>>,
}

impl Notes for Survived {
    fn will_publish(&self, _: u32) {}

    fn published(&self, number: u32) {
        self.published.set(number + 1);
    }

    fn received(&self, number: u32) {
        self.received.set(number + 1);
    }

    fn will_mark(&self, _: u32) {}

    fn ran(&self, _: u32) {}

    fn detected(&self) {
        self.detected.set(Some(crash::now()));
    }
}

/// Returns the numbers of open descriptors and of mapped segments.
fn open_resources() -> (usize, usize) {
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mapped = maps.lines().filter(|map| map.contains("rapace")).count();
    (descriptors, mapped)
}

/// The promised bound.
const BOUND: Duration = Duration::from_secs(1);
/// Time limit of a conversation that runs to its end.
const PATIENCE: Duration = Duration::from_secs(20);
