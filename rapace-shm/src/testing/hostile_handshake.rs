//! Programs that are no peer, and lying peers, at the control socket.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{ControlMessage, MsgFlags, Shutdown, sendmsg, shutdown};

use crate::handshake::messages::Message;
use crate::memory::segment::{PeerA, Segment};
use crate::testing::hostile::peer::small;
use crate::{ControlSocket, EstablishError, HandshakeFault, LAYOUT_VERSION, Trust};

fn say(socket: &OwnedFd, bytes: &[u8], fds: &[i32]) {
    let rights = [ControlMessage::ScmRights(fds)];
    let control = if fds.is_empty() { &[][..] } else { &rights };
    let bytes = [IoSlice::new(bytes)];
    sendmsg::<()>(socket.as_raw_fd(), &bytes, control, MsgFlags::empty(), None).unwrap();
}

fn descriptors_open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

async fn hosting(script: impl FnOnce(&OwnedFd)) -> EstablishError {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    script(&theirs);
    shutdown(theirs.as_raw_fd(), Shutdown::Write).unwrap();
    let config = small(Trust::Untrusted);
    ours.host(&config).await.expect_err("a liar was hosted")
}

#[tokio::test]
async fn the_first_bytes_of_a_program_that_is_no_peer_are_quoted() {
    let error = hosting(|socket| say(socket, b"hello, world", &[])).await;
    assert!(matches!(&error, EstablishError::NotAPeer { got } if got == "hello, world"));
}

#[tokio::test]
async fn another_version_is_named_on_both_sides() {
    let mut hello = Message::Hello.encode();
    hello[8] = hello[8].wrapping_add(1);
    let error = hosting(|socket| say(socket, &hello, &[])).await;
    assert!(matches!(
        error,
        EstablishError::LayoutVersion { ours: LAYOUT_VERSION, theirs } if theirs == LAYOUT_VERSION + 1
    ));

    let (ours, theirs) = ControlSocket::pair().unwrap();
    let mut refused = Message::Refused.encode();
    refused[8] = 77;
    say(&theirs, &refused, &[]);
    let error = ours.join().await.expect_err("joined nothing");
    assert!(matches!(
        error,
        EstablishError::LayoutVersion { theirs: 77, .. }
    ));
}

#[tokio::test]
async fn messages_out_of_turn_are_faults() {
    let error = hosting(|socket| say(socket, &Message::Joined.encode(), &[])).await;
    assert!(matches!(
        error,
        EstablishError::Fault(HandshakeFault::UnexpectedMessage { kind: 3, .. })
    ));
    let error = hosting(|socket| {
        say(socket, &Message::Hello.encode(), &[]);
        say(socket, &Message::Hello.encode(), &[]);
    })
    .await;
    assert!(matches!(
        error,
        EstablishError::Fault(HandshakeFault::UnexpectedMessage { kind: 1, .. })
    ));
    let error = hosting(|socket| say(socket, &Message::Hello.encode(), &[])).await;
    assert!(matches!(error, EstablishError::HungUp));
    let error = hosting(|_| {}).await;
    assert!(matches!(error, EstablishError::HungUp));
}

/// Like [`hosting`], by a host that sent the segment first.
async fn offering(script: impl FnOnce(&OwnedFd)) -> EstablishError {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let pending = ours.offer(&small(Trust::Untrusted)).unwrap();
    script(&theirs);
    shutdown(theirs.as_raw_fd(), Shutdown::Write).unwrap();
    pending
        .finish()
        .await
        .expect_err("the link of a liar was finished")
}

#[tokio::test]
async fn an_offered_link_is_finished_only_by_a_hello() {
    let error = offering(|socket| say(socket, b"hello, world", &[])).await;
    assert!(matches!(&error, EstablishError::NotAPeer { got } if got == "hello, world"));
    let mut hello = Message::Hello.encode();
    hello[8] = hello[8].wrapping_add(1);
    let error = offering(|socket| say(socket, &hello, &[])).await;
    assert!(matches!(error, EstablishError::LayoutVersion { .. }));
    let error = offering(|socket| say(socket, &Message::Joined.encode(), &[])).await;
    assert!(matches!(
        error,
        EstablishError::Fault(HandshakeFault::UnexpectedMessage { kind: 3, .. })
    ));
    let error = offering(|socket| say(socket, &Message::Hello.encode(), &[0; 8])).await;
    assert!(matches!(
        error,
        EstablishError::Fault(HandshakeFault::Descriptors { expected: 0 })
    ));
    let error = offering(|_| {}).await;
    assert!(matches!(error, EstablishError::HungUp));
}

#[tokio::test]
async fn an_offer_of_another_version_is_named_by_its_receiver() {
    let (ours, theirs) = ControlSocket::pair().unwrap();
    let mut offer = Message::Segment(small(Trust::Trusted)).encode();
    offer[8] = offer[8].wrapping_add(1);
    say(&theirs, &offer, &[0; 6]);
    let error = ours.join().await.expect_err("joined another version");
    assert!(matches!(
        error,
        EstablishError::LayoutVersion { ours: LAYOUT_VERSION, theirs } if theirs == LAYOUT_VERSION + 1
    ));
}

#[tokio::test]
async fn offers_that_nobody_takes_leave_nothing_open() {
    let (_host, _peer) = crate::testing::hostile::peer::against(Trust::Trusted); // The runtime's own are open now.
    let before = descriptors_open();
    for _ in 0..40 {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let pending = ours.offer(&small(Trust::Trusted)).unwrap();
        drop(theirs);
        let error = pending
            .finish()
            .await
            .expect_err("a link without a peer was established");
        assert!(matches!(error, EstablishError::HungUp));
    }
    // Other tests of this process open and close descriptors too, but never as many.
    assert!(descriptors_open() < before + 100);
}

#[tokio::test]
async fn unexpected_descriptors_are_closed() {
    let (_host, _peer) = crate::testing::hostile::peer::against(Trust::Trusted); // The runtime's own are open now.
    let before = descriptors_open();
    for _ in 0..20 {
        let error = hosting(|socket| say(socket, &Message::Hello.encode(), &[0; 8])).await;
        assert!(matches!(
            error,
            EstablishError::Fault(HandshakeFault::Descriptors { expected: 0 })
        ));
    }
    // Other tests of this process open and close descriptors too, but never as many.
    assert!(descriptors_open() < before + 100);
}

#[tokio::test]
async fn descriptors_past_those_asked_for_do_not_stay_open() {
    let (_host, _peer) = crate::testing::hostile::peer::against(Trust::Trusted); // The runtime's own are open now.
    let before = descriptors_open();
    for _ in 0..40 {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let offer = Message::Segment(small(Trust::Trusted));
        say(&theirs, &offer.encode(), &[0; 60]);
        let error = ours.join().await.expect_err("joined too much");
        assert!(matches!(
            error,
            EstablishError::Fault(HandshakeFault::Descriptors { expected: 6 })
        ));
    }
    // Other tests of this process open and close descriptors too, but never as many.
    assert!(descriptors_open() < before + 100);
}

#[tokio::test]
async fn an_offer_is_checked_before_it_is_mapped() {
    type Spoil = fn(&mut Message, &mut Vec<OwnedFd>);
    type Named = fn(&HandshakeFault) -> bool;
    let spoils: [(Spoil, Named); 4] = [
        (
            |_, fds| drop(fds.pop()),
            |fault| matches!(fault, HandshakeFault::Descriptors { expected: 6 }),
        ),
        (
            |_, fds| fds.swap(0, 1),
            |fault| matches!(fault, HandshakeFault::WrongSize { .. }),
        ),
        (
            |_, fds| {
                let flags = nix::sys::memfd::MFdFlags::MFD_ALLOW_SEALING;
                fds[0] = nix::sys::memfd::memfd_create(c"unsealed", flags).unwrap();
            },
            |fault| matches!(fault, HandshakeFault::NotSealed { .. }),
        ),
        (
            |message, _| {
                if let Message::Segment(config) = message {
                    config.ring_capacity = 12;
                }
            },
            |fault| matches!(fault, HandshakeFault::Geometry(_)),
        ),
    ];
    for (spoil, expected) in spoils {
        let config = small(Trust::Trusted);
        let (_segment, fds) = Segment::<PeerA>::create(&config).unwrap();
        let mut message = Message::Segment(config);
        let mut fds = vec![
            fds.a_control,
            fds.a_large_slots,
            fds.b_control,
            fds.b_large_slots,
            fds.ring_a,
            fds.wait_b,
        ];
        spoil(&mut message, &mut fds);
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let raw: Vec<i32> = fds.iter().map(AsRawFd::as_raw_fd).collect();
        say(&theirs, &message.encode(), &raw);
        match ours.join().await {
            Err(EstablishError::Fault(fault)) if expected(&fault) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Joins a host that sends these leashes first, each with this many descriptors; also returns the other end.
fn leashes(said: &[&[i32]], is_child: bool) -> (Result<crate::Link, EstablishError>, OwnedFd) {
    let (hold, worn) = nix::unistd::pipe().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_io().build().unwrap();
    let joined = runtime.block_on(async {
        let (ours, theirs) = ControlSocket::pair().unwrap();
        let ours = ControlSocket { is_child, ..ours };
        for fds in said {
            let fds = fds.iter().map(|_| worn.as_raw_fd()).collect::<Vec<_>>();
            say(&theirs, &Message::Leash.encode(), &fds);
        }
        let host = ControlSocket::prepare(theirs).unwrap();
        let _pending = host.offer(&small(Trust::Trusted)).unwrap();
        ours.join().await
    });
    (joined, hold)
}

fn is_held(hold: &OwnedFd) -> bool {
    let mut look = [nix::poll::PollFd::new(
        std::os::fd::AsFd::as_fd(hold),
        nix::poll::PollFlags::empty(),
    )];
    nix::poll::poll(&mut look, nix::poll::PollTimeout::ZERO).unwrap() == 0
}

/// CS4
#[test]
fn only_a_child_accepts_a_leash_and_keeps_it() {
    let (joined, hold) = leashes(&[&[1]], true);
    drop(joined.expect("a child on a leash joins"));
    assert!(is_held(&hold), "the leash went with the link");

    let (joined, _) = leashes(&[], true);
    joined.expect("a host may do without");

    let refused: [(&[&[i32]], bool); 4] = [
        (&[&[1]], false),
        (&[&[1], &[1]], true),
        (&[&[]], true),
        (&[&[1, 1]], true),
    ];
    for (said, is_child) in refused {
        let (joined, _) = leashes(said, is_child);
        let error = joined.expect_err("it is not to be taken");
        assert!(matches!(error, EstablishError::Fault(_)), "{error}");
    }
}
