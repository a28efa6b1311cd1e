//! Signals that a system call of this crate would raise, in processes with their default actions.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use rapace_shm::{ControlSocket, SegmentConfig, Trust};

const SOON: Duration = Duration::from_secs(20);

fn peer(how: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shm-test-peer"));
    command.arg(how);
    command
}

#[test]
fn a_host_whose_files_are_limited_gets_an_error_and_no_signal() {
    let ran = peer("is-limited-to-small-files")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{:?}: {said}", ran.status);
    for part in ["RLIMIT_FSIZE", "1048576", "ulimit -f", "SegmentConfig"] {
        assert!(said.contains(part), "{part:?} is missing in {said:?}");
    }
    assert!(said.contains("with small slots it works"), "{said}");
}

#[tokio::test]
async fn a_plugin_that_rings_a_dead_host_goes_on() {
    for trust in [Trust::Untrusted, Trust::Trusted] {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let mut child = peer("rings-a-dead-host").stdin(theirs).spawn().unwrap();
        let config = SegmentConfig::default().with_trust(trust);
        let link = tokio::time::timeout(SOON, ours.host(&config)).await;
        let link = link.unwrap().unwrap();
        // The ring comes while this side sleeps, and so is armed, and is dropped.
        let (out, mut inbound, watch) = link.split();
        let mut batch = Vec::new();
        let first = tokio::time::timeout(SOON, inbound.recv(&mut batch, 1)).await;
        first.unwrap().unwrap();
        let second = inbound.recv(&mut batch, 1);
        let asleep = tokio::time::timeout(Duration::from_millis(300), second).await;
        assert!(asleep.is_err(), "{asleep:?}");
        drop((out, inbound, watch));
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await;
        let ended = ended.unwrap();
        assert_eq!((ended.signal(), ended.code()), (None, Some(0)), "{trust:?}");
    }
}

/// The control socket, whichever of the two sides is gone.
#[tokio::test]
async fn sending_to_a_dead_peer_raises_no_signal() {
    for how in ["joins-with-nobody", "offers-nobody"] {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let mut child = peer(how).stdin(theirs).spawn().unwrap();
        drop(ours);
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap()).await;
        let ended = ended.unwrap();
        assert_eq!((ended.signal(), ended.code()), (None, Some(0)), "{how}");
    }
}
