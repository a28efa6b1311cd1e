//! Counters of the work of one plugin.
//!
//! - M1: rapace counts the traffic of a process. These counters add what it cannot know: work that succeeded
//!   after a retry by the host, and all work of services in this process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rapace::plugin::PluginSnapshot;

use crate::plugin::PluginKind;

/// The counters of one plugin.
#[derive(Default)]
pub(super) struct Meter {
    pieces: AtomicU64,
    calls: AtomicU64,
    streams: AtomicU64,
    asked_again: AtomicU64,
    failed: AtomicU64,
    /// In microseconds: a site has some thousand calls.
    latencies: Mutex<Vec<u64>>,
}

/// Statistics of one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The plugin.
    pub plugin: PluginKind,
    /// Calls answered, with those that open a stream.
    pub calls: u64,
    /// Streams opened.
    pub streams: u64,
    /// Bytes that the plugin sent.
    pub bytes_in: u64,
    /// Bytes sent to it.
    pub bytes_out: u64,
    /// Processes after the first.
    pub restarts: u64,
    /// Calls that had not begun when a process died, and were sent to the next one.
    pub redelivered: u64,
    /// Calls and streams that had begun when a process died, and were sent again.
    pub retried: u64,
    /// Work that was given up after all retries failed.
    pub failed: u64,
    /// The median latency of calls.
    pub p50: Duration,
    /// The 99th percentile of the latency of calls.
    pub p99: Duration,
}

impl Meter {
    /// Returns the number of the next piece of work.
    pub(super) fn piece(&self) -> u64 {
        self.pieces.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns how many pieces of work there were.
    pub(super) fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    pub(super) fn stream(&self) {
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn asked_again(&self) {
        self.asked_again.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn settled(&self, took: Duration, failed: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(failed), Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(micros);
    }

    /// Returns the totals, including rapace's counters if the service is a process.
    pub(super) fn tally(&self, plugin: PluginKind, counted: Option<PluginSnapshot>) -> Tally {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        latencies.sort_unstable();
        let own = Tally {
            plugin,
            calls: read(&self.calls),
            streams: read(&self.streams),
            bytes_in: 0,
            bytes_out: 0,
            restarts: 0,
            redelivered: 0,
            retried: read(&self.asked_again),
            failed: read(&self.failed),
            p50: percentile(&latencies, 50),
            p99: percentile(&latencies, 99),
        };
        match counted {
            None => own,
            Some(counted) => Tally {
                calls: counted.calls,
                streams: counted.streams,
                bytes_in: counted.bytes_in,
                bytes_out: counted.bytes_out,
                restarts: counted.restarts,
                redelivered: counted.redelivered,
                retried: counted.retried + own.retried,
                p50: counted.p50,
                p99: counted.p99,
                ..own
            },
        }
    }
}

fn percentile(sorted: &[u64], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    Duration::from_micros(rank.checked_sub(1).map_or(0, |at| sorted[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let micros: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&micros, 50), Duration::from_micros(100));
        assert_eq!(percentile(&micros, 99), Duration::from_micros(198));
        assert_eq!(percentile(&[7], 99), Duration::from_micros(7));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
