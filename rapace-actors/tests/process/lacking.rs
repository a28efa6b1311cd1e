//! Hosts and plugins in processes that lack a system call, descriptors or a runtime feature.

use std::collections::BTreeMap;
use std::process::{Command, ExitCode, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rapace::plugin::PluginServer;
use rapace::process::{ExitCause, ResourceLimits, SpawnErrorKind, spawn};
use rapace::supervision::{DownReason, StartError};
use rapace::{Plugin, PluginSpec, RestartPolicy, SegmentConfig, Trust};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::support::{Control, ROLE, leash, program, role, sh, start};

/// The system call that the role lacks, or that it may dump no core.
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
        ("pipe2", "2.6.27", "seccomp"),
        ("clone", "2.2", "seccomp"),
        ("setpgid", "2.2", "seccomp"),
        ("poll", "2.2", "seccomp"),
        ("dup2", "2.2", "seccomp"),
        ("chdir", "2.2", "seccomp"),
        ("execve", "2.2", "seccomp"),
    ] {
        let said = what_comes_of_it(call).await;
        for part in [call, since, way_out] {
            assert!(said.contains(part), "{part:?} is missing in {said:?}");
        }
    }
}

fn plugin(lacks: &str) -> PluginSpec {
    let command = role("plugin_without_a_call").env(LACKS, lacks);
    let spec = Plugin::builder("boxed", program()).command(|_| command);
    spec.restart_policy(RestartPolicy::Never)
}

#[tokio::test]
async fn a_plugin_in_a_sandbox_without_devices_serves() {
    let started = plugin("openat").start().await;
    started.expect("it needs no file");
}

#[tokio::test]
async fn a_plugin_that_its_sandbox_keeps_from_its_control_socket_says_which_call_it_needs() {
    for call in ["setsockopt", "getsockopt"] {
        let down = plugin(call).start().await.expect_err("it cannot serve");
        let said = down.to_string();
        for part in ["exited with code 69", "control socket", call, "seccomp"] {
            assert!(said.contains(part), "{part:?} is missing in {said:?}");
        }
        assert!(!said.contains("Point a host at it"), "{said}");
    }
}

/// Describes a plugin with a limit that its host does not know of.
fn plugin_with(few: u64) -> PluginSpec {
    let script = format!("ulimit -n {few}; exec \"$0\" \"$@\"");
    let command = sh(&script).arg(program()).args([
        "--ignored",
        "--exact",
        "--nocapture",
        "--test-threads=1",
        "roles::plugin_without_a_call",
    ]);
    let command = command.env(ROLE, "plugin_without_a_call").env(LACKS, "");
    let spec = Plugin::builder("few", program()).command(|_| command);
    spec.restart_policy(RestartPolicy::Never)
}

/// From too few for its runtime to as many as it needs.
#[tokio::test]
async fn a_plugin_with_few_descriptors_knows_that_a_host_started_it() {
    let mut taken_over = 0;
    for few in 5..ResourceLimits::LEAST_OPEN_FILES {
        let down = plugin_with(few).start().await.expect_err("it needs more");
        let said = down.to_string();
        assert!(!said.contains("Point a host at it"), "{few}: {said}");
        taken_over += usize::from(said.contains("(`ulimit -n`, or `ResourceLimits::open_files`"));
    }
    assert!(taken_over > 0);
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let segment = SegmentConfig::default().with_trust(trust);
        let enough = plugin_with(ResourceLimits::LEAST_OPEN_FILES).segment(segment);
        enough.start().await.expect("it has what it needs");
    }
}

#[tokio::test]
async fn fewer_descriptors_than_a_session_needs_are_refused_before_the_start() {
    let with = |open_files| {
        let limits = ResourceLimits {
            open_files: Some(open_files),
            ..ResourceLimits::default()
        };
        let command = role("plugin_without_a_call").env(LACKS, "").limits(limits);
        let spec = Plugin::builder("few", program()).command(|_| command);
        spec.restart_policy(RestartPolicy::Never)
    };
    let refused = with(17).start().await.expect_err("that is too few");
    let said = refused.to_string();
    assert!(
        said.contains("its limit of 17 open files") && said.contains("ResourceLimits::open_files"),
        "{said}"
    );
    with(18).start().await.expect("that is enough");
}

/// The role.
pub(crate) fn serve_without_a_call() -> ! {
    let lacks = std::env::var(LACKS).expect("the test says what");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match lacks.as_str() {
        "openat" => forbid(libc::SYS_openat, Errno::ENOENT),
        "setsockopt" => forbid(libc::SYS_setsockopt, Errno::EPERM),
        "getsockopt" => forbid(libc::SYS_getsockopt, Errno::EPERM),
        _ => {}
    }
    let code = runtime.block_on(PluginServer::new().run());
    let known = [0, 64, 69, 70];
    let same = |known: &&u8| ExitCode::from(**known) == code;
    std::process::exit(known.iter().find(same).map_or(1, |code| (*code).into()))
}

/// The host cannot set the default of one byte for a plugin, and need not.
#[tokio::test]
async fn a_host_that_may_dump_no_core_at_all_starts_plugins_that_may_not_either() {
    assert_eq!(what_comes_of_it("core dumps").await, "started");
}

/// The role. Filters and limits also apply to the thread that starts processes, since it is started here.
pub(crate) fn start_without_a_call() -> String {
    let lacks = std::env::var(LACKS).expect("the test says what");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match lacks.as_str() {
        "pidfd_open" => forbid(libc::SYS_pidfd_open, Errno::ENOSYS),
        "prlimit64" => forbid(libc::SYS_prlimit64, Errno::EPERM),
        "core dumps" => {
            setrlimit(Resource::RLIMIT_CORE, 0, 0).expect("it is lowered");
            // Root may raise limits, unless it drops that capability.
            let unprivileged = rustix::thread::CapabilitySet::empty();
            let none = rustix::thread::CapabilitySets {
                effective: unprivileged,
                permitted: unprivileged,
                inheritable: unprivileged,
            };
            rustix::thread::set_capabilities(None, none).expect("capabilities are given up");
            assert_eq!(getrlimit(Resource::RLIMIT_CORE), Ok((0, 0)));
        }
        _ => {}
    }
    runtime.block_on(async {
        let (_control, theirs) = Control::pair();
        let unlimited = sh("exit 0").limits(ResourceLimits::INHERITED);
        if lacks == "prlimit64" {
            let (_control, theirs) = Control::pair();
            let started = spawn(&unlimited, theirs, leash()).await;
            started.expect("it needs no limits");
        }
        let leash = leash();
        match lacks.as_str() {
            "pipe2" => forbid(libc::SYS_pipe2, Errno::EPERM),
            "clone" => forbid_uses(libc::SYS_clone, vec![vfork()], Errno::EPERM),
            "setpgid" => forbid(libc::SYS_setpgid, Errno::EPERM),
            "poll" => forbid(POLL, Errno::ENOSYS),
            "dup2" => forbid(DUP2, Errno::EPERM),
            "chdir" => forbid(libc::SYS_chdir, Errno::ENOSYS),
            "execve" => forbid(libc::SYS_execve, Errno::ENOSYS),
            _ => {}
        }
        match spawn(&sh("exit 0").directory("/"), theirs, leash).await {
            Ok(_) => "started".to_owned(),
            Err(error) => {
                let known = match error.kind() {
                    SpawnErrorKind::Unsupported => lacks != "prlimit64",
                    SpawnErrorKind::Limit(_) => lacks == "prlimit64",
                    _ => false,
                };
                assert!(known && !error.is_transient(), "{error:?}");
                error.to_string()
            }
        }
    })
}

/// The system calls behind the C library's `poll` and `dup2`.
#[cfg(target_arch = "x86_64")]
const POLL: libc::c_long = libc::SYS_poll;
#[cfg(not(target_arch = "x86_64"))]
const POLL: libc::c_long = libc::SYS_ppoll;
#[cfg(target_arch = "x86_64")]
const DUP2: libc::c_long = libc::SYS_dup2;
#[cfg(not(target_arch = "x86_64"))]
const DUP2: libc::c_long = libc::SYS_dup3;

/// Forbids starting processes, but not threads.
fn vfork() -> SeccompRule {
    let flag = libc::CLONE_VFORK as u64;
    let with = SeccompCmpOp::MaskedEq(flag);
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, with, flag);
    SeccompRule::new(vec![condition.expect("an argument")]).expect("a rule")
}

fn forbid(call: libc::c_long, answer: Errno) {
    forbid_uses(call, vec![], answer);
}

fn forbid_uses(call: libc::c_long, uses: Vec<SeccompRule>, answer: Errno) {
    let filter = SeccompFilter::new(
        BTreeMap::from([(call, uses)]),
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

#[test]
fn a_plugin_on_a_runtime_that_lacks_something_is_down_and_names_it() {
    let mut with_io = tokio::runtime::Builder::new_current_thread();
    let mut with_time = tokio::runtime::Builder::new_current_thread();
    for (builder, missing) in [
        (with_io.enable_io(), "has no timers"),
        (with_time.enable_time(), "has no I/O"),
        (
            &mut tokio::runtime::Builder::new_current_thread(),
            "has no timers",
        ),
    ] {
        let runtime = builder.build().expect("a runtime");
        let down = runtime.block_on(Plugin::builder("any", "/bin/true").start());
        let down = down.expect_err("something is missing");
        let DownReason::StartFailed(_, StartError::Spawn(error)) = &down.reason else {
            panic!("{down}");
        };
        assert_eq!(*error.kind(), SpawnErrorKind::NoRuntime, "{down}");
        let said = down.to_string();
        assert!(said.contains(missing), "{said}");
        assert_eq!(said.matches("enable_all").count(), 1, "{said}");
    }
}
