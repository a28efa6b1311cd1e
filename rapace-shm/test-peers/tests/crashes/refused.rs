//! The one step that the conversation does not take: a host refuses a peer of another version.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, setsockopt, socket,
    socketpair,
};
use nix::sys::time::TimeVal;

use crate::journal::Journal;
use crate::process::Victim;

/// Returns a hello as a peer of the next version would send it: the version is at bytes 8 to 11.
pub(crate) fn hello_of_another_version(directory: &Path) -> Vec<u8> {
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC,
    )
    .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shm-crash-victim"));
    command.args(["plugin", "trusted", "-"]);
    command.arg(directory.join("journal of the version peer"));
    let _peer = Victim::start(command.stdin(theirs));
    let mut hello = receive(&ours);
    hello[8] += 1;
    hello
}

/// Connects to a host as an unknown peer. The host is to die where it refuses. Returns its answer.
pub(crate) fn refused(directory: &Path, hello: &[u8], when: &str) -> (Vec<u8>, Journal) {
    let path = directory.join("socket");
    let journal_path = directory.join(format!("journal of the victim {when}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_shm-crash-victim"));
    // An untrusted peer's host reads the hello before it sends anything.
    command
        .args(["host", "untrusted"])
        .arg(&path)
        .arg(&journal_path);
    command.args(["Refused", when, "1"]).stdout(Stdio::piped());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let victim = Victim::start(command.stdin(Stdio::null()));
        let (victim, listening) = victim.wait_until_it_speaks().await;
        assert!(listening);
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).unwrap();
        connect(socket.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        send(socket.as_raw_fd(), hello, MsgFlags::MSG_NOSIGNAL).unwrap();
        let answer = receive(&socket);
        victim.end().await;
        (answer, Journal::read(&journal_path))
    })
}

/// Receives one message; empty once the other end is closed.
fn receive(socket: &OwnedFd) -> Vec<u8> {
    setsockopt(socket, ReceiveTimeout, &TimeVal::new(10, 0)).unwrap();
    let mut message = vec![0; 256];
    let len = recv(socket.as_raw_fd(), &mut message, MsgFlags::empty()).unwrap();
    message.truncate(len);
    message
}
