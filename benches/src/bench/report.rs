//! The figures, and their ratios to the floors of the same run.

use std::fmt;

use rapace_benches::machine::Machine;
use rapace_benches::sample::{Sample, median};

use super::options::Options;
use super::rows::Row;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Report {
    machine: Machine,
    setting: String,
    figures: Vec<Figure>,
    /// How often the bench rang the plugin's doorbell, and for how many descriptors.
    rings: (u64, u64),
}

/// One row. Times in nanoseconds; a ratio is absent where it would say nothing.
#[derive(Debug)]
struct Figure {
    row: Row,
    p50: f64,
    p99: f64,
    /// To the bare ping-pong.
    to_doorbells: Option<f64>,
    /// To the same ask of a local actor, or as many at once.
    to_local: Option<f64>,
    /// What the payload costs over 16 bytes, in copies of it.
    copies: Option<f64>,
}

impl Report {
    pub(crate) fn new(
        machine: Machine,
        options: &Options,
        rows: Vec<Row>,
        rounds: Vec<Vec<Sample>>,
        rings: (u64, u64),
    ) -> Self {
        let at = |round: &[Sample], wanted: Row| {
            let index = rows.iter().position(|row| *row == wanted);
            index.map(|index| round[index].p50)
        };
        let over = |figure: &dyn Fn(&[Sample]) -> Option<f64>| {
            let values = rounds.iter().map(|round| figure(round));
            values.collect::<Option<Vec<f64>>>().map(median)
        };
        let figures = rows.iter().enumerate().map(|(index, &row)| {
            let (floor, small) = floors(row);
            Figure {
                row,
                p50: median(rounds.iter().map(|round| round[index].p50).collect()),
                p99: median(rounds.iter().map(|round| round[index].p99).collect()),
                to_doorbells: over(&|round| {
                    small?;
                    Some(round[index].p50 / at(round, Row::Doorbells)?)
                }),
                to_local: over(&|round| Some(round[index].p50 / at(round, floor?)?)),
                copies: over(&|round| {
                    let size = row.payload().filter(|size| *size >= 64 << 10)?;
                    let payload = round[index].p50 - at(round, small?)?;
                    Some(payload / at(round, Row::Memcpy(size))?)
                }),
            }
        });
        Self {
            machine,
            setting: format!(
                "{} rounds of {} ms, {}, {}",
                options.rounds,
                options.time.as_millis(),
                match options.workers {
                    0 => "current-thread tokio".to_owned(),
                    n => format!("tokio with {n} workers"),
                },
                match options.cpu {
                    None => "not pinned",
                    Some(cpu) if cpu == options.other_cpu => "all processes on one processor",
                    Some(_) => "each process on its own processor",
                }
            ),
            figures: figures.collect(),
            rings,
        }
    }

    /// As one JSON object.
    pub(crate) fn json(&self) -> String {
        let number = |value: Option<f64>| match value {
            Some(value) => format!("{value:.3}"),
            None => "null".into(),
        };
        let rows = self.figures.iter().map(|figure| {
            format!(
                "    {{\"row\": {:?}, \"payload\": {}, \"p50_ns\": {:.1}, \"p99_ns\": {:.1}, \
                 \"to_doorbells\": {}, \"to_local\": {}, \"copies\": {}}}",
                figure.row.to_string(),
                figure
                    .row
                    .payload()
                    .map_or("null".into(), |size| size.to_string()),
                figure.p50,
                figure.p99,
                number(figure.to_doorbells),
                number(figure.to_local),
                number(figure.copies),
            )
        });
        let rows = rows.collect::<Vec<_>>().join(",\n");
        let Machine {
            processor,
            cpus,
            kernel,
            load,
        } = &self.machine;
        let (rings, descriptors) = self.rings;
        format!(
            "{{\n  \"processor\": {processor:?},\n  \"cpus\": {cpus},\n  \"kernel\": {kernel:?},\n  \
             \"load\": {load:?},\n  \"version\": {:?},\n  \"setting\": {:?},\n  \"rings\": {rings},\n  \
             \"descriptors\": {descriptors},\n  \"rows\": [\n{rows}\n  ]\n}}\n",
            env!("CARGO_PKG_VERSION"),
            self.setting,
        )
    }
}

/// What a row is held against: the local actor's row, and the same kind of ask with 16 bytes.
fn floors(row: Row) -> (Option<Row>, Option<Row>) {
    match row {
        Row::Doorbells | Row::Memcpy(_) | Row::Local(_) | Row::LocalPipelined => (None, None),
        Row::Bytes(size) => (Some(Row::Local(size)), Some(Row::Bytes(16))),
        Row::Blob(size) => (Some(Row::Local(size)), Some(Row::Blob(16))),
        Row::BlobThere(size) => (Some(Row::Local(size)), Some(Row::BlobThere(16))),
        Row::Pipelined => (Some(Row::LocalPipelined), None),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            processor,
            cpus,
            kernel,
            load,
        } = &self.machine;
        writeln!(
            f,
            "{processor}, {cpus} processors, Linux {kernel}, load {load}"
        )?;
        writeln!(f, "{}", self.setting)?;
        writeln!(
            f,
            "\n{:<30} {:>8} {:>10} {:>10} {:>10} {:>8} {:>8} {:>9}",
            "", "payload", "p50 µs", "p99 µs", "calls/s", "÷ bell", "÷ local", "÷ memcpy"
        )?;
        for figure in &self.figures {
            let ratio =
                |value: Option<f64>| value.map_or(String::new(), |value| format!("{value:.2}"));
            let pipelined = matches!(figure.row, Row::Pipelined | Row::LocalPipelined);
            let rate = if pipelined {
                format!("{:.0}", 1e9 / figure.p50)
            } else {
                String::new()
            };
            writeln!(
                f,
                "{:<30} {:>8} {:>10.2} {:>10.2} {:>10} {:>8} {:>8} {:>9}",
                figure.row.to_string(),
                figure
                    .row
                    .payload()
                    .map_or(String::new(), |size| size.to_string()),
                figure.p50 / 1e3,
                figure.p99 / 1e3,
                rate,
                ratio(figure.to_doorbells),
                ratio(figure.to_local),
                ratio(figure.copies),
            )?;
        }
        let (rings, descriptors) = self.rings;
        writeln!(
            f,
            "\n÷ memcpy: what the payload costs over 16 bytes, in copies of it."
        )?;
        writeln!(
            f,
            "The plugin's doorbell was rung {rings} times for {descriptors} descriptors."
        )
    }
}
