//! Round trips with payloads of every size, as `Vec<u8>` and as `Blob`.
//!
//! - R1: every payload is compared with the reply.
//! - R2: sizes lie on both sides of the inline limit, and in every size class.

use std::time::{Duration, Instant};

use rapace::Blob;
use rapace_session::Session;
use rapace_shm::INLINE_MAX;

use super::exit::Problem;
use super::service::EchoProxy;
use super::slots::size;

/// How long each size is measured.
const TIME: Duration = Duration::from_millis(20);

/// The most round trips of one size.
const MAX_TIMES: usize = 500;

/// Sends payloads of every size and prints the latency of a round trip.
///
/// # Errors
/// If a call fails, or a payload comes back changed (R1).
pub async fn round_trips(session: &Session, proxy: &EchoProxy) -> Result<(), Problem> {
    println!("round trips: median (best), or what became of it");
    println!("  {:<10} {:>18} {:>18}", "size", "as Vec<u8>", "as Blob");
    for len in sizes(session) {
        let payload = pattern(len);
        let bytes = repeated(async || {
            let sent = payload.clone();
            let start = Instant::now();
            let back = proxy.echo_bytes(sent).await;
            let took = start.elapsed();
            let back = back.map_err(|why| why.to_string())?;
            Ok((took, back == payload))
        });
        let bytes = bytes.await;
        let blob = repeated(async || {
            let slot = proxy.allocate(len).await;
            let mut slot = slot.map_err(|why| why.to_string())?;
            slot.copy_from_slice(&payload);
            let slot: Blob = slot.freeze();
            let start = Instant::now();
            let back = proxy.echo_blob(slot).await;
            let took = start.elapsed();
            let back = back.map_err(|why| why.to_string())?;
            Ok((took, *back == *payload))
        });
        let blob = blob.await;
        println!(
            "  {:<10} {:>18} {:>18}",
            size(len),
            text(&bytes),
            text(&blob)
        );
        for (way, result) in [("Vec<u8>", &bytes), ("Blob", &blob)] {
            match result {
                Trip::Changed => {
                    return Err(Problem::Differs(format!("{len} bytes as {way}")));
                }
                // A payload larger than the largest slot is refused, without harm to the session.
                Trip::Failed(why) if session.end_reason().is_some() => {
                    return Err(Problem::call(format!("echoing {len} bytes as {way}"), why));
                }
                Trip::Failed(why) => println!("    {way}: {why}"),
                Trip::Took { .. } => {}
            }
        }
    }
    Ok(())
}

/// The outcome of the round trips of one size.
enum Trip {
    Took { median: Duration, best: Duration },
    Failed(String),
    Changed,
}

fn text(trip: &Trip) -> String {
    match trip {
        Trip::Took { median, best } => {
            let (unit, per_second) = match median.as_millis() {
                0..10 => ("µs", 1e6),
                _ => ("ms", 1e3),
            };
            let [median, best] = [median, best].map(|time| time.as_secs_f64() * per_second);
            format!("{median:.1} {unit} ({best:.1})")
        }
        Trip::Failed(_) => "refused".into(),
        Trip::Changed => "changed".into(),
    }
}

async fn repeated(trip: impl AsyncFn() -> Result<(Duration, bool), String>) -> Trip {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || (times.len() < MAX_TIMES && start.elapsed() < TIME) {
        match trip().await {
            Ok((took, true)) => times.push(took),
            Ok((_, false)) => return Trip::Changed,
            Err(why) => return Trip::Failed(why),
        }
    }
    times.sort();
    Trip::Took {
        median: times[times.len() / 2],
        best: times[0],
    }
}

/// Returns the sizes (R2). A `Vec` is preceded by its length, one byte for a short one, so the longest that
/// fits inline is a byte shorter than the descriptor's inline capacity.
fn sizes(session: &Session) -> Vec<usize> {
    let mut sizes = vec![0, 16, INLINE_MAX - 1, INLINE_MAX, INLINE_MAX + 1];
    let classes = session.link_stats().map(|stats| stats.classes);
    for class in classes.unwrap_or_default() {
        let slot = class.slot_size as usize;
        // Including the length, the first fills a slot of this class, and the second does not fit.
        sizes.extend([slot - 8, slot]);
    }
    sizes
}

/// Returns bytes that differ from their neighbours.
fn pattern(len: usize) -> Vec<u8> {
    let block: Vec<u8> = (0..4099_u32).map(|i| ((i * i) >> 3) as u8).collect();
    let mut bytes = Vec::with_capacity(len);
    while bytes.len() < len {
        let left = (len - bytes.len()).min(block.len());
        bytes.extend_from_slice(&block[..left]);
    }
    bytes
}
