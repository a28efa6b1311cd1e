//! Real children: what they inherit, why a start fails, and what ends them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IoSlice, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, ControlMessage, MsgFlags, SockFlag, SockType, sendmsg, socketpair,
};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use rapace_spawn::{Attempt, Launch, LaunchError, Leash, LeashHold, Step, Unusable};

/// The timeout of every wait.
const PATIENCE: Duration = Duration::from_secs(20);

fn null() -> OwnedFd {
    let null = File::options().read(true).write(true).open("/dev/null");
    null.expect("there is one").into()
}

struct Child {
    pid: Pid,
    hold: LeashHold,
    out: BufReader<io::PipeReader>,
}

impl Child {
    fn start(launch: &Launch) -> Self {
        let (out, theirs) = io::pipe().expect("a pipe");
        let stdio = [null(), theirs.into(), null()];
        let leash = Leash::new().expect("a leash");
        let started = launch.start(stdio, leash, &Attempt::default());
        let (pid, hold) = started.expect("it can be started");
        let out = BufReader::new(out);
        Self { pid, hold, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// Returns its output and how it ended.
    fn finish(mut self) -> (String, WaitStatus) {
        let mut said = String::new();
        self.out.read_to_string(&mut said).expect("text");
        (said, waitpid(self.pid, None).expect("it is ours"))
    }
}

fn sh(script: &str) -> Launch {
    Launch::new("/bin/sh").args(["-c", script])
}

fn refused(launch: &Launch) -> LaunchError {
    let leash = Leash::new().expect("a leash");
    let started = launch.start([null(), null(), null()], leash, &Attempt::default());
    started.map(|(pid, _)| pid).expect_err("it cannot start")
}

/// Whether it is gone, or dead and not reaped.
fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.map_or(true, |stat| {
        stat[stat.rfind(')').unwrap()..].starts_with(") Z")
    })
}

fn assert_goes(pid: Pid) {
    let until = Instant::now() + PATIENCE;
    while !is_gone(pid) {
        assert!(Instant::now() < until, "process {pid} is still there");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn arguments_environment_and_directory_arrive() {
    let env = [("SET", "set"), ("=C:", "odd")].map(|(name, value)| (name.into(), value.into()));
    let launch = sh("echo \"$0|$1|$SET|$HOME|$(pwd)\"; exit 3")
        .args(["zero", "one two"])
        .env(env.into())
        .directory(Some("/usr".into()));
    let (said, ended) = Child::start(&launch).finish();
    assert_eq!(said, "zero|one two|set||/usr\n");
    assert!(matches!(ended, WaitStatus::Exited(_, 3)), "{ended:?}");
}

#[test]
fn the_step_that_failed_is_named_and_leaves_no_child() {
    let directory = tempfile::tempdir().expect("a directory");
    let plain = directory.path().join("plain");
    fs::write(&plain, "text").expect("written");
    let cases = [
        (Launch::new("/nowhere/at/all"), Step::Exec, Errno::ENOENT),
        (Launch::new(&plain), Step::Exec, Errno::EACCES),
        (
            sh("true").directory(Some("/nowhere".into())),
            Step::Directory,
            Errno::ENOENT,
        ),
    ];
    for (launch, expected, errno) in cases {
        match refused(&launch) {
            LaunchError::Os { step, source } => {
                assert_eq!(step, expected);
                assert_eq!(source.raw_os_error(), Some(errno as i32));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn what_cannot_be_handed_over_is_named() {
    let odd = |name: &str, value: &str| sh("true").env(vec![(name.into(), value.into())]);
    let named = |name: &str| Unusable::Variable(OsString::from(name));
    let cases = [
        (sh("true").args(["fine", "a\0b"]), Unusable::Argument(4)),
        (odd("A=B", "x"), Unusable::EqualsInName("A=B".into())),
        (odd("=A=B", "x"), Unusable::EqualsInName("=A=B".into())),
        (odd("A", "x\0"), named("A")),
        (odd("A\0", "x"), named("A\0")),
        (odd("", "x"), Unusable::EmptyName),
        (
            sh("true").directory(Some(PathBuf::from("/\0"))),
            Unusable::Directory,
        ),
        (Launch::new("/\0"), Unusable::Program),
    ];
    for (launch, expected) in cases {
        match refused(&launch) {
            LaunchError::Unusable(what) => assert_eq!(what, expected),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn nothing_but_the_standard_descriptors_is_inherited() {
    let careless = null();
    fcntl(&careless, FcntlArg::F_SETFD(FdFlag::empty())).expect("it is open");
    let kept = careless.as_raw_fd();
    let (said, _) = Child::start(&sh(&format!("test -e /proc/$$/fd/{kept}; echo $?"))).finish();
    assert_eq!(said, "1\n");
}

#[test]
fn signals_are_as_a_program_expects_them() {
    // Rust programs ignore SIGPIPE, and a thread may have any mask.
    let mask = nix::sys::signal::SigSet::all();
    let before = mask
        .thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_SETMASK)
        .expect("a mask");
    let child = Child::start(&Launch::new("/bin/cat").args(["/proc/self/status"]));
    before.thread_set_mask().expect("a mask");
    let (said, _) = child.finish();
    let field = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        u64::from_str_radix(line.expect("a field").trim(), 16).expect("a number")
    };
    assert_eq!(field("SigBlk:"), 0);
    assert_eq!(field("SigCgt:"), 0);
    assert_eq!(field("SigIgn:") & 1 << (Signal::SIGPIPE as u64 - 1), 0);
}

/// Sends the worn end where a plugin has it: in flight in its standard input.
fn start_on_a_leash(launch: &Launch) -> Child {
    let flags = SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).expect("sockets");
    let leash = Leash::new().expect("a leash");
    let worn = [leash.worn().as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&worn)];
    let text = [IoSlice::new(b"for whoever reads it")];
    sendmsg::<()>(ours.as_raw_fd(), &text, &rights, MsgFlags::empty(), None).expect("sent");
    let (out, writer) = io::pipe().expect("a pipe");
    let stdio = [theirs, writer.into(), null()];
    let started = launch.start(stdio, leash, &Attempt::default());
    let (pid, hold) = started.expect("it can be started");
    let out = BufReader::new(out);
    Child { pid, hold, out }
}

#[test]
fn the_group_of_a_child_ends_with_its_leash_stopped_or_not() {
    for script in [
        "sleep 600 & echo $!; sleep 600; true",
        "sleep 600 & echo $!; kill -STOP $$; true",
        "trap '' HUP INT TERM IO; sleep 600 & echo $!; while :; do sleep 600; done",
    ] {
        let mut child = start_on_a_leash(&sh(script).own_group(true));
        let grandchild = Pid::from_raw(child.line().parse().expect("a process id"));
        assert!(!is_gone(child.pid) && !is_gone(grandchild), "{script}");
        drop(child.hold);
        assert_goes(grandchild);
        let ended = waitpid(child.pid, None).expect("it is ours");
        assert!(
            matches!(ended, WaitStatus::Signaled(_, Signal::SIGKILL, _)),
            "{ended:?}"
        );
    }
}

#[test]
fn without_a_group_the_leash_holds_the_child_alone() {
    let mut child = start_on_a_leash(&sh("sleep 600 & echo $!; sleep 600; true"));
    let grandchild = Pid::from_raw(child.line().parse().expect("a process id"));
    drop(child.hold);
    let ended = waitpid(child.pid, None).expect("it is ours");
    assert!(
        matches!(ended, WaitStatus::Signaled(_, Signal::SIGKILL, _)),
        "{ended:?}"
    );
    assert!(!is_gone(grandchild));
    kill(grandchild, Signal::SIGKILL).expect("it is there");
}

#[test]
fn a_start_that_was_given_up_before_it_began_runs_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let trace = directory.path().join("ran");
    let attempt = Attempt::default();
    assert_eq!(attempt.give_up(), None);
    let launch = sh(&format!("echo > {}", trace.display()));
    let leash = Leash::new().expect("a leash");
    let started = launch.start([null(), null(), null()], leash, &attempt);
    assert!(
        matches!(
            started,
            Err(LaunchError::Os {
                step: Step::GivenUp,
                ..
            })
        ),
        "{started:?}"
    );
    assert!(!trace.exists());
}

/// Whether a process waits in this function.
fn in_the_kernel(pid: &str, function: &str) -> bool {
    let waits = fs::read_to_string(format!("/proc/{pid}/wchan"));
    waits.is_ok_and(|waits| waits.contains(function))
}

/// A command of fcntl that `libc` lacks.
const F_SETSIG: i32 = 10;

/// A program that the kernel cannot open for as long as this lives, at most for the 45 s of `lease-break-time`.
struct Unopenable {
    _lease: File,
}

impl Unopenable {
    #[allow(unsafe_code)]
    fn new(program: &Path) -> Self {
        fs::copy("/bin/true", program).expect("copied");
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("ours");
        let file = File::open(program).expect("it is there");
        let fd = file.as_raw_fd();
        // Opening the file makes the kernel send us a signal, which is ignored by default.
        // SAFETY: takes integers.
        let result = unsafe { nix::libc::fcntl(fd, F_SETSIG, nix::libc::SIGWINCH) };
        Errno::result(result).expect("a signal");
        // SAFETY: takes integers.
        let lease = || unsafe { nix::libc::fcntl(fd, nix::libc::F_SETLEASE, nix::libc::F_WRLCK) };
        let until = Instant::now() + PATIENCE;
        // A child that another test is starting has copies of our descriptors for a moment.
        while Errno::result(lease()) == Err(Errno::EAGAIN) {
            assert!(Instant::now() < until, "somebody else has it open");
            thread::yield_now();
        }
        Self { _lease: file }
    }
}

#[test]
fn a_start_that_hangs_in_exec_can_be_given_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("program");
    let _unopenable = Unopenable::new(&program);
    let attempt = Attempt::default();
    thread::scope(|scope| {
        let starts = scope.spawn(|| {
            let leash = Leash::new().expect("a leash");
            Launch::new(&program).start([null(), null(), null()], leash, &attempt)
        });
        let until = Instant::now() + PATIENCE;
        let hanging = || {
            let children = fs::read_dir("/proc/self/task").expect("threads").flatten();
            let mut children =
                children.map(|task| fs::read_to_string(task.path().join("children")));
            children.any(|pids| {
                let pids = pids.unwrap_or_default();
                let mut pids = pids.split_whitespace();
                pids.any(|pid| in_the_kernel(pid, "break_lease"))
            })
        };
        while !hanging() {
            assert!(
                !starts.is_finished() && Instant::now() < until,
                "it does not hang"
            );
            thread::sleep(Duration::from_millis(1));
        }
        let pid = attempt.give_up().expect("there is a process");
        let began = Instant::now();
        let started = starts.join().expect("no panic");
        assert!(began.elapsed() < PATIENCE);
        assert!(
            matches!(
                started,
                Err(LaunchError::Os {
                    step: Step::GivenUp,
                    ..
                })
            ),
            "{started:?}"
        );
        // Nothing of it is left, not even a zombie.
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    });
}
