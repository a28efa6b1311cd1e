//! Times of the same work done again and again, and what to keep of them.
//!
//! - S1: a round takes a little of everything, so that a disturbance hits all rows or few; a row's
//!   figure is the median over the rounds, and so is a ratio, each within its own round.

use std::time::{Duration, Instant};

/// The times of one row in one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Half of the times are below this, in nanoseconds.
    pub p50: f64,
    /// All but one in a hundred are below this, in nanoseconds.
    pub p99: f64,
    /// How many there were.
    pub count: usize,
}

impl Sample {
    /// Of times in nanoseconds.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn of(mut times: Vec<f64>) -> Self {
        assert!(!times.is_empty(), "a sample of nothing");
        times.sort_by(f64::total_cmp);
        let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
        Self {
            p50: at(0.5),
            p99: at(0.99),
            count: times.len(),
        }
    }
}

/// Takes the time that `work` says it took, again and again for `time`, and at least once.
///
/// # Errors
/// The first of the work's own.
pub async fn repeat<E>(
    time: Duration,
    mut work: impl AsyncFnMut(u64) -> Result<Duration, E>,
) -> Result<Sample, E> {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.is_empty() || start.elapsed() < time {
        let took = work(times.len() as u64).await?;
        times.push(took.as_nanos() as f64);
    }
    Ok(Sample::of(times))
}

/// The one in the middle.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "the median of nothing");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
