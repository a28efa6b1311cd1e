//! What a person starts.
//!
//! | part | what it is |
//! |---|---|
//! | `options` | what was asked for |
//! | `case` | the cases, and the floor of each |
//! | `run` | rounds of several subjects in turn |
//! | `figures` | what the rounds of one subject come to |
//! | `table`, `json` | the output |
//! | `compare` | all peers |
//! | `count` | what a call costs, as counts |
//! | `codec` | the codec beside serde's postcard |
//! | `plot` | their picture |

mod case;
mod codec;
mod compare;
mod count;
mod figures;
mod json;
mod options;
mod plot;
mod run;
mod table;

use std::process::ExitCode;

use rapace_measure::machine::Machine;

use case::Case;
use options::{Asked, Options};
use run::Subject;

/// Does what the arguments ask for.
///
/// # Errors
/// Why it could not be measured, or that an answer was wrong.
pub fn main() -> Result<ExitCode, String> {
    let machine = Machine::here();
    match options::parse(std::env::args().skip(1)) {
        Ok(Asked::Help) => {
            print!("{}", options::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Ok(Asked::Case(Case::Compare, options)) => compare::run(&options, &machine),
        Ok(Asked::Case(Case::Codec, options)) => codec::run(&options, &machine),
        Ok(Asked::Case(Case::Count, options)) => count::run(&options),
        Ok(Asked::Case(case, options)) => one(case, &options, &machine),
        Err(why) => {
            eprintln!("rapace-bench: {why}\n\n{}", options::USAGE);
            Ok(ExitCode::from(64))
        }
    }
}

/// A case beside its floor.
fn one(case: Case, options: &Options, machine: &Machine) -> Result<ExitCode, String> {
    let point = case.point(options);
    let floor = case.floor(options, &point);
    let subject = Subject::of_case(case, options)?;
    let (syscalls, note) = match run::count_syscalls(&subject, &point, case.counted()) {
        Ok(count) => (Some(count), None),
        Err(why) => (
            None,
            Some(format!("system calls could not be counted: {why}")),
        ),
    };
    let mut subjects = vec![subject];
    if let Some(floor) = floor {
        subjects.push(Subject::of_floor(floor, options)?);
    }
    if case.scales(&point) {
        subjects.extend([subjects[0].alone(), subjects[1].alone()]);
    }
    let rounds = run::rounds(&subjects, &point, case.round(options), options.time());
    let rounds = rounds.map_err(|failed| failed.why)?;
    let mut figures = figures::against(&rounds, 0, (rounds.len() > 1).then_some(1), &point);
    figures.syscalls = syscalls;
    if case.scales(&point) {
        let [many, floor, one, floor_one] = [0, 1, 2, 3].map(|index| &rounds[index][..]);
        figures.scaling = Some(figures::scaling([many, floor, one, floor_one]));
    }
    if options.json {
        println!(
            "{}",
            json::line(&case.label(options), &point, options, &figures)
        );
    } else {
        print!(
            "{}",
            table::one(case, &point, options, machine, &figures, floor)
        );
        if let Some(note) = note {
            println!("{note}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
