//! Statistics of a plugin's calls, across all of its incarnations.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rapace_session::Metrics;

/// Counters of one plugin. Each is exact; they are read with relaxed ordering, so together they are no
/// consistent snapshot.
#[derive(Debug, Default)]
pub(crate) struct PluginStats {
    pub(crate) metrics: Arc<Metrics>,
    calls: AtomicU64,
    failed: AtomicU64,
    redelivered: AtomicU64,
    retried: AtomicU64,
    restarts: AtomicU64,
    latency: Latency,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PluginSnapshot {
    /// Completed calls; a call that was sent again counts once. Tells are not counted.
    pub calls: u64,
    /// Streams opened.
    pub streams: u64,
    /// Payload and buffer bytes that the plugin sent.
    pub bytes_in: u64,
    /// Payload and buffer bytes that were sent to the plugin.
    pub bytes_out: u64,
    /// Messages from the plugin of which a payload or buffer came in fragments, since the plugin found no slot free: this side
    /// keeps too many of its results and items, or the segment has too few slots.
    pub fragmented_in: u64,
    /// Incarnations after the first.
    pub restarts: u64,
    /// Calls sent to another incarnation because the one before had not begun them.
    pub redelivered: u64,
    /// Idempotent calls sent to another incarnation although the one before had begun them.
    pub retried: u64,
    /// Calls that failed with an error other than the method's own.
    pub failed: u64,
    /// Median latency, at most an eighth too high. After the first 4,096 calls one in sixteen is timed.
    pub p50: Duration,
    /// 99th percentile of the latency, with the same accuracy and sampling.
    pub p99: Duration,
}

impl PluginStats {
    /// Returns the current counters.
    #[must_use]
    pub(crate) fn snapshot(&self) -> PluginSnapshot {
        let session = self.metrics.snapshot();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        PluginSnapshot {
            calls: read(&self.calls),
            streams: session.streams,
            bytes_in: session.bytes_in,
            bytes_out: session.bytes_out,
            fragmented_in: session.fragmented_in,
            restarts: read(&self.restarts),
            redelivered: read(&self.redelivered),
            retried: read(&self.retried),
            failed: read(&self.failed),
            p50: self.latency.percentile(50),
            p99: self.latency.percentile(99),
        }
    }

    /// Starts timing a call. After the first calls only a sample is timed, since reading the clock twice costs
    /// as much as publishing a frame.
    pub(crate) fn stopwatch(&self) -> Stopwatch {
        let nth = self.calls.load(Ordering::Relaxed);
        Stopwatch((nth < ALL_TIMED || nth.is_multiple_of(SAMPLE)).then(Instant::now))
    }

    pub(crate) fn settled(&self, stopwatch: &Stopwatch, failed: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if failed {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(started) = stopwatch.0 {
            self.latency.record(started.elapsed());
        }
    }

    pub(crate) fn redelivered(&self) {
        self.redelivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn restarted(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
}

/// When a call began, if it is timed.
pub(crate) struct Stopwatch(Option<Instant>);

/// The number of first calls that are all timed.
const ALL_TIMED: u64 = 4096;
/// After these, one call in this many is timed.
const SAMPLE: u64 = 16;

/// A histogram with eight buckets per power of two, so a percentile is at most an eighth too high.
///
/// Any task records with one atomic addition. `hdrhistogram` records through `&mut`, or through a recorder for each thread
/// whose counts are merged later; neither fits tasks that move between threads.
#[derive(Debug)]
struct Latency([AtomicU64; BUCKETS]);

const STEPS: u64 = 8;
const BUCKETS: usize = 64 * STEPS as usize;

impl Default for Latency {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; BUCKETS])
    }
}

impl Latency {
    fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.0[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
    }

    fn percentile(&self, percent: u64) -> Duration {
        let counts = self.0.each_ref().map(|count| count.load(Ordering::Relaxed));
        let total: u64 = counts.iter().sum();
        let wanted = (total * percent).div_ceil(100);
        let mut seen = 0;
        for (index, count) in counts.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return Duration::from_nanos(ceiling(index));
            }
        }
        Duration::ZERO
    }
}

/// Values below 8 have a bucket each; above, each power of two has eight.
fn bucket(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let power = u64::from(value.ilog2());
    let step = (value >> (power - 3)) & (STEPS - 1);
    ((power - 2) * STEPS + step) as usize
}

/// The largest value that falls into a bucket.
fn ceiling(bucket: usize) -> u64 {
    let (group, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    if group == 0 {
        return step;
    }
    let width = 1u64 << (group - 1);
    ((STEPS + step) << (group - 1)).saturating_add(width - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_and_at_most_an_eighth_below_its_ceiling() {
        for shift in 0..63 {
            for offset in [0, 1, 3] {
                let value = (1u64 << shift) + offset;
                let top = ceiling(bucket(value));
                assert!(top >= value, "{value} above {top}");
                assert!(top - value <= value / 8 + 1, "{value} far below {top}");
            }
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn percentiles_count_from_below() {
        let latency = Latency::default();
        assert_eq!(latency.percentile(50), Duration::ZERO);
        for _ in 0..99 {
            latency.record(Duration::from_nanos(5));
        }
        latency.record(Duration::from_secs(1));
        assert_eq!(latency.percentile(50), Duration::from_nanos(5));
        assert_eq!(latency.percentile(99), Duration::from_nanos(5));
        assert!(latency.percentile(100) >= Duration::from_secs(1));
    }
}
