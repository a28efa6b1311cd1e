//! Rounds of several subjects in turn, so that a disturbance hits all of them or few.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rapace_measure::{Driver, Limit, Request, Round, machine, syscalls};

use super::case::{Case, Floor};
use super::options::Options;
use crate::work::SUBJECT;

/// Payload and depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) bytes: usize,
    pub(super) inflight: usize,
}

/// Something that can do rounds, by its command line.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    program: std::path::PathBuf,
    arguments: Vec<String>,
    /// Whether it has one operation under way, however many the others have.
    alone: bool,
}

impl Subject {
    pub(super) fn of_case(case: Case, options: &Options) -> Result<Self, String> {
        Self::own(case.name(), &case.work(options), options)
    }

    pub(super) fn of_floor(floor: Floor, options: &Options) -> Result<Self, String> {
        Self::own(floor.work(), &[floor.work()], options)
    }

    /// This program with this work.
    pub(super) fn own(name: &str, work: &[&str], options: &Options) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|why| why.to_string())?;
        let mut arguments = vec![SUBJECT.to_owned()];
        arguments.extend(work.iter().map(|word| (*word).to_owned()));
        arguments.extend(options.setting.arguments());
        Ok(Self {
            name: name.to_owned(),
            program,
            arguments,
            alone: false,
        })
    }

    /// Another program.
    pub(super) fn peer(name: &str, program: &Path, words: &[&str], options: &Options) -> Self {
        let mut arguments = words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>();
        arguments.extend(options.setting.arguments());
        Self {
            name: name.to_owned(),
            program: program.to_owned(),
            arguments,
            alone: false,
        }
    }

    /// The same with one operation under way.
    pub(super) fn alone(&self) -> Self {
        let mut alone = self.clone();
        alone.name += ", one";
        alone.alone = true;
        alone
    }

    fn failed(&self, subject: usize, ready: bool, why: &str) -> Failed {
        let why = format!("{}: {why}", self.name);
        Failed {
            subject,
            ready,
            why,
        }
    }

    fn command(&self) -> Result<Command, String> {
        let (name, usable) = machine::usable_for_children().map_err(|why| why.to_string())?;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env(name, usable);
        Ok(command)
    }
}

/// What comes before the first round that counts.
const WARM_UP: Duration = Duration::from_millis(50);

/// System calls of one operation, on both sides. Nobody else may have been started yet.
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

/// A subject that failed, by its place, and why.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) subject: usize,
    /// Whether it was ready once.
    pub(super) ready: bool,
    pub(super) why: String,
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
        inflight: if subject.alone { 1 } else { point.inflight },
        limit: Limit::Time(time),
    };
    let mut running = Vec::new();
    for (index, subject) in subjects.iter().enumerate() {
        running.push(start(subject).map_err(|why| subject.failed(index, false, &why))?);
    }
    let mut one = |index: usize, time| {
        let done = running[index].round(&request(&subjects[index], time));
        done.map_err(|why| subjects[index].failed(index, true, &why))
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
