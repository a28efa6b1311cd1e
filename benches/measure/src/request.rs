//! The request for a round.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// One round of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The payload of each operation.
    pub bytes: usize,
    /// Operations under way at once.
    pub inflight: usize,
    /// When the round is done.
    pub limit: Limit,
}

/// When a round is done. A round has at least one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// After this long.
    Time(Duration),
    /// After this many operations, with [markers](crate::syscalls::Marker) around them.
    Count(u64),
}

impl Request {
    /// Returns the part of one worker, where `workers` share this round.
    #[must_use]
    pub fn share(&self, workers: usize) -> Share {
        match self.limit {
            Limit::Time(time) => Share {
                until: Some(Instant::now() + time),
                left: u64::MAX,
            },
            Limit::Count(count) => Share {
                until: None,
                left: count.div_ceil(workers.max(1) as u64).max(1),
            },
        }
    }
}

/// A worker's part of a round.
#[derive(Clone, Copy, Debug)]
pub struct Share {
    until: Option<Instant>,
    left: u64,
}

impl Share {
    /// Counts an operation that was done at `now`. Returns whether there is more to do.
    pub fn goes_on(&mut self, now: Instant) -> bool {
        self.left -= 1;
        self.left > 0 && self.until.is_none_or(|until| now < until)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            bytes,
            inflight,
            limit,
        } = self;
        match limit {
            Limit::Time(time) => write!(f, "{bytes} {inflight} time {}", time.as_nanos()),
            Limit::Count(count) => write!(f, "{bytes} {inflight} count {count}"),
        }
    }
}

impl FromStr for Request {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let no_request = || format!("no request: `{line}`");
        let words = line.split_whitespace().collect::<Vec<_>>();
        let [bytes, inflight, kind, limit] = words[..] else {
            return Err(no_request());
        };
        let number = |word: &str| word.parse::<u64>().map_err(|_| no_request());
        let limit = match kind {
            "time" => Limit::Time(Duration::from_nanos(number(limit)?)),
            "count" => Limit::Count(number(limit)?),
            _ => return Err(no_request()),
        };
        Ok(Self {
            bytes: number(bytes)? as usize,
            inflight: number(inflight)?.max(1) as usize,
            limit,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_survives_its_line() {
        for limit in [Limit::Time(Duration::from_micros(1500)), Limit::Count(7)] {
            let request = Request {
                bytes: 1 << 20,
                inflight: 64,
                limit,
            };
            assert_eq!(request.to_string().parse(), Ok(request));
        }
    }

    #[test]
    fn other_lines_are_refused() {
        for line in ["", "1 2 time", "1 2 hours 3", "x 2 time 3", "1 2 count -3"] {
            assert!(line.parse::<Request>().is_err(), "{line}");
        }
    }

    #[test]
    fn a_count_is_shared_out_and_no_worker_is_idle() {
        let request = |count| Request {
            bytes: 0,
            inflight: 4,
            limit: Limit::Count(count),
        };
        let done = |mut share: Share| {
            let mut done = 1;
            while share.goes_on(Instant::now()) {
                done += 1;
            }
            done
        };
        assert_eq!(done(request(10).share(4)), 3);
        assert_eq!(done(request(1).share(4)), 1);
    }
}
