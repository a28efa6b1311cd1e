//! A payload that its receiver is ready to take arrives, whoever holds the slots.
//!
//! In each test somebody holds every slot of a size, for as long as he likes: streams and requests that wait, buffers that
//! are kept. Each runs with the default slots, and with two of each size, of which one is reserved for replies.

mod buffers;
mod callbacks;
mod downloads;
mod host;
pub(crate) mod plugin;
mod results;
mod uploads;

use rapace::{LinkStats, Plugin, SegmentConfig, SizeClass, WindowConfig};

use crate::support::in_time;

/// The windows of a stream, in items and in bytes.
const STREAM_ITEMS: usize = 32;
const STREAM_BYTES: usize = 4 << 20;

/// The window of a channel's requests, in bytes.
const REQUEST_BYTES: usize = 16 << 20;

/// Windows that are as large at first as they may become: what waits holds as much as it can.
fn windows() -> WindowConfig {
    let (stream, requests) = (STREAM_BYTES as u32, REQUEST_BYTES as u32);
    WindowConfig::default()
        .with_stream_items(STREAM_ITEMS as u32)
        .with_stream_bytes(stream, stream)
        .with_request_bytes(requests, requests)
}

/// What the encoding of a message, and its table of buffers, may take beside its bytes.
const ENCODING: usize = 64;

/// The default slots, and two of each size.
fn segments() -> [SegmentConfig; 2] {
    let default = SegmentConfig::default();
    let two = default
        .classes
        .iter()
        .map(|class| SizeClass { slots: 2, ..*class });
    let two = two.collect::<Vec<_>>();
    [default.clone(), default.with_classes(two)]
}

/// Bytes that tell from which payload they are, and from which page of it.
fn payload(number: u32, len: usize) -> Vec<u8> {
    let mut bytes = vec![number as u8; len];
    for (page, bytes) in bytes.chunks_mut(PAGE).enumerate() {
        if let Some(place) = bytes.first_chunk_mut() {
            *place = (u64::from(number) << 32 | page as u64).to_le_bytes();
        }
    }
    bytes
}

/// Checks every byte.
fn is_payload(bytes: &[u8], number: u32, len: usize) -> bool {
    bytes == payload(number, len)
}

const PAGE: usize = 4096;

fn stats(plugin: &Plugin) -> LinkStats {
    plugin.link_stats().expect("a plugin that is ready")
}

/// Waits until the link has this state.
async fn until(plugin: &Plugin, holds: impl Fn(&LinkStats) -> bool) {
    in_time(async {
        while !holds(&stats(plugin)) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The items of `len` bytes that a stream sends ahead of its reader.
fn ahead(len: usize) -> usize {
    STREAM_ITEMS.min(STREAM_BYTES.div_ceil(len))
}

/// How many slots of this side are in use, fragment slots included.
fn in_use(stats: &LinkStats) -> u32 {
    let classes = stats.classes.iter().chain([&stats.fragments]);
    classes
        .map(|class| class.writing + class.held + class.in_flight)
        .sum()
}
