//! Hosts and plugins in processes where something is missing.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use rapace::process::{ExitCause, ResourceLimits, SpawnErrorKind, spawn};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::support::{Control, ROLE, leash, program, role, sh, start};

/// Which call the role lacks, or that it may make no core dumps.
const LACKS: &str = "RAPACE_TEST_LACKS";

async fn what_comes_of_it(lacks: &str) -> String {
    let mut host = start(&role("host_without_a_call").env(LACKS, lacks)).await;
    let said = host.control.line();
    assert_eq!(host.process.wait().await, ExitCause::Exited(0), "{said}");
    said
}

#[tokio::test]
async fn a_host_without_a_call_says_which_since_when_and_what_to_do() {
    for (call, since, way_out) in [
        ("pidfd_open", "5.3", "seccomp"),
        ("prlimit64", "2.6.36", "ResourceLimits::INHERITED"),
    ] {
        let said = what_comes_of_it(call).await;
        for part in [call, since, way_out] {
            assert!(said.contains(part), "{part:?} is missing in {said:?}");
        }
    }
}

/// It may not give a plugin the default, which is one byte, and need not.
#[tokio::test]
async fn a_host_that_may_dump_no_core_at_all_starts_plugins_that_may_not_either() {
    assert_eq!(what_comes_of_it("core dumps").await, "started");
}

/// The role. Filters and limits hold for the thread that starts processes too, since it is started here.
pub(crate) fn start_without_a_call() -> String {
    let lacks = std::env::var(LACKS).expect("the test says what");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match lacks.as_str() {
        "pidfd_open" => forbid(libc::SYS_pidfd_open, Errno::ENOSYS),
        "prlimit64" => forbid(libc::SYS_prlimit64, Errno::EPERM),
        _ => {
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            setrlimit(Resource::Core, none).expect("it is lowered");
            // Root may raise limits, unless it gives that up.
            let unprivileged = rustix::thread::CapabilitySet::empty();
            let none = rustix::thread::CapabilitySets {
                effective: unprivileged,
                permitted: unprivileged,
                inheritable: unprivileged,
            };
            rustix::thread::set_capabilities(None, none).expect("capabilities are given up");
            assert_eq!(getrlimit(Resource::Core).maximum, Some(0));
        }
    }
    runtime.block_on(async {
        let (_control, theirs) = Control::pair();
        let unlimited = sh("exit 0").limits(ResourceLimits::INHERITED);
        if lacks == "prlimit64" {
            let (_control, theirs) = Control::pair();
            let started = spawn(&unlimited, theirs, leash()).await;
            started.expect("it needs no limits");
        }
        match spawn(&sh("exit 0"), theirs, leash()).await {
            Ok(_) => "started".to_owned(),
            Err(error) => {
                let known = match error.kind() {
                    SpawnErrorKind::Unsupported => lacks == "pidfd_open",
                    SpawnErrorKind::Limit(_) => lacks == "prlimit64",
                    _ => false,
                };
                assert!(known && !error.is_passing(), "{error:?}");
                error.to_string()
            }
        }
    })
}

fn forbid(call: libc::c_long, answer: Errno) {
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, vec![])]),
        SeccompAction::Allow,
        SeccompAction::Errno(answer as u32),
        std::env::consts::ARCH.try_into().expect("a known one"),
    );
    let program: BpfProgram = filter
        .and_then(TryInto::try_into)
        .expect("a filter of one call");
    seccompiler::apply_filter(&program).expect("any process may restrict itself");
}

#[test]
fn a_plugin_that_nobody_listens_to_exits_as_it_would_otherwise() {
    let (unread, stderr) = std::io::pipe().expect("a pipe");
    drop(unread);
    let mut plugin = Command::new(program());
    plugin
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "roles::plugin_by_hand",
        ])
        .env(ROLE, "plugin_by_hand")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    let ended = plugin.status().expect("it runs");
    assert_eq!(ended.code(), Some(64), "{ended}");
}

#[test]
fn a_runtime_without_timers_or_without_io_is_an_error() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let without_timers = builder.enable_io().build().expect("a runtime");
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let without_io = builder.enable_time().build().expect("a runtime");
    for (runtime, missing) in [(without_timers, "timers"), (without_io, "I/O")] {
        let error = runtime.block_on(async {
            let (_control, theirs) = Control::pair();
            let started = spawn(&sh("exit 0"), theirs, leash()).await;
            started.expect_err("something is missing")
        });
        assert_eq!(*error.kind(), SpawnErrorKind::NoRuntime, "{error}");
        let said = error.to_string();
        assert!(
            said.contains(missing) && said.contains("enable_all"),
            "{said}"
        );
    }
}
