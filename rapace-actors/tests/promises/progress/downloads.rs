//! Several streams from one plugin, of which one is read. The others hold the slots that it needs.

use futures_util::StreamExt;
use rapace::{SegmentConfig, Streaming};

use super::host::Running;
use super::{ENCODING, ahead, is_payload, segments, stats, until};
use crate::support::in_time;

const ITEMS: u32 = 200;

async fn download(segment: SegmentConfig, streams: u32, len: usize) {
    let Running { plugin, store, .. } = Running::start(segment).await;
    let before = stats(&plugin).bytes_received;
    let mut open = Vec::new();
    for stream in 0..streams {
        let items = store.download(stream * ITEMS, ITEMS, len as u32);
        open.push(in_time(items).await.unwrap());
    }
    // Nobody reads yet: each stream has its window here, and no more.
    let items = streams as usize * ahead(len);
    let least = (items * len) as u64;
    until(&plugin, |stats| stats.bytes_received - before >= least).await;
    in_time(store.slots_in_use()).await.unwrap();
    let received = stats(&plugin).bytes_received - before;
    let most = least + ((items + 100) * ENCODING + len) as u64;
    assert!(received < most, "{received}");
    let last = open.pop().expect("several streams");
    take(last, open.len() as u32 * ITEMS, ITEMS, len).await;
    for number in 0..3 {
        let loaded = in_time(store.load(number, len as u32)).await.unwrap();
        assert!(is_payload(&loaded, number, len));
    }
    // What the others sent is still right, and they go on.
    for (stream, items) in (0..).zip(open) {
        take(items, stream * ITEMS, 2 * ahead(len) as u32, len).await;
    }
}

/// Takes the first `count` items of a stream.
async fn take(mut items: Streaming<Vec<u8>>, first: u32, count: u32, len: usize) {
    for number in first..first + count {
        let item = in_time(items.next()).await.expect("no end").unwrap();
        assert!(is_payload(&item, number, len), "item {number}");
    }
    if count == ITEMS {
        assert!(in_time(items.next()).await.is_none());
    }
}

#[tokio::test]
async fn one_of_six_streams_of_256_kib_items_is_read() {
    for segment in segments() {
        download(segment, 6, (256 << 10) - 100).await;
    }
}

#[tokio::test]
async fn one_of_four_streams_of_1_mib_items_is_read() {
    for segment in segments() {
        download(segment, 4, (1 << 20) - 100).await;
    }
}

#[tokio::test]
async fn one_of_many_streams_of_small_items_is_read() {
    for segment in segments() {
        download(segment, 12, 60_000).await;
    }
}
