//! Two real processes: connecting, exchanging frames, and one of them dying at a named step.

use std::fs;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::libc::{POLLIN, POLLRDHUP};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rapace_shm::{
    AllocateError, Closed, ControlSocket, EstablishError, Header, Lane, Link, Listener,
    ListenerError, Payload, PeerGone, RecvError, SegmentConfig, SizeClass, Trust,
};

const SOON: Duration = Duration::from_secs(20);

/// A peer process, killed when the test is done with it.
struct Peer(Child);

impl Peer {
    fn start(how: &str) -> (Self, ControlSocket) {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        (Self(command(how).stdin(theirs).spawn().unwrap()), ours)
    }

    async fn hosted(how: &str, config: &SegmentConfig) -> (Self, Link) {
        let (peer, socket) = Self::start(how);
        (peer, soon(socket.host(config)).await.unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A process that is not our child.
struct Stray(Pid);

impl Drop for Stray {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

/// Returns the open descriptors of a process, except for files that its loader opens and closes.
fn descriptors(process: Pid) -> Vec<PathBuf> {
    fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.unwrap().path()).ok())
        .filter(|target| target.to_string_lossy().contains(':'))
        .collect()
}

fn command(how: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shm-test-peer"));
    command.arg(how);
    command
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("nothing happened for too long")
}

fn header(call: u32) -> Header {
    Header {
        call,
        ..Header::default()
    }
}

#[tokio::test]
async fn an_echo_of_every_size_comes_back() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let config = SegmentConfig::default().with_trust(trust);
        let (peer, link) = Peer::hosted("echoes", &config).await;
        assert_eq!(link.peer().unwrap().pid, peer.0.id() as i32);
        assert_eq!(link.config(), &config);
        let (out, mut inbound, _watch) = link.split();
        let mut batch = Vec::new();
        for round in 0..300_u32 {
            let len = [0, 1, 24, 25, 1000, 70_000, 3 << 20][round as usize % 7];
            let payload: Vec<u8> = (0..len).map(|nth| (nth + round) as u8).collect();
            if payload.len() <= 24 {
                out.try_publish(&header(round), Payload::Inline(&payload), &[], Lane::Data)
                    .unwrap();
            } else {
                let mut slot = out.try_allocate(payload.len(), Lane::Data).unwrap();
                slot.copy_from_slice(&payload);
                out.try_publish(
                    &header(round),
                    Payload::Slot(&slot.freeze()),
                    &[],
                    Lane::Data,
                )
                .unwrap();
            }
            soon(inbound.recv(&mut batch, 1)).await.unwrap();
            let echo = batch.pop().unwrap();
            assert_eq!(echo.header.call, round);
            assert!(echo.payload.as_ref() == payload);
        }
    }
}

#[tokio::test]
async fn a_child_that_was_sent_an_offer_before_it_ran_finds_the_segment() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let config = SegmentConfig::default().with_trust(trust);
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let pending = ours.offer(&config).unwrap();
        let peer = Peer(command("echoes").stdin(theirs).spawn().unwrap());
        let link = soon(pending.finish()).await.unwrap();
        assert_eq!(link.peer().unwrap().pid, peer.0.id() as i32);
        let (out, mut inbound, _watch) = link.split();
        // It may not have mapped anything yet.
        out.try_publish(&header(7), Payload::Inline(b"well?"), &[], Lane::Data)
            .unwrap();
        let mut batch = Vec::new();
        soon(inbound.recv(&mut batch, 1)).await.unwrap();
        assert_eq!(batch[0].header.call, 7);
        assert_eq!(batch[0].payload.as_ref(), b"well?");
    }
}

#[tokio::test]
async fn a_child_that_was_sent_an_offer_and_dies_before_it_speaks_has_hung_up() {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let pending = ours.offer(&SegmentConfig::default()).unwrap();
    let _peer = Peer(command("dies-before-hello").stdin(theirs).spawn().unwrap());
    let finished = soon(pending.finish()).await;
    assert!(matches!(finished, Err(EstablishError::HungUp)));
}

#[tokio::test]
async fn a_peer_that_dies_before_it_speaks_has_hung_up() {
    let (_peer, socket) = Peer::start("dies-before-hello");
    let hosted = soon(socket.host(&SegmentConfig::default())).await;
    assert!(matches!(hosted, Err(EstablishError::HungUp)));
}

#[tokio::test]
async fn frames_are_received_and_start_markers_read_after_death() {
    let config = SegmentConfig::default();
    let (_peer, link) = Peer::hosted("speaks-and-dies", &config).await;
    let (out, mut inbound, mut watch) = link.split();
    soon(watch.gone()).await;
    let mut batch = Vec::new();
    assert_eq!(soon(inbound.recv(&mut batch, 64)).await, Ok(3));
    for (nth, frame) in batch.iter().enumerate() {
        assert_eq!(frame.header.call, nth as u32);
        assert!(frame.payload.as_ref().iter().all(|byte| *byte == nth as u8));
        assert_eq!(frame.payload.as_ref().len(), 100_000);
        assert_eq!(out.started_generation(nth as u32), Some(nth as u32 + 100));
    }
    assert_eq!(out.started_generation(3), Some(0));
    let end = soon(inbound.recv(&mut Vec::new(), 64)).await;
    assert!(matches!(end, Err(RecvError::PeerGone(_))));
    drop((out, inbound, watch));
    // A payload outlives its link.
    assert!(batch[2].payload.as_ref().iter().all(|byte| *byte == 2));
}

#[tokio::test]
async fn an_idle_host_notices_a_death() {
    let (mut peer, link) = Peer::hosted("hoards", &SegmentConfig::default()).await;
    let (_out, mut inbound, mut watch) = link.split();
    let receiving = tokio::spawn(async move { inbound.recv(&mut Vec::new(), 64).await });
    let watching = tokio::spawn(async move { watch.gone().await });
    tokio::task::yield_now().await;
    assert!(!receiving.is_finished() && !watching.is_finished());
    peer.kill();
    let result = soon(receiving).await.unwrap();
    assert!(matches!(result, Err(RecvError::PeerGone(_))));
    soon(watching).await.unwrap();
}

#[tokio::test]
async fn a_death_is_detected_although_another_process_holds_the_socket() {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let leaked = theirs.try_clone().unwrap();
    let mut peer = Peer(command("hoards").stdin(theirs).spawn().unwrap());
    let link = soon(ours.host(&SegmentConfig::default())).await.unwrap();
    let (_out, mut inbound, mut watch) = link.split();
    peer.kill();
    assert_eq!(soon(watch.gone()).await, PeerGone::Exited);
    let result = soon(inbound.recv(&mut Vec::new(), 64)).await;
    assert_eq!(result, Err(RecvError::PeerGone(PeerGone::Exited)));
    drop(leaked);
}

#[tokio::test]
async fn everything_published_under_load_is_drained_after_the_kill() {
    for round in 0..25_u32 {
        let (mut peer, link) = Peer::hosted("streams", &SegmentConfig::default()).await;
        let (out, mut inbound, mut watch) = link.split();
        let mut batch = Vec::new();
        let mut last = 0;
        let mut check = |batch: &mut Vec<rapace_shm::Received>| {
            for frame in batch.drain(..) {
                last += 1;
                assert_eq!(frame.header.call, last);
                let (words, rest) = frame.payload.as_ref().as_chunks::<4>();
                assert!(rest.is_empty() && words.len() == 250);
                assert!(words.iter().all(|word| *word == last.to_le_bytes()));
            }
            last
        };
        while check(&mut batch) < 1 + round * 200 {
            soon(inbound.recv(&mut batch, 32)).await.unwrap();
        }
        peer.kill();
        soon(watch.gone()).await;
        while inbound.try_recv(&mut batch, 32).unwrap() > 0 {
            check(&mut batch);
        }
        let end = soon(inbound.recv(&mut batch, 32)).await;
        assert!(matches!(end, Err(RecvError::PeerGone(_))));
        let marked = out.started_generation(0).unwrap();
        assert!(last == marked || last == marked + 1, "{last} of {marked}");
    }
}

#[tokio::test]
async fn waiting_senders_end_and_slots_stay_readable_when_the_peer_dies() {
    let config = SegmentConfig::default().with_classes([SizeClass {
        slot_size: 4096,
        slots: 4,
    }]);
    let (mut peer, link) = Peer::hosted("hoards", &config).await;
    let (out, mut inbound, _watch) = link.split();
    let mut sent = Vec::new();
    while let Ok(mut slot) = out.try_allocate(4096, Lane::Data) {
        slot.fill(sent.len() as u8);
        let slot = slot.freeze();
        out.try_publish(&header(0), Payload::Slot(&slot), &[], Lane::Data)
            .unwrap();
        sent.push(slot);
    }
    let waiting = [(); 3].map(|()| {
        let out = out.clone();
        tokio::spawn(async move { out.allocate(1, Lane::Data).await.err() })
    });
    tokio::task::yield_now().await;
    peer.kill();
    let result = soon(inbound.recv(&mut Vec::new(), 64)).await;
    assert!(matches!(result, Err(RecvError::PeerGone(_))));
    for waiter in waiting {
        let ended = soon(waiter).await.unwrap();
        assert!(matches!(
            ended,
            Some(AllocateError::Closed(Closed::PeerGone(_)))
        ));
    }
    for (nth, slot) in sent.iter().enumerate() {
        assert!(!slot.is_in_flight());
        assert!(slot.iter().all(|byte| *byte == nth as u8));
    }
}

#[tokio::test]
async fn a_grandchild_inherits_nothing_and_hides_no_death() {
    let (mut peer, link) = Peer::hosted("has-a-child", &SegmentConfig::default()).await;
    let (_out, mut inbound, _watch) = link.split();
    let mut batch = Vec::new();
    soon(inbound.recv(&mut batch, 1)).await.unwrap();
    let grandchild = Stray(Pid::from_raw(batch[0].header.call as i32));
    // The program that runs the tests may pass on inheritable descriptors that are none of ours.
    let mut other = Command::new("sleep");
    let other = other.arg("1000").stdin(Stdio::null()).stdout(Stdio::null());
    let other = Peer(other.stderr(Stdio::null()).spawn().unwrap());
    let other = descriptors(Pid::from_raw(other.0.id() as i32));
    let inherited: Vec<_> = descriptors(grandchild.0)
        .into_iter()
        .filter(|descriptor| !other.contains(descriptor))
        .collect();
    assert_eq!(inherited, Vec::<PathBuf>::new());
    peer.kill();
    let result = soon(inbound.recv(&mut batch, 1)).await;
    assert!(matches!(result, Err(RecvError::PeerGone(_))));
}

#[tokio::test]
async fn a_watchdog_thread_detects_the_hosts_end_whatever_the_executor_does() {
    let (mut peer, link) = Peer::hosted("watches-its-host", &SegmentConfig::default()).await;
    let (out, mut inbound, watch) = link.split();
    let mut batch = Vec::new();
    soon(inbound.recv(&mut batch, 1)).await.unwrap();
    drop((out, inbound, watch));
    let waiting = tokio::task::spawn_blocking(move || peer.0.wait().unwrap().code());
    assert_eq!(soon(waiting).await.unwrap(), Some(7));
}

/// Also on the host's side, where the child's last message stays unread.
#[tokio::test]
async fn a_watchdog_detects_the_end_of_a_child_that_was_sent_an_offer_and_nothing_before() {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let pending = ours.offer(&SegmentConfig::default()).unwrap();
    let mut peer = Peer(command("echoes").stdin(theirs).spawn().unwrap());
    let link = soon(pending.finish()).await.unwrap();
    let watched = link.dup_for_watchdog().unwrap();
    let ask = |events: i16, limit: PollTimeout| {
        let mut polled = [PollFd::new(
            watched.as_fd(),
            PollFlags::from_bits_retain(events),
        )];
        poll(&mut polled, limit).unwrap() == 1
    };
    let (out, mut inbound, _watch) = link.split();
    out.try_publish(&header(1), Payload::Inline(b"there?"), &[], Lane::Data)
        .unwrap();
    soon(inbound.recv(&mut Vec::new(), 1)).await.unwrap();
    assert!(ask(POLLIN, PollTimeout::ZERO), "it said that it has joined");
    assert!(!ask(POLLRDHUP, PollTimeout::ZERO), "it has not gone");
    peer.kill();
    assert!(ask(POLLRDHUP, PollTimeout::from(20_000_u16)), "it has gone");
}

#[tokio::test]
async fn a_peer_hears_the_host_go_and_leaves() {
    for trust in [Trust::Trusted, Trust::Untrusted] {
        let config = SegmentConfig::default().with_trust(trust);
        let (mut peer, link) = Peer::hosted("echoes", &config).await;
        // Everything except the watch is dropped, in this order: the doorbell goes last.
        let (out, inbound, _watch) = link.split();
        drop(inbound);
        drop(out);
        let waiting = tokio::task::spawn_blocking(move || peer.0.wait().unwrap().code());
        assert_eq!(soon(waiting).await.unwrap(), Some(2));
    }
}

#[tokio::test]
async fn unrelated_processes_connect_at_a_path() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let nothing = Listener::connect(&path).await;
    assert!(matches!(nothing, Err(ListenerError::NoSuchPath { .. })));

    let listener = Listener::bind(&path).unwrap();
    let twice = Listener::bind(&path);
    assert!(matches!(twice, Err(ListenerError::InUse { .. })));
    let mut command = command("echoes");
    let _peer = Peer(command.arg(&path).stdin(Stdio::null()).spawn().unwrap());
    // One connection came from the failed attempt to bind twice, which checks whether a process listens.
    let link = loop {
        let socket = soon(listener.accept()).await.unwrap();
        match soon(socket.host(&SegmentConfig::default())).await {
            Ok(link) => break link,
            Err(EstablishError::HungUp) => {}
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(link.peer().unwrap().uid, nix::unistd::getuid().as_raw());
    let (out, mut inbound, _watch) = link.split();
    out.try_publish(&header(5), Payload::Inline(b"hi"), &[], Lane::Data)
        .unwrap();
    let mut batch = Vec::new();
    soon(inbound.recv(&mut batch, 1)).await.unwrap();
    assert_eq!(batch[0].payload.as_ref(), b"hi");
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_path_that_a_dead_host_left_is_taken_over_and_others_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    // A listener that is never dropped, like that of a killed host, whose socket is closed.
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    drop(listener);
    let nobody = Listener::connect(&path).await;
    assert!(matches!(nobody, Err(ListenerError::NobodyListening { .. })));
    let listener = Listener::bind(&path).unwrap();
    // The path was replaced: what lies there now is not ours to remove.
    fs::remove_file(&path).unwrap();
    fs::write(&path, "something else").unwrap();
    drop(listener);
    assert!(path.exists());
    let file = Listener::bind(&path);
    assert!(matches!(file, Err(ListenerError::NotASocket { .. })));
    let long = directory.path().join("x".repeat(200));
    let long = Listener::bind(long);
    assert!(matches!(long, Err(ListenerError::PathTooLong { .. })));
}

#[test]
fn a_peer_started_by_hand_reports_what_its_stdin_is() {
    let file = fs::File::open("/proc/self/exe").unwrap();
    for (stdin, found) in [
        (Stdio::null(), "a device"),
        (Stdio::piped(), "a pipe"),
        (Stdio::from(file), "a file"),
    ] {
        let output = command("echoes")
            .stdin(stdin)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains(&format!(
                "standard input is {found}, not the control socket"
            )),
            "{said}"
        );
    }
}
