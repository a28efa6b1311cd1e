//! Computes the figures of a subject from its rounds.
//!
//! - F1: percentiles, rates and processor times are medians over the rounds; the least is the least
//!   of all, the mean is that of all operations.
//! - F2: a ratio is taken within each round, and the median of those is given. With one operation in flight it
//!   is the ratio of the median times; with many, that of the time between two operations, which pipelining is
//!   for.

use rapace_measure::{Round, median};

use super::point::Point;

/// Times in nanoseconds, for one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) min: f64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) mean: f64,
    pub(super) per_s: f64,
    pub(super) cpu_here: f64,
    pub(super) cpu_there: f64,
    pub(super) syscalls: Option<f64>,
    pub(super) floor_p50: Option<f64>,
    pub(super) ratio: Option<f64>,
    pub(super) scaling: Option<Scaling>,
    pub(super) rounds: usize,
}

/// Operations a second with many under way, over those with one, each taken within a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scaling {
    /// The subject's own with one.
    pub(super) one_per_s: f64,
    pub(super) subject: f64,
    pub(super) floor: f64,
    /// The subject's share of its rate with one, over the floor's share.
    pub(super) over_floor: f64,
}

/// Computes the scaling from rounds of subject and floor with many operations in flight, then of both with one.
pub(super) fn scaling([many, floor, one, floor_one]: [&[Round]; 4]) -> Scaling {
    let rate = |round: &Round| round.ops as f64 / round.elapsed * 1e9;
    let kept = |many: &[Round], one: &[Round]| {
        let kept = many.iter().zip(one);
        kept.map(|(many, one)| rate(many) / rate(one))
            .collect::<Vec<_>>()
    };
    let (subject, floor) = (kept(many, one), kept(floor, floor_one));
    let over = subject.iter().zip(&floor).map(|(ours, its)| ours / its);
    let over_floor = median(over).unwrap_or(f64::NAN);
    Scaling {
        one_per_s: median(one.iter().map(rate)).unwrap_or(f64::NAN),
        subject: median(subject).unwrap_or(f64::NAN),
        floor: median(floor).unwrap_or(f64::NAN),
        over_floor,
    }
}

/// Computes the figures of one subject, compared with another of the same rounds. There must be at least one round.
pub(super) fn against(
    all: &[Vec<Round>],
    subject: usize,
    floor: Option<usize>,
    point: &Point,
) -> Figures {
    let rounds = &all[subject];
    let over =
        |figure: &dyn Fn(&Round) -> f64| median(rounds.iter().map(figure)).unwrap_or(f64::NAN);
    let ops = rounds.iter().map(|round| round.ops).sum::<u64>() as f64;
    let floor = floor.map(|floor| &all[floor]);
    let weight = |round: &Round| match point.inflight {
        1 => round.p50,
        _ => round.elapsed / round.ops as f64,
    };
    Figures {
        min: rounds
            .iter()
            .map(|round| round.min)
            .fold(f64::INFINITY, f64::min),
        p50: over(&|round| round.p50),
        p99: over(&|round| round.p99),
        mean: rounds
            .iter()
            .map(|round| round.mean * round.ops as f64)
            .sum::<f64>()
            / ops,
        per_s: over(&|round| round.ops as f64 / round.elapsed * 1e9),
        cpu_here: over(&|round| round.cpu_here / round.ops as f64),
        cpu_there: over(&|round| round.cpu_there / round.ops as f64),
        syscalls: None,
        scaling: None,
        floor_p50: floor.and_then(|floor| median(floor.iter().map(|round| round.p50))),
        ratio: floor.and_then(|floor| {
            let ratios = rounds.iter().zip(floor);
            median(ratios.map(|(round, floor)| weight(round) / weight(floor)))
        }),
        rounds: rounds.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(p50: f64, ops: u64, elapsed: f64) -> Round {
        Round {
            min: p50 / 2.0,
            p50,
            p99: p50 * 3.0,
            mean: p50,
            ops,
            elapsed,
            cpu_here: 10.0 * ops as f64,
            cpu_there: 20.0 * ops as f64,
        }
    }

    #[test]
    fn a_ratio_is_the_median_of_those_within_the_rounds() {
        // The third round was disturbed, and its floor with it.
        let subject = vec![
            round(20.0, 10, 1e3),
            round(22.0, 10, 1e3),
            round(90.0, 1, 1e3),
        ];
        let floor = vec![
            round(10.0, 10, 1e3),
            round(10.0, 10, 1e3),
            round(45.0, 1, 1e3),
        ];
        let all = [subject, floor];
        let point = Point {
            bytes: 0,
            inflight: 1,
        };
        let figures = against(&all, 0, Some(1), &point);
        assert_eq!((figures.ratio, figures.floor_p50), (Some(2.0), Some(10.0)));
        assert_eq!((figures.min, figures.p50), (10.0, 22.0));
        assert_eq!((figures.cpu_here, figures.cpu_there), (10.0, 20.0));
        assert_eq!(figures.per_s, 1e7);
        // By operations: (20 × 10 + 22 × 10 + 90) / 21.
        assert!((figures.mean - 510.0 / 21.0).abs() < 1e-9);
    }

    #[test]
    fn what_many_keep_of_one_is_taken_within_each_round() {
        let rounds = |ops: [u64; 3]| ops.map(|ops| round(1.0, ops, 1e9)).to_vec();
        // The second round was disturbed.
        let many = rounds([80, 8, 80]);
        let one = rounds([100, 10, 100]);
        let floor = rounds([180, 18, 180]);
        let floor_one = rounds([200, 20, 200]);
        let scaling = scaling([&many, &floor, &one, &floor_one]);
        assert_eq!(scaling.one_per_s, 100.0);
        assert!((scaling.subject - 0.8).abs() < 1e-9);
        assert!((scaling.floor - 0.9).abs() < 1e-9);
        assert!((scaling.over_floor - 0.8 / 0.9).abs() < 1e-9);
    }

    #[test]
    fn many_at_once_are_compared_by_their_rate() {
        let all = [vec![round(100.0, 10, 1e3)], vec![round(10.0, 40, 1e3)]];
        let point = Point {
            bytes: 0,
            inflight: 64,
        };
        assert_eq!(against(&all, 0, Some(1), &point).ratio, Some(4.0));
        assert_eq!(against(&all, 0, None, &point).ratio, None);
    }
}
