//! The figures of a round, and how they are computed from its times.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The figures of one round. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// The fastest operation.
    pub min: f64,
    /// Half of the operations took no longer.
    pub p50: f64,
    /// All but one in a hundred took no longer.
    pub p99: f64,
    /// The mean time of an operation, from its start to its end.
    pub mean: f64,
    /// Operations.
    pub ops: u64,
    /// From the start of the first to the end of the last.
    pub elapsed: f64,
    /// Processor time of the subject.
    pub cpu_here: f64,
    /// Processor time of its partners.
    pub cpu_there: f64,
}

/// The times of a round's operations, or of batches of them.
///
/// Every time is kept: a round of 40 ms has some 40,000 at most, which are sorted when the clock has stopped. A histogram
/// (`hdrhistogram`, three digits) was measured instead: recording costs as much (6 ns against 1 to 8 ns for a push), but each of
/// 64 tasks would clear tens of KiB of counters within every round, and p50 would be rounded to a thousandth.
#[derive(Clone, Debug, Default)]
pub struct Times {
    nanos: Vec<u64>,
    each: u64,
}

impl Times {
    /// Makes an empty list of times of batches of `each` operations.
    #[must_use]
    pub fn of_batches(each: u64) -> Self {
        Self {
            nanos: Vec::new(),
            each: each.max(1),
        }
    }

    /// Records the time of a batch.
    pub fn record(&mut self, took: Duration) {
        self.nanos
            .push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds the times of another worker, whose batches are as large.
    pub fn merge(&mut self, other: Self) {
        self.nanos.extend(other.nanos);
        self.each = other.each;
    }

    /// # Errors
    /// If there are no times.
    pub(crate) fn summary(mut self) -> Result<Summary, String> {
        self.nanos.sort_unstable();
        let (Some(first), Some(last)) = (self.nanos.first(), self.nanos.len().checked_sub(1))
        else {
            return Err("a round without an operation".to_owned());
        };
        let each = self.each.max(1) as f64;
        let at = |part: f64| self.nanos[(last as f64 * part).round() as usize] as f64 / each;
        Ok(Summary {
            min: *first as f64 / each,
            p50: at(0.5),
            p99: at(0.99),
            mean: self.nanos.iter().map(|nanos| *nanos as f64).sum::<f64>()
                / (self.nanos.len() as f64 * each),
            ops: self.nanos.len() as u64 * self.each.max(1),
        })
    }
}

/// The figures of a round's times, for one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) min: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) mean: f64,
    pub(crate) ops: u64,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            min,
            p50,
            p99,
            mean,
            ops,
            elapsed,
            cpu_here,
            cpu_there,
        } = self;
        write!(
            f,
            "{min} {p50} {p99} {mean} {ops} {elapsed} {cpu_here} {cpu_there}"
        )
    }
}

impl FromStr for Round {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers = line
            .split_whitespace()
            .map(str::parse::<f64>)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| format!("no round: `{line}`"))?;
        let [min, p50, p99, mean, ops, elapsed, cpu_here, cpu_there] = numbers[..] else {
            return Err(format!("no round: `{line}`"));
        };
        Ok(Self {
            min,
            p50,
            p99,
            mean,
            ops: ops as u64,
            elapsed,
            cpu_here,
            cpu_there,
        })
    }
}

/// The median; `None` if there are no values.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values = values.into_iter().collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let mut times = Times::of_batches(1);
        for nanos in (1..=101).rev() {
            times.record(Duration::from_nanos(nanos));
        }
        let summary = times.summary().unwrap();
        assert_eq!((summary.min, summary.p50, summary.p99), (1.0, 51.0, 100.0));
        assert_eq!((summary.mean, summary.ops), (51.0, 101));
    }

    #[test]
    fn a_batch_counts_as_its_operations() {
        let mut times = Times::default();
        for nanos in [100, 300] {
            let mut one = Times::of_batches(10);
            one.record(Duration::from_nanos(nanos));
            times.merge(one);
        }
        let summary = times.summary().unwrap();
        assert_eq!((summary.min, summary.mean, summary.ops), (10.0, 20.0, 20));
    }

    #[test]
    fn nothing_has_no_summary_and_no_median() {
        assert!(Times::default().summary().is_err());
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
    }

    #[test]
    fn a_round_survives_its_line() {
        let round = Round {
            min: 1.5,
            p50: 2.0,
            p99: 3.0,
            mean: 2.25,
            ops: 17,
            elapsed: 1e9,
            cpu_here: 0.0,
            cpu_there: 12.0,
        };
        assert_eq!(round.to_string().parse(), Ok(round));
        assert!("1 2 3".parse::<Round>().is_err());
        assert!("1 2 3 4 5 6 7 x".parse::<Round>().is_err());
    }
}
