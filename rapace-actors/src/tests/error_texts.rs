//! Every text that an error of this crate can print, as users see it; and when retries are safe.
//!
//! A new variant needs a sample: the exhaustive matches enforce that.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use rapace_layering::assert_error_texts;
use rapace_session::{EndReason, StartState};

use crate::error::CallError;
use crate::plugin::{
    Holder, PluginEvent, PluginEventKind, Resource, ServeError, Wait, Waiter, WindowConfigError,
};
use crate::process::parent_watchdog::ParentWatchdogError;
use crate::process::{
    EndedBy, ExitCause, ExitDetails, ExitReport, HeldUp, Incarnation, PluginCommand, ShutdownStage,
    SpawnError, SpawnErrorKind, StderrTail, StopError,
};
use crate::proxy::TryTellError;
use crate::supervision::{Down, DownReason, Failure as PluginFailure, LimitReached, StartError};

const CRASH: ExitCause = ExitCause::Signalled {
    signal: 11,
    core_dumped: true,
};

fn exit_by(cause: ExitCause, ended_by: EndedBy) -> ExitReport {
    ExitReport::new(ExitDetails {
        plugin: "images".into(),
        incarnation: Incarnation::FIRST.next(),
        cause,
        ended_by,
        for_good: false,
        lived: Duration::from_millis(1500),
        connected: true,
        stderr: StderrTail::of(&["decoding cover.png", "no such colour: 300"]),
    })
}

fn exit() -> ExitReport {
    exit_by(CRASH, EndedBy::Itself)
}

/// Of a plugin that was stopped.
fn last_exit() -> ExitReport {
    let exit = exit_by(ExitCause::Exited(0), EndedBy::Request(ShutdownStage::Drain));
    ExitReport::new(ExitDetails {
        for_good: true,
        ..ExitDetails::clone(&exit)
    })
}

fn down(reason: DownReason) -> Down {
    Down {
        plugin: "images".into(),
        reason,
    }
}

fn spawn_error(kind: SpawnErrorKind) -> SpawnError {
    let program = match kind {
        SpawnErrorKind::NotFound => "/opt/images",
        _ => "/opt/plugins/images",
    };
    let source = std::io::Error::from_raw_os_error(2);
    SpawnError::new(&PluginCommand::new(program), kind, source)
}

fn unkillable() -> std::sync::Arc<StopError> {
    std::sync::Arc::new(StopError::Unkillable {
        pid: 42,
        waited: Duration::from_secs(2),
    })
}

fn limit() -> LimitReached {
    LimitReached {
        limit: 3,
        within: Duration::from_secs(60),
    }
}

/// The end of a program that is none.
fn no_plugin() -> ExitReport {
    let exit = exit_by(ExitCause::Exited(0), EndedBy::Itself);
    ExitReport::new(ExitDetails {
        connected: false,
        ..ExitDetails::clone(&exit)
    })
}

fn reasons() -> Vec<DownReason> {
    let last = PluginFailure::Died(exit());
    vec![
        DownReason::NotStarted,
        DownReason::Stopped,
        DownReason::HandleDropped,
        DownReason::ActorStopped,
        DownReason::RuntimeGone,
        DownReason::Stays(unkillable()),
        DownReason::HostGone(Box::new(EndReason::PeerGone)),
        DownReason::Completed(exit_by(ExitCause::Exited(0), EndedBy::Itself)),
        DownReason::Completed(no_plugin()),
        DownReason::NotRestarted(last.clone()),
        DownReason::StoppedWithSibling("fonts".into()),
        DownReason::SiblingCircuitOpen("fonts".into()),
        DownReason::RestartLimit {
            limit: limit(),
            last: last.clone(),
        },
        DownReason::StartFailed(
            Incarnation::FIRST,
            StartError::Spawn(spawn_error(SpawnErrorKind::NotFound)),
        ),
        DownReason::StartFailed(Incarnation::FIRST, StartError::Refused("why".into())),
        DownReason::StartFailed(
            Incarnation::FIRST,
            StartError::os(
                "making the control socket",
                std::io::Error::from_raw_os_error(1),
            ),
        ),
        DownReason::CircuitOpen {
            limit: limit(),
            last,
            pause: Duration::from_secs(30),
        },
    ]
}

fn name_of_reason(reason: &DownReason) -> &'static str {
    match reason {
        DownReason::NotStarted => "Down, NotStarted",
        DownReason::Stopped => "Down, Stopped",
        DownReason::HandleDropped => "Down, HandleDropped",
        DownReason::ActorStopped => "Down, ActorStopped",
        DownReason::RuntimeGone => "Down, RuntimeGone",
        DownReason::Stays(_) => "Down, Stays",
        DownReason::HostGone(_) => "Down, HostGone",
        DownReason::Completed(_) => "Down, Completed",
        DownReason::NotRestarted(_) => "Down, NotRestarted",
        DownReason::StoppedWithSibling(_) => "Down, StoppedWithSibling",
        DownReason::SiblingCircuitOpen(_) => "Down, SiblingCircuitOpen",
        DownReason::RestartLimit { .. } => "Down, RestartLimit",
        DownReason::StartFailed(..) => "Down, StartFailed",
        DownReason::CircuitOpen { .. } => "Down, CircuitOpen",
    }
}

type Call = CallError<String>;

fn calls() -> Vec<Call> {
    let session_ended = |start_state| CallError::SessionEnded {
        start_state,
        reason: EndReason::PeerGone,
    };
    let mut calls = vec![
        CallError::Handler("no such colour".into()),
        CallError::Panicked("index out of bounds".into()),
        CallError::DeadlineExceeded,
        CallError::PluginDied(exit()),
        CallError::PluginDied(last_exit()),
        CallError::NotBegun(exit()),
        CallError::NotBegun(last_exit()),
        CallError::Poisoned(exit()),
        CallError::Restarting {
            plugin: "images".into(),
        },
        session_ended(StartState::NotBegun),
        session_ended(StartState::Begun),
        session_ended(StartState::Unknown),
        CallError::Unavailable("service `Images` has stopped".into()),
        CallError::Dropped("a call of service `Images`".into()),
        CallError::Unimplemented("service `Images` has no method `crop`; it has: resize".into()),
        CallError::LimitReached("4096 streams are open in this session".into()),
        CallError::Protocol("a result of another method".into()),
    ];
    calls.extend(
        reasons()
            .into_iter()
            .map(|reason| CallError::Down(down(reason))),
    );
    calls
}

fn name_of_call(error: &Call) -> &'static str {
    match error {
        CallError::Handler(_) => "CallError::Handler",
        CallError::Panicked(_) => "CallError::Panicked",
        CallError::DeadlineExceeded => "CallError::DeadlineExceeded",
        CallError::PluginDied(_) => "CallError::PluginDied",
        CallError::NotBegun(_) => "CallError::NotBegun",
        CallError::Poisoned(_) => "CallError::Poisoned",
        CallError::Restarting { .. } => "CallError::Restarting",
        CallError::Down(_) => "CallError::Down",
        CallError::SessionEnded { .. } => "CallError::SessionEnded",
        CallError::Unavailable(_) => "CallError::Unavailable",
        CallError::Dropped(_) => "CallError::Dropped",
        CallError::Unimplemented(_) => "CallError::Unimplemented",
        CallError::LimitReached(_) => "CallError::LimitReached",
        CallError::Protocol(_) => "CallError::Protocol",
    }
}

fn spawn_kinds() -> Vec<SpawnErrorKind> {
    vec![
        SpawnErrorKind::NotFound,
        SpawnErrorKind::IsDirectory,
        SpawnErrorKind::NotExecutable,
        SpawnErrorKind::NoInterpreter,
        SpawnErrorKind::BadFormat,
        SpawnErrorKind::BadDirectory("/gone".into()),
        SpawnErrorKind::Busy,
        SpawnErrorKind::OutOfResources,
        SpawnErrorKind::Limit("memory"),
        SpawnErrorKind::Unsupported,
        SpawnErrorKind::Hangs(Duration::from_secs(10)),
        SpawnErrorKind::Hangs(Duration::from_millis(10)),
        SpawnErrorKind::HeldUp(Box::new(HeldUp {
            limit: Duration::from_secs(10),
            by: ["/net/a", "/net/b", "/net/c", "/net/d"]
                .map(Into::into)
                .into(),
        })),
        SpawnErrorKind::HeldUp(Box::new(HeldUp {
            limit: Duration::from_millis(10),
            by: Vec::new(),
        })),
        SpawnErrorKind::GivenUp,
        SpawnErrorKind::NoRuntime,
        SpawnErrorKind::Os,
    ]
}

fn events() -> Vec<PluginEventKind> {
    let incarnation = Incarnation::FIRST;
    vec![
        PluginEventKind::Starting { incarnation },
        PluginEventKind::Ready {
            incarnation,
            pid: 42,
        },
        PluginEventKind::Stopping { incarnation },
        PluginEventKind::Died(exit()),
        PluginEventKind::Stays(unkillable()),
        PluginEventKind::NotStarted(StartError::Refused("why".into())),
        PluginEventKind::Backoff {
            attempt: 1,
            wait: Duration::ZERO,
        },
        PluginEventKind::Backoff {
            attempt: 2,
            wait: Duration::from_millis(150),
        },
        PluginEventKind::AwaitingSiblings {
            sibling: "images".into(),
        },
        PluginEventKind::AwaitingSiblings {
            sibling: "fonts".into(),
        },
        PluginEventKind::CircuitOpen {
            reason: DownReason::Stopped,
            wait: Duration::from_secs(1),
        },
        PluginEventKind::Down(DownReason::Stopped),
        PluginEventKind::Waiting(Box::new(Wait::new(
            (Waiter::Allocation, 3),
            Duration::from_millis(1_230),
            (
                Resource::Slot { size: 65_536 },
                Holder::Slots {
                    total: 8,
                    used_by_peer: 5,
                    held_here: 2,
                    reserved: 1,
                },
            ),
        ))),
    ]
}

/// An event is no error; here it reads like one.
#[derive(Debug)]
struct Event(PluginEvent);

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Event {}

#[test]
fn every_text_is_the_one_that_was_reviewed() {
    fn add<E: Error + 'static>(
        all: &mut Vec<(&'static str, Box<dyn Error>)>,
        name: &'static str,
        error: E,
    ) {
        all.push((name, Box::new(error)));
    }
    let mut all = Vec::new();
    for error in calls() {
        if !matches!(error, CallError::Down(_)) {
            add(&mut all, name_of_call(&error), error);
        }
    }
    for reason in reasons() {
        add(&mut all, name_of_reason(&reason), down(reason));
    }
    for ended_by in [
        EndedBy::Itself,
        EndedBy::Request(ShutdownStage::Drain),
        EndedBy::Request(ShutdownStage::Terminate),
        EndedBy::Request(ShutdownStage::Kill),
        EndedBy::Killed,
        EndedBy::Unresponsive(Duration::from_secs(30)),
        EndedBy::Fault("an item without credit".into()),
        EndedBy::StartTimeout(Duration::from_secs(10)),
    ] {
        let signal = |signal| ExitCause::Signalled {
            signal,
            core_dumped: false,
        };
        let cause = match ended_by {
            EndedBy::Request(ShutdownStage::Drain) => ExitCause::Exited(0),
            EndedBy::Request(ShutdownStage::Terminate) => signal(15),
            _ => signal(9),
        };
        add(&mut all, "ExitReport", exit_by(cause, ended_by));
    }
    for kind in spawn_kinds() {
        add(&mut all, "SpawnError", spawn_error(kind));
    }
    let refused = || std::io::Error::from_raw_os_error(1);
    for error in [
        StopError::Unkillable {
            pid: 42,
            waited: Duration::from_secs(2),
        },
        StopError::Signal {
            pid: 42,
            cause: refused(),
        },
    ] {
        add(&mut all, "StopError", error);
    }
    for error in [
        ServeError::NotStartedByHost {
            program: "images".into(),
            services: vec!["Images"],
            found: rapace_shm::NotAControlSocket::Stdin {
                found: rapace_shm::StdinKind::Terminal,
            },
        },
        ServeError::ControlSocket(refused()),
        ServeError::ControlSocket(std::io::Error::from_raw_os_error(24)),
        ServeError::Windows(WindowConfigError::StreamItems { items: 0 }),
        ServeError::Windows(WindowConfigError::StreamBytes {
            initial: 1 << 20,
            maximum: 1 << 10,
        }),
        ServeError::Windows(WindowConfigError::RequestBytes {
            initial: 0,
            maximum: 1 << 10,
        }),
        ServeError::Windows(WindowConfigError::FragmentBytes),
        ServeError::Watch(refused()),
        ServeError::ParentWatchdog(ParentWatchdogError::ParentDeathSignal(refused())),
        ServeError::Establish(rapace_shm::EstablishError::HungUp),
        ServeError::Handshake(rapace_session::HandshakeError::NotAPeer),
        ServeError::Ended(EndReason::PeerFault("an item without credit".into())),
        ServeError::ServiceStopped("Images"),
    ] {
        add(&mut all, "ServeError", error);
    }
    add(&mut all, "TryTellError::Full", TryTellError::Full(()));
    for kind in events() {
        let plugin = "images".into();
        add(&mut all, "PluginEvent", Event(PluginEvent { plugin, kind }));
    }
    assert_error_texts(env!("CARGO_MANIFEST_DIR"), "src/tests/error_texts.txt", all);
}

/// The table of the handbook's page on errors.
#[test]
fn what_may_be_retried_has_certainly_not_run() {
    let mut table = Vec::new();
    for error in calls() {
        let row = (
            name_of_call(&error),
            error.may_be_retried(),
            error.may_work_later(),
        );
        if !table.contains(&row) {
            table.push(row);
        }
    }
    assert_eq!(
        table,
        [
            ("CallError::Handler", false, false),
            ("CallError::Panicked", false, false),
            ("CallError::DeadlineExceeded", false, true),
            ("CallError::PluginDied", false, true),
            ("CallError::PluginDied", false, false),
            ("CallError::NotBegun", true, true),
            ("CallError::NotBegun", true, false),
            ("CallError::Poisoned", false, false),
            ("CallError::Restarting", true, true),
            ("CallError::SessionEnded", true, false),
            ("CallError::SessionEnded", false, false),
            ("CallError::Unavailable", true, false),
            ("CallError::Dropped", false, false),
            ("CallError::Unimplemented", true, false),
            ("CallError::LimitReached", true, true),
            ("CallError::Protocol", false, false),
            ("CallError::Down", true, false),
            ("CallError::Down", true, true),
        ]
    );
}

/// The end of the stderr comes last in every text.
#[test]
fn nothing_runs_into_the_last_line_of_stderr() {
    for error in [Call::PluginDied(exit()), Call::Poisoned(exit())] {
        let text = error.to_string();
        assert!(text.ends_with("\n  no such colour: 300"), "{text}");
    }
}
