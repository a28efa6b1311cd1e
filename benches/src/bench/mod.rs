//! The run: all rows, round after round.
//!
//! | part | what it is |
//! |---|---|
//! | `options` | what was asked for |
//! | `rows` | the kinds of work |
//! | `stage` | who takes part, and how each kind is done |
//! | `report` | the figures and ratios |

pub(crate) mod options;
pub(crate) mod report;
pub(crate) mod rows;
pub(crate) mod stage;

use options::Options;
use rapace_benches::machine::Machine;
use report::Report;
use rows::Row;
use stage::Stage;

/// Takes `options.rounds` rounds of every row, after one that does not count.
pub(crate) async fn run(
    options: &Options,
    machine: Machine,
) -> Result<Report, Box<dyn std::error::Error>> {
    let stage = Stage::set(options).await?;
    let mut rows = Row::all();
    rows.retain(|row| row.in_full().contains(&options.only));
    if rows.is_empty() {
        return Err(format!("no row has \"{}\" in it", options.only).into());
    }
    for row in &rows {
        stage.measure(*row, options.time / 4).await?;
    }
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        let mut round = Vec::new();
        for row in &rows {
            round.push(stage.measure(*row, options.time).await?);
        }
        rounds.push(round);
    }
    let copied = stage.leave().await;
    Ok(Report::new(machine, options, rows, rounds, copied))
}
