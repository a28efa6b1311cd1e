//! All peers beside rapace, their rounds in turn.
//!
//! - P1: a peer whose program is missing, or that fails at a point, is reported with the reason and left out;
//!   rapace's own failure fails the benchmark.
//! - P2: with one call in flight all are compared with the bare ping-pong, with many with the local actor.
//!   Where every byte is touched, the question is how much longer the others take: they are compared with
//!   rapace's own buffers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rapace_measure::machine::Machine;
use rapace_measure::touch::HEAD;

use super::figures::{Figures, against};
use super::options::Options;
use super::point::Point;
use super::row::Row;
use super::run::{count_syscalls, rounds};
use super::subject::Subject;
use super::{json, plot, table};

/// Payloads, one call at a time.
const SIZES: [usize; 5] = [16, 1 << 10, 64 << 10, 1 << 20, 16 << 20];

/// Depths, with the first payload.
const DEPTHS: [usize; 4] = [1, 4, 16, 64];

/// The folder in which the peers are built, and the command that builds them.
const PEERS: &str = "benches/peers/target/release";
const BUILD: &str = "cargo build --release --manifest-path benches/peers/Cargo.toml";

/// Name, program, arguments.
const ALL: [(&str, &str, &[&str]); 8] = [
    ("tokio UnixStream, postcard", "peer-unix-postcard", &[]),
    ("ipc-channel, bytes", "peer-ipc-channel", &[]),
    ("iceoryx2, events", "peer-iceoryx2", &["event"]),
    ("iceoryx2, busy polling", "peer-iceoryx2", &["poll"]),
    ("tarpc, bincode, Unix socket", "peer-tarpc", &[]),
    ("tonic, Unix socket", "peer-tonic", &[]),
    ("rapace 0.5, shared memory", "peer-rapace-0-5", &[]),
    ("kameo remote, TCP", "peer-kameo-remote", &[]),
];

/// rapace without a slot for its payloads.
const FRAGMENTS: &str = "rapace, Vec<u8>, in fragments";

/// Payloads above this size are measured in fragments, too.
const FRAGMENTED: usize = 64 << 10;

/// rapace with buffers that are sent without a copy.
const BUFFERS: &str = "rapace, Blob";

pub(super) fn run(options: &Options, machine: &Machine) -> Result<ExitCode, String> {
    let (mut peers, mut notes) = peers(options);
    let time = Duration::from_secs_f64(options.seconds.unwrap_or(10.0));
    let mut rows = Vec::new();
    for point in points(options) {
        let at = at_point(&point, options, &mut peers, time, &mut notes)?;
        if options.json {
            for Row { name, figures, .. } in &at {
                println!(
                    "{}",
                    json::line(&format!("compare: {name}"), &point, options, figures)
                );
            }
        }
        rows.extend(at);
    }
    if !options.json {
        println!(
            "{}\n\n{}",
            table::head(machine, options),
            table(&rows, options)
        );
    }
    for note in &notes {
        eprintln!("{note}");
    }
    if let Some(file) = &options.plot {
        let picture = plot::svg(&rows, &table::head(machine, options));
        std::fs::write(file, picture).map_err(|why| format!("{}: {why}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The points of the given payload and depth, or all points.
fn points(options: &Options) -> Vec<Point> {
    let mut sizes = options.bytes.map_or(SIZES.to_vec(), |bytes| vec![bytes]);
    if options.setting.touch {
        sizes.retain(|bytes| *bytes > HEAD);
    }
    let depths = match (options.inflight, options.bytes) {
        (Some(inflight), _) => vec![inflight],
        (None, Some(_)) => vec![1],
        (None, None) => DEPTHS.to_vec(),
    };
    let first = sizes[0];
    let by_size = sizes.into_iter().map(|bytes| Point {
        bytes,
        inflight: depths[0],
    });
    let by_depth = depths.iter().skip(1).map(|inflight| Point {
        bytes: first,
        inflight: *inflight,
    });
    by_size.chain(by_depth).collect()
}

/// The peers whose programs exist (P1).
fn peers(options: &Options) -> (Vec<Subject>, Vec<String>) {
    let folder = options
        .peers
        .clone()
        .unwrap_or_else(|| PathBuf::from(PEERS));
    let mut peers = Vec::new();
    let mut notes = Vec::new();
    for (name, program, words) in ALL {
        let path = folder.join(program);
        if path.is_file() {
            let words = [&["drive"], words].concat();
            peers.push(Subject::peer(name, &path, &words, &options.without_spin()));
        } else {
            notes.push(missing(name, &path));
        }
    }
    (peers, notes)
}

fn missing(name: &str, path: &Path) -> String {
    format!(
        "left out: {name}, since there is no {}: {BUILD}",
        path.display()
    )
}

fn at_point(
    point: &Point,
    options: &Options,
    peers: &mut Vec<Subject>,
    time: Duration,
    notes: &mut Vec<String>,
) -> Result<Vec<Row>, String> {
    let asked = options;
    let options = &asked.without_spin();
    let own = |name: &str, work: &str| Subject::own(name, work, options);
    // P2
    let mut subjects = match (asked.setting.touch, point.inflight) {
        (true, _) => vec![
            own(BUFFERS, "blob")?,
            own("memcpy of the same bytes, hot", "memcpy")?,
            own("rapace, Vec<u8>", "ask")?,
        ],
        (false, 1) => vec![
            own("floor: bare eventfd ping-pong", "ping-pong")?,
            own("local kameo ask", "local")?,
            own("rapace, Vec<u8>", "ask")?,
            own(BUFFERS, "blob")?,
        ],
        (false, _) => vec![
            own("floor: local kameo ask", "local")?,
            own("rapace, Vec<u8>", "ask")?,
            own(BUFFERS, "blob")?,
        ],
    };
    if point.bytes > FRAGMENTED {
        subjects.push(own(FRAGMENTS, "fragments")?);
    }
    if asked.setting.spin > 0 {
        let name = format!("rapace, Vec<u8>, --spin {}", asked.setting.spin);
        subjects.push(Subject::own(&name, "ask", asked)?);
    }
    let ours = subjects.len();
    subjects.extend(peers.iter().cloned());
    let all = loop {
        match rounds(&subjects, point, Duration::from_millis(40), time) {
            Ok(all) => break all,
            Err(failed) if failed.subject >= ours => {
                notes.push(format!(
                    "left out at {} bytes, {} under way: {}",
                    point.bytes, point.inflight, failed.why
                ));
                let removed = subjects.remove(failed.subject);
                // A subject that cannot be set up here cannot be at the next point either.
                if !failed.ready {
                    peers.retain(|peer| peer.name != removed.name);
                }
            }
            Err(failed) => return Err(failed.why),
        }
    };
    // All subjects have ended: only then can another be traced.
    let count = |subject| count_syscalls(subject, point, 128).ok();
    let counts = subjects.iter().map(count).collect::<Vec<_>>();
    let row = |(index, subject): (usize, &Subject)| {
        let mut figures = against(&all, index, Some(0), point);
        figures.syscalls = counts[index];
        Row {
            name: subject.name.clone(),
            point: *point,
            figures,
        }
    };
    Ok(subjects.iter().enumerate().map(row).collect())
}

/// A Markdown table: a row for each subject, a column for each point.
fn table(rows: &[Row], options: &Options) -> String {
    let first = if options.setting.touch {
        BUFFERS
    } else {
        "floor"
    };
    let mut points = Vec::new();
    let mut names = Vec::new();
    for row in rows {
        if !points.contains(&row.point) {
            points.push(row.point);
        }
        if !names.contains(&&row.name) {
            names.push(&row.name);
        }
    }
    let at = |name: &str, point: &Point| {
        let row = rows
            .iter()
            .find(|row| row.name == name && row.point == *point);
        row.map(|row| row.figures)
    };
    let mut lines = vec![String::from("|"), String::from("|---|")];
    lines[0] += " |";
    for point in &points {
        lines[0] += &match point.inflight {
            1 => format!(" {} B, p50 µs (÷ {first}) |", point.bytes),
            depth => format!(" {depth} × {} B, calls/s (÷ {first}) |", point.bytes),
        };
        lines[1] += "---|";
    }
    lines[0] += " CPU µs a call, here + there | system calls a call |";
    lines[1] += "---|---|";
    for name in names {
        let mut line = format!("| {name} |");
        for point in &points {
            line += &at(name, point).map_or(" – |".to_owned(), |figures| {
                let ratio = figures.ratio.unwrap_or(f64::NAN);
                match point.inflight {
                    1 => format!(" {:.1} ({ratio:.2}) |", figures.p50 / 1e3),
                    _ => format!(" {:.0}k ({ratio:.2}) |", figures.per_s / 1e3),
                }
            });
        }
        // Of the first point, and of the deepest.
        let of = |figure: &dyn Fn(&Figures) -> String| {
            let ends = [points.first(), points.last().filter(|_| points.len() > 1)];
            let ends = ends.into_iter().flatten();
            let shown = ends.map(|point| at(name, point).map_or("–".to_owned(), |f| figure(&f)));
            shown.collect::<Vec<_>>().join("; ")
        };
        let cpu = |f: &Figures| format!("{:.1} + {:.1}", f.cpu_here / 1e3, f.cpu_there / 1e3);
        let calls = |f: &Figures| {
            f.syscalls
                .map_or("–".to_owned(), |calls| format!("{calls:.1}"))
        };
        line += &format!(" {} | {} |", of(&cpu), of(&calls));
        lines.push(line);
    }
    lines.push(String::from(
        "\nProcessor time and system calls are those of the first column; and of the last.",
    ));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_narrows_the_points() {
        let all = points(&Options::default());
        assert_eq!(all.len(), SIZES.len() + DEPTHS.len() - 1);
        let mut touched = Options::default();
        touched.setting.touch = true;
        assert!(points(&touched).iter().all(|point| point.bytes > HEAD));
        let one = Options {
            bytes: Some(100),
            inflight: Some(8),
            ..Options::default()
        };
        let point = Point {
            bytes: 100,
            inflight: 8,
        };
        assert_eq!(points(&one), [point]);
    }

    #[test]
    fn a_missing_peer_is_named_with_the_command_that_builds_it() {
        let options = Options {
            peers: Some("/nowhere".into()),
            ..Options::default()
        };
        let (peers, notes) = peers(&options);
        assert!(peers.is_empty());
        assert_eq!(notes.len(), ALL.len());
        assert!(notes[0].contains(BUILD), "{}", notes[0]);
    }
}
