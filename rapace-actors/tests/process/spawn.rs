//! Which commands can be started, and the errors of those that cannot.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rapace::process::{
    ExitCause, Incarnation, Output, PluginCommand, ResourceLimits, SpawnError, SpawnErrorKind,
    spawn,
};

use crate::support::{Control, PATIENCE, WatchedProcess, inode, leash, sh, start};

async fn refused(command: PluginCommand) -> SpawnError {
    let (_control, theirs) = Control::pair();
    spawn(&command, theirs, leash())
        .await
        .expect_err("it cannot be started")
}

#[tokio::test]
async fn a_missing_program_is_named() {
    let error = refused(PluginCommand::new("/nowhere/images")).await;
    assert_eq!(*error.kind(), SpawnErrorKind::NotFound);
    assert!(!error.is_transient());
    assert_eq!(
        error.to_string(),
        "plugin program `/nowhere/images` does not exist; build it, or correct the path"
    );
}

#[tokio::test]
async fn a_missing_bare_name_is_said_to_be_nowhere_on_the_path() {
    let error = refused(PluginCommand::new("no-such-plugin-anywhere")).await;
    assert_eq!(*error.kind(), SpawnErrorKind::NotFound);
    assert!(error.to_string().contains("PATH"), "{error}");
}

/// The working directory of tests is their package.
#[tokio::test]
async fn a_bare_name_is_not_looked_for_in_the_working_directory_which_is_said_where_it_lies_there()
{
    let here = refused(PluginCommand::new("Cargo.toml")).await;
    assert_eq!(*here.kind(), SpawnErrorKind::NotFound);
    let text = here.to_string();
    assert!(
        text.contains("PATH") && text.contains("write `./Cargo.toml`"),
        "{text}"
    );
    // A directory is not an executable.
    let directory = refused(PluginCommand::new("src")).await;
    assert_eq!(*directory.kind(), SpawnErrorKind::NotFound);
    let text = directory.to_string();
    assert!(text.contains("PATH") && !text.contains("./"), "{text}");
    for dots in [".", "..", "./src"] {
        let error = refused(PluginCommand::new(dots)).await;
        assert_eq!(*error.kind(), SpawnErrorKind::IsDirectory, "{error}");
    }
}

#[tokio::test]
async fn what_is_too_long_or_leads_nowhere_has_a_way_out() {
    let directory = tempfile::tempdir().expect("a directory");
    let circle = directory.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).expect("a link");
    let cases = [
        (sh("true").arg("x".repeat(256 << 10)), "ARG_MAX"),
        (PluginCommand::new(circle), "symbolic links"),
        (
            PluginCommand::new(directory.path().join("x".repeat(300))),
            "give a shorter one",
        ),
    ];
    for (command, way_out) in cases {
        let error = refused(command).await;
        assert_eq!(*error.kind(), SpawnErrorKind::Os, "{error}");
        assert!(!error.is_transient(), "{error}");
        assert!(error.to_string().contains(way_out), "{error}");
    }
}

#[tokio::test]
async fn a_variable_that_cannot_be_handed_over_is_named_with_the_reason() {
    for (name, value, why) in [
        ("A=B", "x", "\"A=B\" contains a `=`"),
        ("A", "x\0", "\"A\" contains a NUL byte"),
        ("", "x", "the name of an environment variable is empty"),
    ] {
        let error = refused(sh("true").env(name, value)).await;
        assert!(
            matches!(error.kind(), SpawnErrorKind::Unusable(_)),
            "{error}"
        );
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// In a process of its own, so that no other test loses its working directory.
#[test]
fn a_relative_path_without_a_working_directory_is_not_looked_for_on_the_path() {
    const HERE: &str = "RAPACE_TEST_NOWHERE";
    if std::env::var_os(HERE).is_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let program = std::env::current_exe().expect("a test knows its program");
        let name =
            "spawn::a_relative_path_without_a_working_directory_is_not_looked_for_on_the_path";
        let output = std::process::Command::new(program)
            .args(["--exact", "--nocapture", name])
            .env(HERE, "")
            .current_dir(directory.path())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{output:?}"
        );
        return;
    }
    fs::remove_dir(std::env::current_dir().expect("it is there")).expect("it is empty");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let error = runtime.block_on(refused(PluginCommand::new("./plugins/images")));
    let text = error.to_string();
    assert_eq!(*error.kind(), SpawnErrorKind::NotFound);
    assert!(
        text.contains("working directory is not there") && !text.contains("PATH"),
        "{text}"
    );
}

#[tokio::test]
async fn a_directory_is_no_program() {
    let error = refused(PluginCommand::new("/tmp")).await;
    assert_eq!(*error.kind(), SpawnErrorKind::IsDirectory);
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_apart() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &[u8], mode: u32| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("chmod");
        PluginCommand::new(path)
    };
    let cases = [
        (
            file("plain", b"#!/bin/sh\n", 0o644),
            SpawnErrorKind::NotExecutable,
        ),
        (
            file("noise", b"neither ELF nor script", 0o755),
            SpawnErrorKind::BadFormat,
        ),
        (
            file("script", b"#!/nowhere/python\n", 0o755),
            SpawnErrorKind::NoInterpreter,
        ),
        (file("empty", b"", 0o755), SpawnErrorKind::BadFormat),
    ];
    for (command, expected) in cases {
        let error = refused(command).await;
        assert_eq!(*error.kind(), expected, "{error}");
        assert!(error.to_string().contains("; "), "says what to do: {error}");
    }
    let below_a_file = PluginCommand::new(directory.path().join("plain/images"));
    assert_eq!(
        *refused(below_a_file).await.kind(),
        SpawnErrorKind::NotFound
    );
}

#[tokio::test]
async fn a_program_that_is_being_written_may_be_tried_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("plugin");
    fs::copy("/bin/true", &path).expect("copied");
    let writer = fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("opened");
    let error = refused(PluginCommand::new(&path)).await;
    assert_eq!(*error.kind(), SpawnErrorKind::Busy, "{error}");
    assert!(error.is_transient());
    drop(writer);
}

#[tokio::test]
async fn a_missing_working_directory_is_not_blamed_on_the_program() {
    let error = refused(sh("true").directory("/nowhere")).await;
    assert_eq!(
        *error.kind(),
        SpawnErrorKind::BadDirectory("/nowhere".into())
    );
}

#[test]
fn without_a_runtime_nothing_is_started_and_the_way_out_is_named() {
    let without_io = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let error = without_io.block_on(refused(sh("true")));
    assert_eq!(*error.kind(), SpawnErrorKind::NoRuntime, "{error}");
    assert!(error.to_string().contains("enable_all"), "{error}");

    // The panic inside did not end the thread that starts processes.
    let with_io = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let ended = with_io.block_on(async { start(&sh("exit 4")).await.process.wait().await });
    assert_eq!(ended, ExitCause::Exited(4));
}

#[tokio::test]
async fn arguments_environment_and_directory_arrive() {
    let command = sh("echo \"$1|$KEPT|$SET|$HOME|$(pwd)\" >&0; exit 3").args(["zero", "one two"]);
    let command = command
        .env_clear()
        .env("SET", "set")
        .env("KEPT", "x")
        .env_remove("KEPT")
        .directory("/usr");
    let mut started = start(&command).await;
    assert_eq!(started.control.line(), "one two||set||/usr");
    assert_eq!(started.process.wait().await, ExitCause::Exited(3));
    assert_eq!(
        started.process.wait().await,
        ExitCause::Exited(3),
        "the answer is kept"
    );
    assert_eq!(started.process.try_wait(), Some(ExitCause::Exited(3)));
}

#[tokio::test]
async fn a_crash_is_reported_with_its_signal_and_dumps_no_core() {
    let directory = tempfile::tempdir().expect("a directory");
    // `read` first: the limits are there when `spawn` returns.
    let command = sh("read go; kill -SEGV $$").directory(directory.path());
    let mut started = start(&command).await;
    started.control.send("go\n");
    let ended = started.process.wait().await;
    assert_eq!(
        ended,
        ExitCause::Signalled {
            signal: 11,
            core_dumped: false
        }
    );
    assert_eq!(
        fs::read_dir(directory.path()).expect("a directory").count(),
        0
    );
}

#[tokio::test]
async fn exactly_one_end_of_one_socket_is_handed_over() {
    let (other, others_end) = Control::pair();
    let (mut control, theirs) = Control::pair();
    let handed_over = inode(theirs.as_fd());
    let ours = [control.inode(), other.inode(), inode(others_end.as_fd())];
    let script = sh("ls -l /proc/$$/fd | grep -o 'socket:.*' | tr '\\n' ' ' >&2; echo listed >&0");
    let mut started = spawn(&script, theirs, leash()).await.expect("started");
    assert_eq!(control.line(), "listed");
    let output = Output::forward(
        &"p".into(),
        Incarnation::FIRST,
        started.stdout,
        started.stderr,
    );
    let output = output.expect("pipes");
    drop(control);
    started.process.wait().await;
    let listed = output.finish().await;
    // Descriptors that the test program has inherited do not count.
    let count = |inode: u64| {
        listed
            .as_str()
            .matches(&format!("socket:[{inode}]"))
            .count()
    };
    assert_eq!(count(handed_over), 1, "{listed}");
    assert_eq!(ours.map(count), [0, 0, 0], "{listed}");
}

#[tokio::test]
async fn limits_hold_for_a_program_that_knows_nothing_of_us() {
    let limits = ResourceLimits {
        open_files: Some(40),
        memory: Some(64 << 20),
        cpu_time: Some(Duration::from_millis(1500)),
        ..ResourceLimits::default()
    };
    // `read` first: the limits are there when `spawn` returns.
    let script =
        "read go; echo $(ulimit -c) $(ulimit -n) $(ulimit -d) $(ulimit -t) $(ulimit -Hn) >&0";
    let mut started = start(&sh(script).limits(limits)).await;
    started.control.send("go\n");
    assert_eq!(started.control.line(), "0 40 65536 2 40");
}

#[tokio::test]
async fn a_limit_that_cannot_be_set_leaves_no_process() {
    let (mut control, theirs) = Control::pair();
    let beyond_the_system = ResourceLimits {
        open_files: Some(u64::MAX - 1),
        ..ResourceLimits::default()
    };
    let error = spawn(&sh("sleep 600").limits(beyond_the_system), theirs, leash())
        .await
        .expect_err("refused");
    assert_eq!(*error.kind(), SpawnErrorKind::Limit("open files"));
    assert!(control.is_closed_in_time());
}

#[tokio::test]
async fn a_dropped_handle_kills_the_process_and_its_group() {
    let mut started = start(&sh("sleep 600 & echo $! >&0; wait")).await;
    let grandchild = WatchedProcess::find(&started.control.line());
    let child = WatchedProcess::find(&started.process.pid().to_string());
    drop(started.process);
    assert!(child.is_gone_within(PATIENCE).await);
    assert!(grandchild.is_gone_within(PATIENCE).await);
}

#[tokio::test]
async fn a_start_that_nobody_waits_for_is_undone() {
    for _ in 0..20 {
        let (mut control, theirs) = Control::pair();
        let script = sh("echo $$ >&0; sleep 600");
        // Polled once, so that the start is queued, and then dropped.
        tokio::select! {
            biased;
            _ = spawn(&script, theirs, leash()) => {}
            () = std::future::ready(()) => {}
        }
        assert!(control.is_closed_in_time());
    }
}
