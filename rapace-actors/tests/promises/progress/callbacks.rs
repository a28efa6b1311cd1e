//! A handler calls its host, while requests that wait for that handler, and results that it keeps, hold the slots.

use rapace::SegmentConfig;

use super::host::Running;
use super::plugin::Gate;
use super::{ENCODING, REQUEST_BYTES, in_use, payload, segments, stats, until};
use crate::support::{Sent, in_time};

/// Host → a service → host → another service of that plugin. Requests that wait for the first service hold all slots of
/// their size, in its mailbox or before they are sent.
async fn call_around(segment: SegmentConfig, callers: u32, len: usize, allocate: bool) {
    let running = Running::start(segment).await;
    let before = stats(&running.plugin).bytes_sent;
    let mut calls = Vec::new();
    for number in 0..callers {
        let buffer = match allocate {
            true => running.allocated(number, len).await,
            false => payload(number, len).into(),
        };
        calls.push(Sent::new(running.desk.work(number, buffer)));
    }
    in_time(running.gates.wait_for(Gate::Desk)).await.unwrap();
    // As many requests are sent as their window has room for. The others are not polled again.
    let requests = REQUEST_BYTES.div_ceil(len).min(callers as usize);
    let least = (requests * len) as u64;
    until(&running.plugin, |stats| stats.bytes_sent - before >= least).await;
    in_time(running.gates.look_at(Vec::new())).await.unwrap();
    let sent = stats(&running.plugin).bytes_sent - before;
    assert!(
        sent < least + (callers as usize * ENCODING + len) as u64,
        "{sent}"
    );
    in_time(running.gates.open(Gate::Desk)).await.unwrap();
    for call in calls {
        assert!(call.outcome().await.unwrap());
    }
    until(&running.plugin, |stats| in_use(stats) == 0).await;
}

/// A handler keeps its request and one large result of the host's, and asks for another. Requests behind it hold the
/// other slots.
async fn keep_results(segment: SegmentConfig, waiting: u32, keeps: bool) {
    const LEN: usize = 17 << 20;
    let running = Running::start(segment).await;
    let mut calls = Vec::new();
    for number in 0..=waiting {
        let buffer = running.allocated(0, LEN).await;
        let asks = if number == 0 { 2 } else { 0 };
        calls.push(Sent::new(running.desk.render(buffer, keeps, asks)));
    }
    in_time(running.gates.wait_for(Gate::Desk)).await.unwrap();
    in_time(running.gates.open(Gate::Desk)).await.unwrap();
    for call in calls {
        assert!(call.outcome().await.unwrap());
    }
    until(&running.plugin, |stats| in_use(stats) == 0).await;
}

#[tokio::test]
async fn a_callback_through_the_host_completes_while_60_requests_of_1000_kib_wait() {
    for segment in segments() {
        for allocate in [false, true] {
            call_around(segment.clone(), 60, 1000 << 10, allocate).await;
        }
    }
}

#[tokio::test]
async fn a_callback_through_the_host_completes_while_25_requests_of_4000_kib_wait() {
    for segment in segments() {
        for allocate in [false, true] {
            call_around(segment.clone(), 25, 4000 << 10, allocate).await;
        }
    }
}

#[tokio::test]
async fn a_callback_through_the_host_completes_while_10_requests_of_16000_kib_wait() {
    for segment in segments() {
        for allocate in [false, true] {
            call_around(segment.clone(), 10, 16_000 << 10, allocate).await;
        }
    }
}

#[tokio::test]
async fn a_handler_that_keeps_a_large_result_gets_another() {
    for segment in segments() {
        for (waiting, keeps) in [(2, true), (2, false), (3, false)] {
            keep_results(segment.clone(), waiting, keeps).await;
        }
    }
}
