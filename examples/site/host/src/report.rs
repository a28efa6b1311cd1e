//! The report at the end of a build.
//!
//! - R1: problems go to standard error, by kind; the plugins' statistics go to standard output, as a table for
//!   people or as one line of JSON for programs.
//! - R2: of many problems of one kind, the first are shown and the others counted, unless all are requested.

use std::time::Duration;

use facet::Facet;

use crate::build::Outcome;
use crate::engine::Tally;
use crate::problem::{Problem, ProblemKind};

/// How many problems of a kind are shown: enough to fit on a screen.
const SHOWN: usize = 8;

/// Formats the problems by kind; empty if there are none.
pub(crate) fn problems(problems: &[Problem], all: bool) -> String {
    let mut text = String::new();
    for kind in ProblemKind::ALL {
        let of_kind: Vec<&Problem> = problems
            .iter()
            .filter(|problem| problem.kind == kind)
            .collect();
        if of_kind.is_empty() {
            continue;
        }
        let level = if kind.is_fault() { "error" } else { "warning" };
        text.push_str(&format!(
            "{level}: {} ({})\n",
            kind.heading(),
            of_kind.len()
        ));
        let shown = if all || of_kind.len() <= SHOWN + 1 {
            of_kind.len()
        } else {
            SHOWN
        };
        for problem in &of_kind[..shown] {
            text.push_str(&format!("  {problem}\n"));
        }
        if shown < of_kind.len() {
            text.push_str(&format!(
                "  and {} more: `--all-problems` shows them\n",
                of_kind.len() - shown
            ));
        }
    }
    text
}

/// The line of JSON.
#[derive(Facet)]
struct Json {
    pages: usize,
    images: usize,
    elapsed_ms: u64,
    kills: u32,
    problems: usize,
    plugins: Vec<JsonPlugin>,
}

#[derive(Facet)]
struct JsonPlugin {
    name: &'static str,
    calls: u64,
    streams: u64,
    bytes_in: u64,
    bytes_out: u64,
    restarts: u64,
    redelivered: u64,
    retried: u64,
    failed: u64,
    p50_us: u64,
    p99_us: u64,
}

/// Formats everything as one line of JSON.
pub(crate) fn json(outcome: &Outcome) -> String {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let plugin = |tally: &Tally| JsonPlugin {
        name: tally.plugin.name(),
        calls: tally.calls,
        streams: tally.streams,
        bytes_in: tally.bytes_in,
        bytes_out: tally.bytes_out,
        restarts: tally.restarts,
        redelivered: tally.redelivered,
        retried: tally.retried,
        failed: tally.failed,
        p50_us: micros(tally.p50),
        p99_us: micros(tally.p99),
    };
    let json = Json {
        pages: outcome.pages,
        images: outcome.images,
        elapsed_ms: u64::try_from(outcome.elapsed.as_millis()).unwrap_or(u64::MAX),
        kills: outcome.kills,
        problems: outcome.problems.len(),
        plugins: outcome.plugins.iter().map(plugin).collect(),
    };
    facet_json::to_string(&json).expect("strings and numbers always have a JSON form")
}

/// Formats the plugins' statistics as a table, with a summary line.
pub(crate) fn table(outcome: &Outcome) -> String {
    let head = [
        "plugin",
        "calls",
        "streams",
        "in",
        "out",
        "restarts",
        "redelivered",
        "retried",
        "failed",
        "p50",
        "p99",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(outcome.plugins.iter().map(row));
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let cell = if column == 0 {
                format!("{cell:<width$}")
            } else {
                format!("  {cell:>width$}")
            };
            text.push_str(&cell);
        }
        text.push('\n');
    }
    let kills = match outcome.kills {
        0 => String::new(),
        1 => ", 1 process killed".to_owned(),
        kills => format!(", {kills} processes killed"),
    };
    text.push_str(&format!(
        "\n{} pages and {} images in {:.1} s{kills}\n",
        outcome.pages,
        outcome.images,
        outcome.elapsed.as_secs_f64()
    ));
    text
}

fn row(tally: &Tally) -> [String; 11] {
    [
        tally.plugin.name().to_owned(),
        tally.calls.to_string(),
        tally.streams.to_string(),
        bytes(tally.bytes_in),
        bytes(tally.bytes_out),
        tally.restarts.to_string(),
        tally.redelivered.to_string(),
        tally.retried.to_string(),
        tally.failed.to_string(),
        time(tally.p50),
        time(tally.p99),
    ]
}

/// Formats a size with a suitable unit.
fn bytes(bytes: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

/// Formats a duration with a suitable unit.
fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        0.0..1e3 => format!("{micros:.0} µs"),
        1e3..1e6 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::PluginKind;

    fn outcome() -> Outcome {
        let tally = Tally {
            plugin: PluginKind::Images,
            calls: 45,
            streams: 0,
            bytes_in: 3 << 20,
            bytes_out: 1500,
            restarts: 2,
            redelivered: 1,
            retried: 1,
            failed: 0,
            p50: Duration::from_micros(1234),
            p99: Duration::from_micros(99),
        };
        Outcome {
            pages: 3,
            images: 2,
            elapsed: Duration::from_millis(1250),
            kills: 2,
            plugins: vec![tally],
            problems: Vec::new(),
        }
    }

    #[test]
    fn json_is_one_line_with_every_figure() {
        assert_eq!(
            json(&outcome()),
            "{\"pages\":3,\"images\":2,\"elapsed_ms\":1250,\"kills\":2,\"problems\":0,\"plugins\":[{\"name\":\"images\",\
             \"calls\":45,\"streams\":0,\"bytes_in\":3145728,\"bytes_out\":1500,\"restarts\":2,\"redelivered\":1,\
             \"retried\":1,\"failed\":0,\"p50_us\":1234,\"p99_us\":99}]}"
        );
    }

    #[test]
    fn the_table_is_aligned_and_in_human_units() {
        assert_eq!(
            table(&outcome()),
            "plugin  calls  streams       in      out  restarts  redelivered  retried  failed     p50    p99\n\
             images     45        0  3.0 MiB  1.5 KiB         2            1        1       0  1.2 ms  99 µs\n\
             \n3 pages and 2 images in 1.2 s, 2 processes killed\n"
        );
    }

    #[test]
    fn of_many_problems_the_first_are_shown_and_the_others_counted() {
        let many: Vec<Problem> = (1..=20)
            .map(|line| Problem::of_line("a.md", line, ProblemKind::Link, "x"))
            .chain([Problem::of_file("b.md", ProblemKind::LeftOut, "y")])
            .collect();
        let text = problems(&many, false);
        assert!(text.starts_with(
            "error: left out of the site (1)\n  b.md: y\nwarning: links that lead nowhere (20)\n"
        ));
        assert!(
            text.ends_with("  a.md:8: x\n  and 12 more: `--all-problems` shows them\n"),
            "{text}"
        );
        assert_eq!(problems(&many, true).lines().count(), 23);
        assert_eq!(
            problems(&many[..9], false).lines().count(),
            10,
            "a single one is not hidden behind a line about it"
        );
    }
}
