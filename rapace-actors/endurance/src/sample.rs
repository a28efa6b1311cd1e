//! Measured durations and their percentiles.

use std::fmt;
use std::time::Duration;

/// The measured times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// The time that `percent` of the measurements do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let nth = (sorted.len() * percent).div_ceil(100);
        sorted
            .get(nth.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "p50 {:>9.1?}  p99 {:>9.1?}  max {:>9.1?}",
            self.percentile(50),
            self.percentile(99),
            self.percentile(100)
        )
    }
}
