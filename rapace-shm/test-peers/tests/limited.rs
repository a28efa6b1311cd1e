//! Processes that lack a system call, or descriptors.
//!
//! A seccomp filter holds for the thread that installs it, and for what that thread starts: each case has a thread of
//! its own.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use rapace_shm::{ControlSocket, Link, Listener, PeerGone, SegmentConfig, SizeClass, Trust};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

const SOON: Duration = Duration::from_secs(20);

/// A system call that a thread cannot make: all uses of it, or those with these bits in an argument.
struct Lack {
    call: libc::c_long,
    uses: Option<(u8, u64)>,
    answer: Errno,
}

const fn lack(call: libc::c_long, answer: Errno) -> Lack {
    Lack {
        call,
        uses: None,
        answer,
    }
}

const fn lack_bits(call: libc::c_long, argument: u8, bits: u64, answer: Errno) -> Lack {
    Lack {
        call,
        uses: Some((argument, bits)),
        answer,
    }
}

impl Lack {
    fn install(&self) {
        let rules = match self.uses {
            None => vec![],
            Some((argument, bits)) => {
                let with = SeccompCmpOp::MaskedEq(bits);
                let condition =
                    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, with, bits).unwrap();
                vec![SeccompRule::new(vec![condition]).unwrap()]
            }
        };
        let filter = SeccompFilter::new(
            BTreeMap::from([(self.call, rules)]),
            SeccompAction::Allow,
            SeccompAction::Errno(self.answer as u32),
            std::env::consts::ARCH.try_into().unwrap(),
        );
        let program: BpfProgram = filter.unwrap().try_into().unwrap();
        seccompiler::apply_filter(&program).unwrap();
    }
}

/// Runs `work` in a thread that lacks these calls, inside a runtime that existed before.
fn without<T: Send>(lacks: &[Lack], work: impl AsyncFnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            lacks.iter().for_each(Lack::install);
            runtime.block_on(work())
        });
        thread.join().unwrap()
    })
}

fn small(trust: Trust) -> SegmentConfig {
    let class = SizeClass {
        slot_size: 4096,
        slots: 8,
    };
    SegmentConfig::default()
        .with_classes([class])
        .with_trust(trust)
}

/// Returns the error text of something that needs a call, tried without it.
fn said(lack: Lack, work: impl AsyncFnOnce() -> Option<String> + Send) -> String {
    let said = without(&[lack], work);
    said.expect("it was done without what it needs")
}

fn segment(trust: Trust) -> Option<String> {
    Link::pair(&small(trust))
        .err()
        .map(|error| error.to_string())
}

#[test]
fn a_missing_call_is_named_with_its_kernel_and_the_remedy() {
    let trusted = async || segment(Trust::Trusted);
    let untrusted = async || segment(Trust::Untrusted);
    let sockets = async || ControlSocket::pair().err().map(|error| error.to_string());
    let listener = async || {
        let directory = tempfile::tempdir().unwrap();
        let listener = Listener::bind(directory.path().join("socket"));
        listener.err().map(|error| error.to_string())
    };
    let accepting = async || {
        let directory = tempfile::tempdir().unwrap();
        let listener = Listener::bind(directory.path().join("socket")).unwrap();
        let _waiting = Listener::connect(listener.path()).await.unwrap();
        listener.accept().await.err().map(|error| error.to_string())
    };
    let talk = async || {
        let (ours, _theirs) = ControlSocket::pair().unwrap();
        ours.join().await.err().map(|error| error.to_string())
    };
    const DONT_FORK: u64 = libc::MADV_DONTFORK as u64;
    const DONT_DUMP: u64 = libc::MADV_DONTDUMP as u64;
    const PASSCRED: u64 = libc::SO_PASSCRED as u64;
    const FUTURE_WRITE: u64 = libc::F_SEAL_FUTURE_WRITE as u64;
    let none = Errno::ENOSYS;
    for (call, since, said) in [
        (
            "memfd_create",
            "3.17",
            said(lack(libc::SYS_memfd_create, none), trusted),
        ),
        (
            "memfd_create",
            "3.17",
            said(lack(libc::SYS_memfd_create, Errno::EPERM), trusted),
        ),
        (
            "F_SEAL_FUTURE_WRITE",
            "5.1",
            said(
                lack_bits(libc::SYS_fcntl, 2, FUTURE_WRITE, Errno::EINVAL),
                trusted,
            ),
        ),
        (
            "MADV_DONTFORK",
            "2.6.16",
            said(
                lack_bits(libc::SYS_madvise, 2, DONT_FORK, Errno::EINVAL),
                trusted,
            ),
        ),
        (
            "MADV_DONTDUMP",
            "3.4",
            said(
                lack_bits(libc::SYS_madvise, 2, DONT_DUMP, Errno::EINVAL),
                trusted,
            ),
        ),
        (
            "ftruncate",
            "2.2",
            said(lack(libc::SYS_ftruncate, none), trusted),
        ),
        (
            "SO_PASSCRED",
            "2.2",
            said(
                lack_bits(libc::SYS_setsockopt, 2, PASSCRED, Errno::EPERM),
                sockets,
            ),
        ),
        (
            "sendmsg",
            "2.2",
            said(lack(libc::SYS_sendmsg, Errno::EPERM), talk),
        ),
        (
            "recvmsg",
            "2.2",
            said(lack(libc::SYS_recvmsg, Errno::EPERM), talk),
        ),
        (
            "eventfd2",
            "2.6.27",
            said(lack(libc::SYS_eventfd2, none), trusted),
        ),
        (
            "pipe2",
            "2.6.27",
            said(lack(libc::SYS_pipe2, none), untrusted),
        ),
        (
            "socketpair",
            "2.6.27",
            said(lack(libc::SYS_socketpair, none), sockets),
        ),
        (
            "socket ",
            "2.6.27",
            said(lack(libc::SYS_socket, none), listener),
        ),
        (
            "accept4",
            "2.6.28",
            said(lack(libc::SYS_accept4, none), accepting),
        ),
    ] {
        for part in [call, since, "upgrade", "seccomp"] {
            assert!(said.contains(part), "{part:?} is missing in {said:?}");
        }
    }
}

/// As on a kernel of the oldest supported version.
#[test]
fn every_optional_call_has_a_fallback() {
    const NOEXEC_SEAL: u64 = 8;
    const PASS_PIDFD: u64 = 76;
    /// The bits that MADV_POPULATE_READ and MADV_POPULATE_WRITE share, and no other advice that is used here.
    const POPULATE: u64 = 22;
    let old = [
        lack_bits(libc::SYS_memfd_create, 1, NOEXEC_SEAL, Errno::EINVAL),
        lack_bits(libc::SYS_setsockopt, 2, PASS_PIDFD, Errno::ENOPROTOOPT),
        lack(libc::SYS_pwritev2, Errno::ENOSYS),
        lack_bits(libc::SYS_madvise, 2, POPULATE, Errno::EINVAL),
    ];
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let result = without(&old, async || dies(trust, true).await);
        assert_eq!(result, PeerGone::Exited, "looked up by its id");
    }
    let none = [
        lack_bits(libc::SYS_setsockopt, 2, PASS_PIDFD, Errno::ENOPROTOOPT),
        lack(libc::SYS_pidfd_open, Errno::ENOSYS),
    ];
    let result = without(&none, async || dies(Trust::Trusted, false).await);
    assert_eq!(result, PeerGone::HungUp);
}

/// Hosts a process that dies, while its end of the control socket may be open elsewhere.
async fn dies(trust: Trust, leaks: bool) -> PeerGone {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let leaked = leaks.then(|| theirs.try_clone().unwrap());
    let mut peer = peer("hoards", theirs.into());
    let linked = async {
        let link = ours.host(&small(trust)).await.unwrap();
        let (_out, _inbound, mut watch) = link.split();
        peer.kill().unwrap();
        watch.gone().await
    };
    let result = tokio::time::timeout(SOON, linked).await.unwrap();
    drop(leaked);
    let _ = peer.wait();
    result
}

fn peer(how: &str, stdin: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shm-test-peer"));
    let command = command.arg(how).stdin(stdin).stdout(Stdio::piped());
    command.spawn().unwrap()
}

fn output_until_exit(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// For any number of descriptors that this process may still have.
#[tokio::test]
async fn a_lack_of_descriptors_is_transient_and_no_fault_of_the_peers() {
    for side in ["joins", "offers"] {
        let mut outcomes = Vec::new();
        for spare in 0..24 {
            let (ours, theirs) = ControlSocket::pair().unwrap();
            let child = peer(&format!("{side}-with-{spare}-descriptors"), theirs.into());
            // The other side has enough of them; its outcome does not matter here.
            let other = async {
                match side {
                    "joins" => ours.host(&small(Trust::Untrusted)).await,
                    _ => ours.join().await,
                }
            };
            let waiting = tokio::task::spawn_blocking(move || output_until_exit(child));
            let (_link, said) = tokio::join!(other, waiting);
            outcomes.push(said.unwrap());
        }
        for (spare, outcome) in outcomes.iter().enumerate() {
            let known = ["transient\n", "established\n"].contains(&outcome.as_str());
            assert!(known, "{side} with {spare}: {outcome}");
        }
        let first = outcomes.first().map(String::as_str);
        let last = outcomes.last().map(String::as_str);
        assert_eq!(
            (first, last),
            (Some("transient\n"), Some("established\n")),
            "{side}"
        );
    }
}

#[test]
fn a_lack_of_address_space_names_the_limit_and_the_remedy() {
    let child = peer("has-little-address-space", Stdio::null());
    let said = output_until_exit(child);
    for part in ["transient", "RLIMIT_AS", "ulimit -v", "SegmentConfig"] {
        assert!(said.contains(part), "{part:?} is missing in {said:?}");
    }
}

#[test]
fn a_pending_connection_is_accepted_when_there_are_descriptors_again() {
    let child = peer("accepts-without-descriptors", Stdio::null());
    assert_eq!(output_until_exit(child), "transient\naccepted\n");
}

#[test]
fn a_runtime_that_lacks_something_is_an_error_and_no_panic() {
    let no_io = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    no_io.block_on(async {
        let config = small(Trust::Trusted);
        let error = Link::pair(&config).unwrap_err();
        assert!(error.to_string().contains("enable_io"), "{error}");
        let (ours, _theirs) = ControlSocket::pair().unwrap();
        let error = ours.offer(&config).unwrap_err();
        assert!(error.to_string().contains("enable_io"), "{error}");
        let (ours, _theirs) = ControlSocket::pair().unwrap();
        let error = ours.join().await.unwrap_err();
        assert!(error.to_string().contains("enable_io"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let error = Listener::bind(&path).unwrap_err();
        assert!(error.to_string().contains("enable_io"), "{error}");
        assert!(!path.exists(), "a path was left behind");
    });
    let error = Link::pair(&small(Trust::Trusted)).unwrap_err();
    assert!(error.to_string().contains("no tokio runtime"), "{error}");
}
