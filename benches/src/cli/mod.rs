//! The command line: decides which case runs under which options, and how its figures are printed.
//!
//! It may know the names of the kinds of work in [`work`](crate::work), and starts them as processes. From the lowest to the
//! highest; each file imports from those above it in the table:
//!
//! | file | decides |
//! |---|---|
//! | `point` | payload and depth of a measurement |
//! | `case` | the cases and the floors |
//! | `options` | what the arguments mean |
//! | `plan` | what a case measures under given options |
//! | `subject` | the command line of a process that does rounds |
//! | `run` | rounds of several subjects in turn |
//! | `figures`, `row` | the figures of one subject's rounds |
//! | `json`, `table`, `plot` | the output |
//! | `kept` | the rate of calls against the results that are kept |
//! | `single` | one case beside its floor |
//! | `compare` | all peers |
//! | `codec` | the codec beside serde's postcard |
//! | `count` | the cost of a call, as counts |

mod case;
mod codec;
mod compare;
mod count;
mod figures;
mod json;
mod kept;
mod options;
mod plan;
mod plot;
mod point;
mod row;
mod run;
mod single;
mod subject;
mod table;

use std::process::ExitCode;

use rapace_measure::machine::Machine;

use case::Case;
use options::Asked;

/// Parses the command line and runs the case.
///
/// # Errors
/// Why the case could not be measured, or that an answer was wrong.
pub fn main() -> Result<ExitCode, String> {
    let machine = Machine::here();
    match options::parse(std::env::args().skip(1)) {
        Ok(Asked::Help) => {
            print!("{}", options::USAGE);
            Ok(ExitCode::SUCCESS)
        }
        Ok(Asked::Case(Case::Compare, options)) => compare::run(&options, &machine),
        Ok(Asked::Case(Case::Codec, options)) => codec::run(&options, &machine),
        Ok(Asked::Case(Case::Kept, options)) => kept::run(&options, &machine),
        Ok(Asked::Case(Case::Count, options)) => count::run(&options),
        Ok(Asked::Case(case, options)) => single::run(case, &options, &machine),
        Err(why) => {
            eprintln!("rapace-bench: {why}\n\n{}", options::USAGE);
            Ok(ExitCode::from(64))
        }
    }
}
