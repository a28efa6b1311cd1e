//! The echo pair, run as a user runs it: two executables, a path, and signals.

mod program;

use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv,
    send, socket,
};
use program::Program;

/// A server at a temporary path.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("echo")
    }

    fn server(&self) -> Program {
        let mut server = Program::start("echo_server", &[self.path().as_os_str()]);
        server.says("listening at ");
        server
    }

    fn client(&self, flags: &[&str]) -> Program {
        client(&self.path(), flags)
    }
}

fn client(path: &Path, flags: &[&str]) -> Program {
    let mut arguments = vec![path.as_os_str()];
    arguments.extend(flags.iter().map(OsStr::new));
    Program::start("echo_client", &arguments)
}

/// The lines of one table of slots, as numbers: total, free, writing, held, in flight.
fn slots(printed: &str, moment: &str) -> Vec<[u32; 5]> {
    let title = format!("slots {moment}");
    let table = printed.lines().skip_while(|line| *line != title).skip(2);
    let rows = table.map_while(|line| {
        let (_, numbers) = line.strip_prefix("  ")?.split_once("iB")?;
        let numbers = numbers.split_whitespace().map(|n| n.parse().ok());
        numbers.collect::<Option<Vec<u32>>>()?.try_into().ok()
    });
    rows.collect()
}

/// Asserts that the output has everything that a complete run prints.
fn assert_complete(printed: &str) {
    for size in [
        "16 B",
        "23 B",
        "24 B",
        "25 B",
        "1 KiB",
        "65528 B",
        "16 MiB",
        "67108856 B",
    ] {
        let row = printed
            .lines()
            .find(|line| line.starts_with(&format!("  {size} ")));
        let row = row.unwrap_or_else(|| panic!("no row for {size}:\n{printed}"));
        assert_eq!(
            row.matches('(').count(),
            2,
            "both ways were measured: {row}"
        );
    }
    // The longest payload is a slot's length: a buffer fits exactly, bytes with their length do not.
    assert!(
        printed.contains("exceeds the limit of 67108864"),
        "{printed}"
    );
    let moments = [
        ("before", [0, 0, 0]),
        ("while one of each class is written", [1, 0, 0]),
        ("when they are written and not sent", [0, 1, 0]),
        ("while the other side keeps them", [0, 0, 1]),
        ("after they were given back", [0, 0, 0]),
    ];
    for (moment, expected) in moments {
        let rows = slots(printed, moment);
        assert_eq!(rows.len(), 9, "{moment}:\n{printed}");
        for [total, free, states @ ..] in rows {
            assert_eq!(states, expected, "{moment}");
            assert_eq!(total, free + expected.iter().sum::<u32>(), "{moment}");
        }
    }
    assert!(
        printed.contains("heartbeat: the peer's executor runs"),
        "{printed}"
    );
}

#[test]
fn both_peers_can_live_in_one_process() {
    let (code, printed) = Program::start("echo_client", &[]).ends();
    assert_eq!(code, Some(0), "{printed}");
    assert_complete(&printed);
    assert!(printed.contains("the peer closed the session: the client is done"));
}

#[test]
fn two_processes_meet_talk_and_part() {
    let place = Place::new();
    let mut server = place.server();
    let (code, printed) = place.client(&["--once"]).ends();
    assert_eq!(code, Some(0), "{printed}");
    assert_complete(&printed);
    assert!(
        printed.contains(&format!("connected to process {}", server.pid())),
        "{printed}"
    );
    server.says("client 1: connected to echo_client, process ");
    server.says("client 1: the peer closed the session: the client is done");
    server.says("client 1: 0 of our slots were with it");
    server.signal(Signal::SIGTERM);
    let (code, printed) = server.ends();
    assert_eq!(code, Some(0), "{printed}");
    assert!(!place.path().exists(), "the path is removed");
}

#[test]
fn a_client_learns_of_its_servers_death_at_once() {
    let place = Place::new();
    let mut server = place.server();
    let mut client = place.client(&[]);
    client.says("staying");
    server.says("a call has begun that is never answered");
    let killed = Instant::now();
    server.signal(Signal::SIGKILL);
    let (code, printed) = client.ends();
    assert!(
        killed.elapsed() < Duration::from_secs(10),
        "no timeout is what told it"
    );
    assert_eq!(code, Some(70), "{printed}");
    for line in [
        "the server is gone",
        "all copies of its end of the control socket are closed",
        "the peer is gone; the call had begun",
        "the peer is gone; the call had not begun",
        "died; start it again and reconnect",
    ] {
        assert!(printed.contains(line), "no \"{line}\" in\n{printed}");
    }
    // A dead server's socket stays at the path until another one listens there.
    let (code, printed) = place.client(&[]).ends();
    assert_eq!(code, Some(69), "{printed}");
    assert!(printed.contains("no process listens at "), "{printed}");
    let _again = place.server();
    let (code, printed) = place.client(&["--once"]).ends();
    assert_eq!(code, Some(0), "{printed}");
}

#[test]
fn a_server_survives_its_clients_deaths() {
    let place = Place::new();
    let mut server = place.server();
    for n in 1..=2 {
        let mut client = place.client(&[]);
        client.says("staying");
        server.says(&format!(
            "client {n}: a call has begun that is never answered"
        ));
        client.signal(Signal::SIGKILL);
        server.says_all(&[
            &format!("client {n}: the handler of its running call was dropped"),
            &format!("client {n}: the peer is gone"),
        ]);
        assert_eq!(client.ends().0, None);
    }
    let (code, printed) = place.client(&["--once"]).ends();
    assert_eq!(code, Some(0), "{printed}");
}

#[test]
fn a_stopped_server_is_told_from_a_dead_one() {
    let place = Place::new();
    let server = place.server();
    let mut client = place.client(&[]);
    client.says("staying");
    server.signal(Signal::SIGSTOP);
    client.says("no heartbeat for ");
    server.signal(Signal::SIGCONT);
    client.says("heartbeat: the peer's executor runs");
    client.signal(Signal::SIGINT);
    let (code, printed) = client.ends();
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.ends_with("left"), "{printed}");
}

#[test]
fn a_server_that_stops_says_so() {
    let place = Place::new();
    let mut server = place.server();
    let mut client = place.client(&[]);
    client.says("staying");
    server.says("a call has begun that is never answered");
    server.signal(Signal::SIGINT);
    let (code, printed) = client.ends();
    assert_eq!(code, Some(0), "{printed}");
    assert!(
        printed.contains("the peer closed the session: the server is stopping"),
        "{printed}"
    );
    assert_eq!(server.ends().0, Some(0));
}

#[test]
fn a_wrong_call_is_answered_with_the_right_one() {
    for arguments in [&["--once"][..], &["a", "b"], &["a", "--twice"]] {
        let arguments = arguments.iter().map(OsStr::new).collect::<Vec<_>>();
        let (code, printed) = Program::start("echo_client", &arguments).ends();
        assert_eq!(code, Some(64), "{printed}");
        assert!(
            printed.contains("usage: echo_client [<address> [--once]]"),
            "{printed}"
        );
    }
}

#[test]
fn an_address_where_nothing_is_is_named() {
    let place = Place::new();
    let (code, printed) = place.client(&[]).ends();
    assert_eq!(code, Some(69), "{printed}");
    assert!(printed.contains("there is nothing at "), "{printed}");
    assert!(printed.contains("was the host started"), "{printed}");
}

#[test]
fn a_second_server_at_one_path_is_refused() {
    let place = Place::new();
    let _first = place.server();
    let path = place.path();
    let (code, printed) = Program::start("echo_server", &[path.as_os_str()]).ends();
    assert_eq!(code, Some(69), "{printed}");
    assert!(
        printed.contains("already: is the host running twice?"),
        "{printed}"
    );
}

#[test]
fn a_listener_of_another_kind_is_no_peer() {
    let place = Place::new();
    let _listener = std::os::unix::net::UnixListener::bind(place.path()).expect("a listener");
    let (code, printed) = place.client(&[]).ends();
    assert_eq!(code, Some(69), "{printed}");
    assert!(
        printed.contains("is not a socket of this kind"),
        "{printed}"
    );
}

#[test]
fn a_listener_that_speaks_something_else_is_no_peer() {
    let place = Place::new();
    let (code, printed) = answered_with(&place, Some(b"220 mail.example.org ESMTP\r\n"));
    assert_eq!(code, Some(69), "{printed}");
    let shown = "does not speak rapace: it sent \"220 mail.example.org ESMTP\\r\\n\"";
    assert!(printed.contains(shown), "{printed}");
}

#[test]
fn another_version_is_named() {
    let place = Place::new();
    let ours = rapace_shm::LAYOUT_VERSION;
    let mut refused = b"rapace\0\n".to_vec();
    refused.extend_from_slice(&(ours + 1).to_le_bytes());
    refused.extend_from_slice(&4_u32.to_le_bytes());
    let (code, printed) = answered_with(&place, Some(&refused));
    assert_eq!(code, Some(69), "{printed}");
    let text = format!(
        "the peer uses layout version {} and this side {ours}",
        ours + 1
    );
    assert!(printed.contains(&text), "{printed}");
    assert!(
        printed.contains("build both against the same release"),
        "{printed}"
    );
}

#[test]
fn a_listener_that_says_nothing_is_not_waited_for() {
    let place = Place::new();
    let (code, printed) = answered_with(&place, None);
    assert_eq!(code, Some(69), "{printed}");
    assert!(
        printed.contains("did not set up shared memory within 5 s"),
        "{printed}"
    );
}

/// Returns how a client ends whose listener answers its hello with `answer`.
fn answered_with(place: &Place, answer: Option<&[u8]>) -> (Option<i32>, String) {
    let listener: OwnedFd = socket(
        AddressFamily::Unix,
        SockType::SeqPacket,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .expect("a socket");
    let address = UnixAddr::new(&place.path()).expect("a short path");
    bind(listener.as_raw_fd(), &address).expect("a free path");
    listen(&listener, Backlog::new(1).expect("one")).expect("a listener");
    let client = place.client(&[]);
    let accepted = accept(listener.as_raw_fd()).expect("the client comes");
    let mut hello = [0; 256];
    let read = recv(accepted, &mut hello, MsgFlags::empty()).expect("it says hello");
    assert!(
        hello[..read].starts_with(b"rapace\0\n"),
        "the client speaks first"
    );
    if let Some(answer) = answer {
        send(accepted, answer, MsgFlags::empty()).expect("it listens");
    }
    let ended = client.ends();
    nix::unistd::close(accepted).expect("it was open");
    ended
}
