//! Rounds of several subjects in turn, so that a disturbance hits all of them or few.

use std::time::{Duration, Instant};

use rapace_measure::{Driver, Limit, Request, Round, syscalls};

use super::point::Point;
use super::subject::Subject;

/// The length of the warm-up before the first round that counts.
const WARM_UP: Duration = Duration::from_millis(50);

/// System calls of one operation, on both sides. No other subject may have been started yet.
///
/// # Errors
/// If the system does not allow it, or the subject fails.
pub(super) fn count_syscalls(subject: &Subject, point: &Point, ops: u64) -> Result<f64, String> {
    let request = |limit| Request {
        bytes: point.bytes,
        inflight: point.inflight,
        limit,
    };
    let each = ops.div_ceil(point.inflight as u64);
    let count = syscalls::count(
        &mut subject.command()?,
        &request(Limit::Time(Duration::from_millis(1))),
        &request(Limit::Count(each * point.inflight as u64)),
    )?;
    Ok(count.calls as f64 / count.ops as f64)
}

/// The index of a subject that failed, and the reason.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) subject: usize,
    /// `true` if the subject had been ready.
    pub(super) ready: bool,
    pub(super) why: String,
}

impl Failed {
    fn of(subjects: &[Subject], subject: usize, ready: bool, why: &str) -> Self {
        Self {
            subject,
            ready,
            why: format!("{}: {why}", subjects[subject].name),
        }
    }
}

/// Rounds of all subjects in turn, for about `time`, after one of each that does not count. The
/// outer list is by subject.
///
/// # Errors
/// The first subject that failed.
pub(super) fn rounds(
    subjects: &[Subject],
    point: &Point,
    round: Duration,
    time: Duration,
) -> Result<Vec<Vec<Round>>, Failed> {
    let request = |subject: &Subject, time| Request {
        bytes: point.bytes,
        inflight: subject.depth(point),
        limit: Limit::Time(time),
    };
    let mut running = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        running.push(start(subject).map_err(|why| Failed::of(subjects, index, false, &why))?);
    }
    let mut one = |index: usize, time| {
        let done = running[index].round(&request(&subjects[index], time));
        done.map_err(|why| Failed::of(subjects, index, true, &why))
    };
    for index in 0..subjects.len() {
        one(index, WARM_UP.min(round))?;
    }
    let mut all = vec![Vec::new(); subjects.len()];
    let start = Instant::now();
    loop {
        for (index, rounds) in all.iter_mut().enumerate() {
            rounds.push(one(index, round)?);
        }
        if start.elapsed() >= time {
            return Ok(all);
        }
    }
}

fn start(subject: &Subject) -> Result<Driver, String> {
    let driver = Driver::start(&mut subject.command()?);
    let mut driver = driver.map_err(|why| why.to_string())?;
    driver.ready()?;
    Ok(driver)
}
