//! The memory that buffers of ended sessions keep alive, counted in this process; so this is its
//! only test.

use std::fs;
use std::future::poll_fn;

use rapace_codec::Blob;
use rapace_session::transport::shm;
use rapace_session::{ChannelId, Endpoint, Flags, Frame, FrameType, Header, Lane, Payload, Side};
use rapace_shm::{Link, SegmentConfig, Trust};

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn mappings() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains("rapace-")).count()
}

/// A host and its plugin, in one process.
fn pair(trust: Trust) -> (Endpoint, Endpoint) {
    let (a, b) = Link::pair(&SegmentConfig::default().with_trust(trust)).unwrap();
    (
        shm::endpoint(a, Side::Creator),
        shm::endpoint(b, Side::Joiner),
    )
}

fn buffer(at: &Endpoint, len: usize, with: u8) -> Blob {
    let mut buffer = at.transport.try_allocate(len, Lane::Data).unwrap();
    buffer.fill(with);
    buffer.freeze()
}

/// Returns the buffer that a host receives from a plugin that sends `len` bytes. Both have ended by
/// then.
async fn received(trust: Trust, len: usize, with: u8) -> Blob {
    let (mut host, plugin) = pair(trust);
    let sent = buffer(&plugin, len, with);
    let mut table = vec![1, 0];
    table.extend(plugin.transport.reference(&sent, &[]).unwrap());
    let mut header = Header::new(FrameType::Item, ChannelId(1));
    header.flags = Flags::BLOBS;
    let frame = Frame {
        header,
        payload: Payload::inline(&table).unwrap(),
        blobs: vec![sent],
    };
    plugin.transport.send(&frame, Lane::Data).unwrap();
    let mut batch = Vec::new();
    let read = poll_fn(|cx| host.incoming.poll_recv(cx, &mut batch, 8)).await;
    assert_eq!(read, Ok(1));
    batch.pop().unwrap().blobs.pop().unwrap()
}

#[tokio::test]
async fn a_held_buffer_keeps_what_it_lies_in_and_a_small_one_nothing() {
    drop(received(Trust::Trusted, 100, 0).await);
    let (fds, maps) = (descriptors(), mappings());
    assert_eq!(maps, 0);

    // Restarts, with a small buffer of each held.
    let mut small = Vec::new();
    for nth in 0..1000_u32 {
        let trust = match nth % 2 {
            0 => Trust::Trusted,
            _ => Trust::Untrusted,
        };
        small.push(received(trust, 1 + nth as usize, nth as u8).await);
    }
    assert_eq!((descriptors(), mappings()), (fds, 0));
    for (nth, blob) in small.iter().enumerate() {
        assert!(blob.len() == nth + 1 && blob.iter().all(|byte| *byte == nth as u8));
    }

    // A large buffer is not copied, and keeps its memory object alive; a buffer of an untrusted
    // peer is a copy.
    let large = [100_000, 5 << 20];
    for (nth, len) in large.into_iter().enumerate() {
        let trusted = received(Trust::Trusted, len, 7).await;
        let untrusted = received(Trust::Untrusted, len, 7).await;
        assert_eq!((descriptors(), mappings()), (fds, 1), "{nth}");
        assert_eq!(trusted, untrusted);
    }
    assert_eq!((descriptors(), mappings()), (fds, 0));

    // So does a buffer that the host allocated itself, of any size.
    let own = {
        let (host, _plugin) = pair(Trust::Trusted);
        [buffer(&host, 100, 1), buffer(&host, 5 << 20, 1)]
    };
    assert_eq!((descriptors(), mappings()), (fds, 2));
    assert!(own.iter().all(|blob| blob.iter().all(|byte| *byte == 1)));
    drop(own);
    assert_eq!((descriptors(), mappings()), (fds, 0));
}
