//! A program that hangs in `exec`, because its file system does not respond.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use rapace::process::{SpawnError, SpawnErrorKind};
use rapace::supervision::{Down, DownReason, Failure, RestartPolicy, StartError, State};
use rapace::{Plugin, PluginSpec};

use crate::support::{PATIENCE, in_time, role};

/// A program that cannot be opened while this value exists, at most for the 45 s of `lease-break-time`. If it
/// is executed it leaves a trace.
struct Unopenable {
    directory: tempfile::TempDir,
    _lease: File,
}

impl Unopenable {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let program = directory.path().join("program");
        let script = format!("#!/bin/sh\necho > {}\n", trace(directory.path()).display());
        fs::write(&program, script).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
        let file = File::open(program).expect("it is there");
        // Opening the file makes the kernel send us a signal, which is ignored by default.
        fcntl(&file, F_SETSIG, libc::SIGWINCH).expect("a signal");
        let until = Instant::now() + PATIENCE;
        // A process that another test is starting has copies of our descriptors for a moment.
        while fcntl(&file, libc::F_SETLEASE, libc::F_WRLCK) == Err(Errno::EAGAIN) {
            assert!(Instant::now() < until, "somebody else has it open");
            std::thread::yield_now();
        }
        Self {
            directory,
            _lease: file,
        }
    }

    fn plugin(&self) -> PluginSpec {
        let program = self.directory.path().join("program");
        Plugin::builder("remote", program).restart_policy(RestartPolicy::Never)
    }
}

fn trace(directory: &Path) -> PathBuf {
    directory.join("trace")
}

/// Missing in `libc`.
const F_SETSIG: i32 = 10;

#[expect(unsafe_code, reason = "nix knows neither leases nor their signals")]
fn fcntl(file: &File, command: i32, argument: i32) -> Result<(), Errno> {
    // SAFETY: takes integers.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, argument) };
    Errno::result(answer).map(drop)
}

#[tokio::test]
async fn a_program_that_hangs_in_exec_fails_in_time_holds_up_nobody_and_never_runs() {
    let unopenable = Unopenable::new();
    let limit = Duration::from_secs(3);
    let remote = unopenable.plugin().start_timeout(limit).spawn();
    in_time(remote.actor_ref().wait_for_startup()).await;
    let local = in_time(role("impostor").start()).await.expect("it starts");
    assert!(matches!(remote.state(), State::Starting { .. }));
    let down = in_time(remote.ready()).await.expect_err("it hangs");
    let error = spawn_error(&down);
    assert_eq!(*error.kind(), SpawnErrorKind::Hangs(limit));
    assert!(error.is_transient());
    assert!(
        down.to_string().contains("was not executed within 3.0s"),
        "{down}"
    );
    drop(remote);
    let trace = trace(unopenable.directory.path());
    drop(unopenable._lease);
    local.restart();
    in_time(local.ready()).await.expect("it starts again");
    assert!(!trace.exists());
}

fn spawn_error(down: &Down) -> &SpawnError {
    match &down.reason {
        DownReason::NotRestarted(Failure::Start(_, StartError::Spawn(error))) => error,
        other => panic!("{other:?}"),
    }
}

/// More hanging programs than may be in `exec` at once.
#[tokio::test]
async fn however_many_hang_a_healthy_plugin_starts_and_each_is_told_what_hangs() {
    let unopenable = Unopenable::new();
    let limit = Duration::from_secs(3);
    let begun = Instant::now();
    let remote: Vec<_> = (0..12)
        .map(|_| unopenable.plugin().start_timeout(limit).spawn())
        .collect();
    let least = Duration::from_secs(2);
    for _ in 0..3 {
        let local = role("impostor").start_timeout(least).start();
        in_time(local).await.expect("it is healthy");
    }
    assert!(begun.elapsed() < limit, "it waited for those that hang");
    let program = unopenable.directory.path().join("program");
    let mut held_up = 0;
    for remote in &remote {
        let down = in_time(remote.ready()).await.expect_err("it hangs");
        match spawn_error(&down).kind() {
            SpawnErrorKind::Hangs(_) => {}
            SpawnErrorKind::HeldUp(why) => {
                held_up += 1;
                assert!(why.by.iter().eq([&program]), "{down}");
                let text = format!("waits for other starts that hang: `{}`", program.display());
                assert!(down.to_string().contains(&text), "{down}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!((1..12).contains(&held_up), "{held_up}");
}

#[tokio::test]
async fn a_plugin_without_time_to_start_is_refused() {
    let none = role("impostor").start_timeout(Duration::ZERO);
    let down = in_time(none.start()).await.expect_err("in no time");
    assert!(
        down.to_string().contains("its start_timeout is zero"),
        "{down}"
    );
}

#[tokio::test]
async fn a_plugin_can_be_stopped_while_its_program_hangs_in_exec() {
    let unopenable = Unopenable::new();
    let remote = unopenable.plugin().start_timeout(2 * PATIENCE).spawn();
    in_time(remote.stop()).await;
    assert!(matches!(remote.state(), State::Down(DownReason::Stopped)));
}
