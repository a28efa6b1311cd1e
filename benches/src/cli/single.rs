//! One case beside its floor.

use std::process::ExitCode;

use rapace_measure::machine::Machine;

use super::case::Case;
use super::options::Options;
use super::plan::Plan;
use super::subject::Subject;
use super::{figures, json, run, table};

/// Measures a case and prints its figures.
///
/// # Errors
/// The subject or the floor failed.
pub(super) fn run(case: Case, options: &Options, machine: &Machine) -> Result<ExitCode, String> {
    let plan = Plan::of(case, options);
    let point = plan.point;
    let subject = Subject::of_plan(&plan, options)?;
    let (syscalls, note) = match run::count_syscalls(&subject, &point, case.counted()) {
        Ok(count) => (Some(count), None),
        Err(why) => (
            None,
            Some(format!("system calls could not be counted: {why}")),
        ),
    };
    let mut subjects = vec![subject];
    if let Some(floor) = plan.floor {
        subjects.push(Subject::of_floor(floor, options)?);
    }
    if plan.scales() {
        subjects.extend([subjects[0].alone(), subjects[1].alone()]);
    }
    let rounds = run::rounds(&subjects, &point, plan.round, options.time());
    let rounds = rounds.map_err(|failed| failed.why)?;
    let mut figures = figures::against(&rounds, 0, (rounds.len() > 1).then_some(1), &point);
    figures.syscalls = syscalls;
    if plan.scales() {
        let [many, floor, one, floor_one] = [0, 1, 2, 3].map(|index| &rounds[index][..]);
        figures.scaling = Some(figures::scaling([many, floor, one, floor_one]));
    }
    if options.json {
        println!("{}", json::line(&plan.label, &point, options, &figures));
    } else {
        print!("{}", table::one(&plan, options, machine, &figures));
        if let Some(note) = note {
            println!("{note}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
