//! Several uploads to one service, which takes one after the other. The streams that wait in its mailbox hold the slots
//! that the running one needs.

use futures_util::future::join_all;
use rapace::{SegmentConfig, Streaming};

use super::host::Running;
use super::plugin::Gate;
use super::{ENCODING, ahead, in_use, payload, segments, stats, until};
use crate::support::in_time;

/// Chunks of an upload: more than a stream sends ahead of its reader.
const CHUNKS: u32 = 100;

async fn upload(segment: SegmentConfig, uploads: u32, len: usize) {
    let Running {
        plugin,
        store,
        gates,
        ..
    } = Running::start(segment).await;
    let before = stats(&plugin).bytes_sent;
    let one = |upload: u32| {
        let first = upload * CHUNKS;
        let chunks = (first..first + CHUNKS).map(move |number| payload(number, len));
        let store = store.clone();
        let chunks = Streaming::iter(chunks);
        tokio::spawn(async move { store.upload(first, len as u32, chunks).await })
    };
    let all = (0..uploads).map(one).collect::<Vec<_>>();
    in_time(gates.wait_for(Gate::Store)).await.unwrap();
    // Nobody reads yet: each stream sends its window, and no more.
    let items = uploads as usize * ahead(len);
    let least = (items * len) as u64;
    until(&plugin, |stats| stats.bytes_sent - before >= least).await;
    in_time(gates.look_at(Vec::new())).await.unwrap();
    let sent = stats(&plugin).bytes_sent - before;
    assert!(sent < least + (items * ENCODING + len) as u64, "{sent}");
    in_time(gates.open(Gate::Store)).await.unwrap();
    for upload in in_time(join_all(all)).await {
        assert_eq!(upload.unwrap().unwrap(), CHUNKS);
    }
    until(&plugin, |stats| in_use(stats) == 0).await;
}

#[tokio::test]
async fn two_uploads_of_4_mib_chunks_complete() {
    for segment in segments() {
        upload(segment, 2, (4 << 20) - 100).await;
    }
}

#[tokio::test]
async fn three_uploads_of_1_mib_chunks_complete() {
    for segment in segments() {
        upload(segment, 3, (1 << 20) - 100).await;
    }
}

#[tokio::test]
async fn uploads_of_smaller_chunks_complete() {
    for segment in segments() {
        for (uploads, len) in [(4, 256 << 10), (8, 64 << 10), (40, 16 << 10)] {
            upload(segment.clone(), uploads, len - 100).await;
        }
    }
}
