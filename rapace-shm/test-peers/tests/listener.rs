//! Unrelated processes at one path: which one listens, which are accepted, and what is left behind.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::unistd::{getgid, getuid};
use rapace_shm::{Access, Listener, ListenerError};

const SOON: Duration = Duration::from_secs(20);

/// A process that binds paths on command.
struct Binder {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Binder {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shm-test-peer"));
        command
            .arg("binds")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        Self {
            orders: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").unwrap();
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Binder {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Leaves what a killed host leaves: a socket without a listener, and a lock file without a holder.
///
/// The host is a process of its own: a socket of this process would stay open in every child that another test forks
/// meanwhile, until the child executes its program.
fn leave_behind(path: &Path, with_lock: bool) {
    let mut host = Binder::start();
    host.order(path.to_str().unwrap());
    assert_eq!(host.answer(), "listens");
    drop(host);
    assert!(path.exists());
    if !with_lock {
        fs::remove_file(lock_of(path)).unwrap();
    }
}

fn lock_of(path: &Path) -> std::path::PathBuf {
    let name = path.file_name().unwrap().to_str().unwrap();
    path.with_file_name(format!("{name}.lock"))
}

#[tokio::test]
async fn of_many_processes_at_one_path_one_listens_on_the_socket_at_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut binders: Vec<Binder> = (0..4).map(|_| Binder::start()).collect();
    for round in 0..300 {
        match round % 3 {
            0 => {}
            left => leave_behind(&path, left == 1),
        }
        for binder in &mut binders {
            binder.order(path.to_str().unwrap());
        }
        let answers: Vec<String> = binders.iter_mut().map(Binder::answer).collect();
        let listening = answers.iter().filter(|answer| *answer == "listens").count();
        assert_eq!(listening, 1, "round {round}: {answers:?}");
        for answer in answers.iter().filter(|answer| *answer != "listens") {
            assert!(
                answer.contains("another process listens at"),
                "round {round}: {answers:?}"
            );
        }
        let listener = answers
            .iter()
            .position(|answer| answer == "listens")
            .unwrap();
        let peer = Listener::connect(&path).await.unwrap().peer().unwrap();
        let expected = binders[listener].process.id();
        assert_eq!(
            peer.pid as u32, expected,
            "round {round}: at the path is another"
        );
        for binder in &mut binders {
            binder.order("leave");
            assert_eq!(binder.answer(), "left");
        }
        let left: Vec<_> = fs::read_dir(directory.path()).unwrap().collect();
        assert!(left.is_empty(), "round {round}: {left:?} was left behind");
    }
}

#[tokio::test]
async fn a_killed_host_holds_no_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let mut host = Binder::start();
    host.order(path.to_str().unwrap());
    assert_eq!(host.answer(), "listens");
    let twice = Listener::bind(&path);
    assert!(
        matches!(twice, Err(ListenerError::InUse { .. })),
        "{twice:?}"
    );
    drop(host);
    assert!(path.exists() && lock_of(&path).exists());
    drop(Listener::bind(&path).unwrap());
    assert!(!path.exists() && !lock_of(&path).exists());
}

#[tokio::test]
async fn the_error_names_what_is_wrong_with_a_path() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("nowhere").join("socket");
    let said = Listener::bind(&nowhere).unwrap_err().to_string();
    assert!(said.contains("its directory does not exist"), "{said}");
    let said = Listener::connect(directory.path().join("socket")).await;
    let said = said.unwrap_err().to_string();
    assert!(said.contains("there is nothing at"), "{said}");
    // A listener that takes no lock is left alone.
    let path = directory.path().join("socket");
    let foreign = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let refused = Listener::bind(&path);
    assert!(
        matches!(refused, Err(ListenerError::InUse { .. })),
        "{refused:?}"
    );
    assert!(path.exists() && !lock_of(&path).exists());
    drop(foreign);
}

#[tokio::test]
async fn the_path_is_removed_wherever_the_process_has_gone() {
    let directory = tempfile::tempdir().unwrap();
    let mut host = Binder::start();
    host.order(&format!("cd {}", directory.path().display()));
    assert_eq!(host.answer(), "there");
    host.order("socket");
    assert_eq!(host.answer(), "listens");
    assert!(directory.path().join("socket").exists());
    host.order("cd /");
    assert_eq!(host.answer(), "there");
    host.order("leave");
    assert_eq!(host.answer(), "left");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_custom_decision_gets_the_kernels_credentials() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let us = std::process::id() as i32;
    let access = Access::decided_by(move |who| {
        assert_eq!(
            (who.pid, who.uid, who.gid),
            (us, getuid().as_raw(), getgid().as_raw())
        );
        // Every other peer.
        counted.fetch_add(1, Ordering::Relaxed) % 2 == 1
    });
    let listener = Listener::bind_for(&path, access.with_mode(0o660)).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o660
    );
    let _first = Listener::connect(&path).await.unwrap();
    match tokio::time::timeout(SOON, listener.accept()).await.unwrap() {
        Err(ListenerError::UnauthorizedPeer { who }) => assert_eq!(who.pid, us),
        other => panic!("{other:?}"),
    }
    let _second = Listener::connect(&path).await.unwrap();
    tokio::time::timeout(SOON, listener.accept())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    // The other side decides too.
    let nobody = Access::decided_by(|_| false);
    let refused = Listener::connect_to(&path, &nobody).await;
    assert!(
        matches!(refused, Err(ListenerError::UnauthorizedPeer { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn another_user_is_turned_away_by_default_and_let_in_on_request() {
    if !getuid().is_root() {
        println!("skipped: only root can be two users");
        return;
    }
    const NOBODY: u32 = 65534;
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = directory.path().join("socket");
    let program = directory.path().join("peer");
    fs::copy(env!("CARGO_BIN_EXE_shm-test-peer"), &program).unwrap();
    for (access, is_let_in) in [
        (Access::same_user(), false),
        (Access::decided_by(|who| who.uid == NOBODY), true),
    ] {
        let listener = Listener::bind_for(&path, access.with_mode(0o666)).unwrap();
        let mut other = Command::new(&program);
        other.arg("echoes").arg(&path).uid(NOBODY).gid(NOBODY);
        other.stdin(Stdio::null()).stderr(Stdio::null());
        let mut other = loop {
            match other.spawn() {
                // Another test has started a process that has our copy open for writing until it runs.
                Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                    std::thread::yield_now();
                }
                started => break started.unwrap(),
            }
        };
        let accepted = tokio::time::timeout(SOON, listener.accept()).await.unwrap();
        match (accepted, is_let_in) {
            (Ok(_), true) => {}
            (Err(ListenerError::UnauthorizedPeer { who }), false) => {
                assert_eq!((who.uid, who.gid), (NOBODY, NOBODY));
            }
            (other, _) => panic!("{other:?}"),
        }
        drop(listener);
        let _ = other.wait();
    }
}
