//! A receiver that is informed of the peer's death before the kernel reports it.

use crate::{Header, Lane, Link, Payload, PeerGone, RecvError, SegmentConfig};

#[tokio::test]
async fn published_frames_come_before_the_terminal_error() {
    let (host, plugin) = Link::pair(&SegmentConfig::default()).unwrap();
    let (host_out, mut host_in, _watch) = host.split();
    // The peer lives on, and so neither hangs up nor exits.
    let (plugin_out, _plugin_in, _watch) = plugin.split();
    for call in 0..3 {
        let header = Header {
            call,
            ..Header::default()
        };
        plugin_out
            .try_publish(&header, Payload::Empty, &[], Lane::Data)
            .unwrap();
    }
    host_out.peer_died();
    let mut received = Vec::new();
    assert_eq!(host_in.recv(&mut received, 64).await, Ok(3));
    let gone = Err(RecvError::PeerGone(PeerGone::Exited));
    assert_eq!(host_in.recv(&mut received, 64).await, gone);
}

#[tokio::test]
async fn a_receiver_that_waits_is_woken() {
    let (host, plugin) = Link::pair(&SegmentConfig::default()).unwrap();
    let (host_out, mut host_in, _watch) = host.split();
    let waits = tokio::spawn(async move { host_in.recv(&mut Vec::new(), 64).await });
    // The receiver has been polled, on this one thread, and found nothing.
    tokio::task::yield_now().await;
    assert!(!waits.is_finished());
    host_out.peer_died();
    let gone = Err(RecvError::PeerGone(PeerGone::Exited));
    assert_eq!(waits.await.unwrap(), gone);
    drop(plugin);
}
