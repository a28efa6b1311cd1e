//! The cost of a call and of a stream's item as counts, which are the same on every machine, for one compiler and
//! one C library.
//!
//! Each figure is the work of one side for a call or an item in [`turns`], minus the cost of turns in which nothing
//! happens.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

use rapace_measure::callgrind::{self, Executed};

use super::options::Options;
use crate::turns;
use crate::work::count::{CALLS, IDLE, ITEMS, Part, STREAM_TURNS, TURNS};

/// What a side does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Point {
    work: Work,
    side: Side,
}

/// The unit that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// A call, with this many in flight.
    Call { inflight: usize },
    /// An item of a stream.
    Item,
}

/// In the order of the table's columns, with their headings.
const WORK: [(Work, &str); 3] = [
    (Work::Call { inflight: 1 }, "one at a time"),
    (Work::Call { inflight: 64 }, "64 in flight"),
    (Work::Item, "item of a stream"),
];

impl Work {
    fn part(self) -> Part {
        match self {
            Self::Call { inflight } => Part::Calls { inflight },
            Self::Item => Part::Stream,
        }
    }

    /// How many are done, and in how many turns of the answerer.
    fn times(self) -> (u64, u64) {
        match self {
            Self::Call { inflight } => (CALLS * inflight as u64, TURNS),
            Self::Item => (ITEMS, STREAM_TURNS),
        }
    }

    /// The first word of a line of ceilings.
    fn key(self) -> String {
        match self {
            Self::Call { inflight } => inflight.to_string(),
            Self::Item => "item".to_owned(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Caller,
    Answerer,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Answerer => "answerer",
        }
    }

    /// The name of its function, for valgrind.
    fn function(self) -> &'static str {
        match self {
            Self::Caller => "turns::callers_turn",
            Self::Answerer => "turns::answerers_turn",
        }
    }
}

type Take = fn(&Executed) -> u64;

/// The figures that are counted, in the order of the table's rows.
const FIGURES: [(&str, Take); 4] = [
    ("instructions", |it| it.instructions),
    ("allocations", |it| it.allocations),
    ("read-modify-writes", |it| it.read_modify_writes),
    ("system calls", |it| it.system_calls),
];

/// One figure of a point, for one call.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    point: Point,
    name: &'static str,
    value: f64,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, String> {
    callgrind::available()?;
    let figures = count()?;
    if options.json {
        figures.iter().for_each(|it| println!("{}", json(it)));
    } else {
        print!("{}", table(&figures));
    }
    if let Some(file) = &options.write {
        std::fs::write(file, ceilings(&figures)).map_err(|why| at(file, &why))?;
    }
    let Some(file) = &options.against else {
        return Ok(ExitCode::SUCCESS);
    };
    let known = std::fs::read_to_string(file).map_err(|why| at(file, &why))?;
    let over = over(&figures, &known)?;
    if over.is_empty() {
        println!("none is over its ceiling in {}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    over.iter().for_each(|line| println!("{line}"));
    Ok(ExitCode::from(1))
}

fn at(file: &Path, why: &std::io::Error) -> String {
    format!("{}: {why}", file.display())
}

fn count() -> Result<Vec<Figure>, String> {
    let program = std::env::current_exe().map_err(|why| why.to_string())?;
    let of =
        |part: Part, side: Side| callgrind::count(&program, &part.arguments(), side.function());
    let mut figures = Vec::new();
    for side in [Side::Caller, Side::Answerer] {
        let idle = of(Part::Idle, side)?;
        for (work, _) in WORK {
            let executed = of(work.part(), side)?;
            let (units, turns) = work.times();
            let turns = match side {
                Side::Caller => turns + 1,
                Side::Answerer => turns,
            };
            for (name, figure) in FIGURES {
                let nothing = figure(&idle) as f64 / IDLE as f64 * turns as f64;
                figures.push(Figure {
                    point: Point { work, side },
                    name,
                    value: (figure(&executed) as f64 - nothing) / units as f64,
                });
            }
        }
    }
    Ok(figures)
}

/// Prints a table for people.
fn table(figures: &[Figure]) -> String {
    let mut text = format!(
        "for each call of {} bytes that come back, and for each item of {} bytes, on a pair of sessions\n\n{:<20}",
        turns::BYTES,
        turns::ITEM_BYTES,
        ""
    );
    for (_, heading) in WORK {
        text += &format!("{heading:>24}");
    }
    text += &format!("\n{:<20}", "");
    for _ in WORK {
        text += &format!("{:>12}{:>12}", "caller", "answerer");
    }
    for (name, _) in FIGURES {
        text += &format!("\n{name:<20}");
        for (work, _) in WORK {
            for side in [Side::Caller, Side::Answerer] {
                let point = Point { work, side };
                let found = figures
                    .iter()
                    .find(|it| it.point == point && it.name == name);
                let value = found.map_or_else(|| "-".to_owned(), |it| shown(it.value));
                text += &format!("{value:>12}");
            }
        }
    }
    text + "\n"
}

fn shown(value: f64) -> String {
    match value {
        value if value < 100.0 => format!("{value:.2}"),
        value => format!("{value:.0}"),
    }
}

/// One JSON object a line.
fn json(figure: &Figure) -> String {
    let Figure { point, name, value } = figure;
    format!(
        "{{\"case\":\"count\",\"work\":{:?},\"side\":{:?},\"what\":{name:?},\"each\":{value:.3}}}",
        point.work.key(),
        point.side.name()
    )
}

/// A figure may be higher than its ceiling by this share: compilers and C libraries differ a little.
const SLACK: f64 = 1.05;

/// A figure that is a fraction of one may be higher by this much.
const GRAIN: f64 = 0.02;

fn key(figure: &Figure) -> String {
    let Point { work, side } = figure.point;
    format!("{} {} {}:", work.key(), side.name(), figure.name)
}

/// The figures as a file of ceilings.
fn ceilings(figures: &[Figure]) -> String {
    let mut text = "\
# For each call of 16 bytes, by the number of calls in flight and the side, and for each item of a stream.
# A figure may be higher by a twentieth.
# `rapace-bench count --write FILE` makes this file, built as `cargo build --release` does.
"
    .to_owned();
    for figure in figures {
        writeln!(text, "{} {:.3}", key(figure), figure.value).expect("a string grows");
    }
    text
}

/// The figures over their ceilings, a line each.
fn over(figures: &[Figure], ceilings: &str) -> Result<Vec<String>, String> {
    let mut over = Vec::new();
    for figure in figures {
        let key = key(figure);
        let known = ceilings.lines().find_map(|line| line.strip_prefix(&key));
        let known = known.ok_or_else(|| format!("there is no ceiling for {key}"))?;
        let known: f64 = known
            .trim()
            .parse()
            .map_err(|_| format!("{known} is no ceiling for {key}"))?;
        if figure.value > known * SLACK + GRAIN {
            over.push(format!(
                "over its ceiling: {key} {:.3}, where it was {known:.3}",
                figure.value
            ));
        }
    }
    Ok(over)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64) -> Figure {
        Figure {
            point: Point {
                work: Work::Call { inflight: 64 },
                side: Side::Caller,
            },
            name: "instructions",
            value,
        }
    }

    #[test]
    fn a_figure_may_rise_by_a_twentieth() {
        let known = ceilings(&[figure(1000.0)]);
        assert_eq!(over(&[figure(1050.0)], &known), Ok(vec![]));
        let over = over(&[figure(1051.0)], &known).unwrap();
        assert_eq!(
            over,
            ["over its ceiling: 64 caller instructions: 1051.000, where it was 1000.000"]
        );
    }

    #[test]
    fn a_file_without_a_ceiling_holds_nothing() {
        assert!(over(&[figure(1.0)], "").is_err());
        assert!(over(&[figure(1.0)], "64 caller instructions: many").is_err());
    }

    #[test]
    fn a_table_has_all_figures() {
        let table = table(&[figure(1234.5)]);
        for (name, _) in FIGURES {
            assert!(table.contains(name), "{table}");
        }
        assert!(table.contains("1234"), "{table}");
    }

    #[test]
    fn a_line_has_all_keys() {
        assert_eq!(
            json(&figure(12.3456)),
            "{\"case\":\"count\",\"work\":\"64\",\"side\":\"caller\",\"what\":\"instructions\",\"each\":12.346}"
        );
    }
}
