//! The rate of calls against the number of results that their caller keeps.

use std::process::ExitCode;

use rapace_measure::machine::Machine;

use super::options::Options;
use super::table::head;
use crate::work::kept::{FLAT, Level, measure};

/// The payload, if none is asked for.
const BYTES: usize = 300 << 10;

/// # Errors
/// A result was wrong, or the rate fell below that of fragments.
pub(super) fn run(options: &Options, machine: &Machine) -> Result<ExitCode, String> {
    let bytes = options.bytes.unwrap_or(BYTES);
    let inflight = options.inflight.unwrap_or(1);
    let levels = measure(options.setting, bytes, inflight, options.time())?;
    if options.json {
        let lines = levels.iter().map(|level| json(level, bytes, inflight));
        lines.for_each(|line| println!("{line}"));
    } else {
        println!("{}", head(machine, options));
        print!("{}", table(&levels, bytes, inflight));
    }
    match levels.iter().find(|level| !level.holds()) {
        None => Ok(ExitCode::SUCCESS),
        Some(level) => Err(format!(
            "with {} kept results the rate is {:.2} of that of fragments, and {FLAT} is the least",
            level.kept, level.of_fragments
        )),
    }
}

/// A table for people.
fn table(levels: &[Level], bytes: usize, inflight: usize) -> String {
    let mut lines = vec![
        format!(
            "calls whose results are {bytes} bytes, {inflight} under way; each kept result stays in its slot"
        ),
        format!(
            "{:>12}{:>16}{:>16}{:>12}{:>12}{:>26}",
            "kept results",
            "of them in fr.",
            "calls in fr.",
            "a second",
            "MB/s",
            "of the rate of fragments"
        ),
    ];
    for level in levels {
        lines.push(format!(
            "{:>12}{:>16}{:>14.0} %{:>12.0}{:>12.0}{:>26.2}",
            level.kept,
            level.kept_in_fragments,
            level.in_fragments * 100.0,
            level.per_s,
            level.per_s * bytes as f64 / 1e6,
            level.of_fragments,
        ));
    }
    let rounds = levels.first().map_or(0, |level| level.rounds);
    lines.push(format!("{rounds} rounds of each, in turn; fr.: fragments"));
    lines.join("\n") + "\n"
}

/// One JSON object a line.
fn json(level: &Level, bytes: usize, inflight: usize) -> String {
    format!(
        "{{\"case\":\"kept\",\"bytes\":{bytes},\"inflight\":{inflight},\"kept\":{},\"kept_in_fragments\":{},\
         \"in_fragments\":{:.3},\"per_s\":{:.1},\"of_fragments\":{:.3},\"rounds\":{}}}",
        level.kept,
        level.kept_in_fragments,
        level.in_fragments,
        level.per_s,
        level.of_fragments,
        level.rounds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(of_fragments: f64) -> Level {
        Level {
            kept: 96,
            kept_in_fragments: 48,
            in_fragments: 1.0,
            per_s: 5000.0,
            of_fragments,
            rounds: 7,
        }
    }

    #[test]
    fn a_rate_that_falls_below_that_of_fragments_does_not_hold() {
        assert!(level(FLAT).holds());
        assert!(!level(FLAT - 0.01).holds());
    }

    #[test]
    fn a_row_has_all_figures() {
        let table = table(&[level(0.97)], 300 << 10, 1);
        let row = table.lines().nth(2).unwrap();
        let row = row.split_whitespace().collect::<Vec<_>>();
        assert_eq!(row, ["96", "48", "100", "%", "5000", "1536", "0.97"]);
        assert_eq!(
            json(&level(0.97), 300 << 10, 1),
            "{\"case\":\"kept\",\"bytes\":307200,\"inflight\":1,\"kept\":96,\"kept_in_fragments\":48,\
             \"in_fragments\":1.000,\"per_s\":5000.0,\"of_fragments\":0.970,\"rounds\":7}"
        );
    }
}
