//! Frames that are published without waking the peer.

use std::task::{Context, Waker};

use crate::{Header, Lane, Link, Payload, SegmentConfig};

#[tokio::test]
async fn a_peer_that_sleeps_is_woken_once_for_several_frames() {
    let (host, plugin) = Link::pair(&SegmentConfig::default()).unwrap();
    let (out, _host_in, _watch) = host.split();
    let (_plugin_out, mut plugin_in, _watch) = plugin.split();
    let publish = || {
        let header = Header::default();
        out.try_publish_unflushed(&header, Payload::Empty, &[], Lane::Data)
            .unwrap();
    };
    let mut received = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(plugin_in.poll_recv(&mut cx, &mut received, 64).is_pending());
    for _ in 0..3 {
        publish();
    }
    assert_eq!(out.stats().rings, 0);
    out.flush();
    out.flush();
    assert_eq!(out.stats().rings, 1);
    assert_eq!(plugin_in.recv(&mut received, 64).await, Ok(3));
    // A peer that is awake needs no doorbell.
    publish();
    out.flush();
    assert_eq!(out.stats().rings, 1);
    assert_eq!(plugin_in.recv(&mut received, 64).await, Ok(1));
}
