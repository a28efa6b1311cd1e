//! A caller keeps the results of its calls.

use rapace::SegmentConfig;

use super::host::Running;
use super::{is_payload, segments};
use crate::log_lines::LogLines;
use crate::support::in_time;

const LEN: usize = 300 << 10;
const KEPT: u32 = 1000;

/// The most that the plugin may come to take: the results in its slots, which are counted as its own, and some more.
const MOST: usize = 48 * LEN + (16 << 20);

async fn keep(segment: SegmentConfig) {
    let warnings = LogLines::warnings();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let Running {
        plugin,
        store,
        gates,
        ..
    } = Running::start(segment.clone()).await;
    let before = peak(plugin.pid());
    let mut kept = Vec::new();
    for number in 0..KEPT {
        let result = in_time(store.load(number, LEN as u32)).await.unwrap();
        assert!(is_payload(&result, number, LEN), "result {number}");
        kept.push(result);
    }
    assert!(in_time(gates.look_at(Vec::new())).await.unwrap());
    // Only slots are held there; what went in fragments is in this process alone.
    let held = in_time(store.slots_in_use()).await.unwrap();
    let fitting = segment
        .classes
        .iter()
        .filter(|class| class.slot_size as usize >= LEN);
    let fitting = fitting.take(2).map(|class| class.slots).sum::<u32>();
    assert_eq!(held, fitting);
    // Who keeps them is told, once.
    let in_fragments = u64::from(KEPT - fitting);
    assert_eq!(plugin.stats().fragmented_in, in_fragments);
    let lines = warnings.lines();
    let told = |line: &&String| line.contains("so it sends it in fragments");
    assert_eq!(lines.iter().filter(told).count(), 1, "{lines:?}");
    let grown = peak(plugin.pid()) - before;
    assert!(grown < MOST, "{grown} bytes");
    for (result, number) in kept.iter().zip(0..) {
        assert!(is_payload(result, number, LEN), "result {number}");
    }
    drop(kept);
    in_time(async { while store.slots_in_use().await.unwrap() > 0 {} }).await;
    // Slots are used again.
    let result = in_time(store.load(0, LEN as u32)).await.unwrap();
    assert_eq!(in_time(store.slots_in_use()).await.unwrap(), 1);
    assert!(is_payload(&result, 0, LEN));
}

/// The peak memory of a process, in bytes.
fn peak(pid: Option<u32>) -> usize {
    let pid = pid.expect("a plugin that is ready");
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok())
        .expect("a peak")
        << 10
}

#[tokio::test]
async fn a_thousand_kept_results_of_300_kib_arrive_and_stay_as_they_are() {
    for segment in segments() {
        keep(segment).await;
    }
}
