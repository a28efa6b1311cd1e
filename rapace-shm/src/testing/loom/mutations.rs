//! Checks that each ordering is needed: runs the models with one ordering weakened at a time.
//!
//! A mutant that no model refutes is an ordering that is not needed, or shows that a model is missing. Only a
//! failed assertion of a model refutes a mutant; a process that is stopped by the time limit, or by a limit of
//! the checker, refutes nothing.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, fmt, fs, thread};

use crate::sync::Ordering;
use crate::sync::ordering_site::{MUTANT, OrderingSite};
use crate::sync::orderings;
use crate::testing::orderings::{COMMITTED, HEADER, row_start, table};

/// How a model ended.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Refuted(Refutation),
    /// Stopped after [`LIMIT`].
    TimedOut,
    /// Another failure, which proves nothing.
    Broken(String),
}

/// The kind of assertion that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refutation {
    LostWakeUp,
    Torn,
    Assertion,
}

impl fmt::Display for Refutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LostWakeUp => "a wake-up is lost",
            Self::Torn => "bytes are torn",
            Self::Assertion => "an assertion fails",
        })
    }
}

impl Outcome {
    fn of_failure(errors: String) -> Self {
        if errors.contains("deadlock; threads") || errors.contains("a wake-up is lost") {
            Self::Refuted(Refutation::LostWakeUp)
        } else if errors.contains("Causality violation") {
            Self::Refuted(Refutation::Torn)
        } else if errors.contains("assertion") || errors.contains("called `Result::unwrap()`") {
            Self::Refuted(Refutation::Assertion)
        } else {
            Self::Broken(errors)
        }
    }
}

/// Runs one model in a process of its own.
fn run(model: &str, mutant: Option<(&OrderingSite, Ordering)>) -> Outcome {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([model, "--exact", "--test-threads=1", "--nocapture"]);
    command.env_remove(MUTANT).env("RUST_BACKTRACE", "0");
    if let Some((site, weaker)) = mutant {
        command.env(MUTANT, format!("{}={}", site.name, site.spell(weaker)));
    }
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = child.stderr.take().unwrap();
    let (sender, errors) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut errors = String::new();
        let read = stderr.read_to_string(&mut errors);
        let _ = sender.send(read.map(|_| errors));
    });
    let errors = errors.recv_timeout(LIMIT);
    if errors.is_err() {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    reading.join().unwrap();
    match errors {
        Err(_) => Outcome::TimedOut,
        Ok(_) if status.success() => Outcome::Passed,
        Ok(errors) => Outcome::of_failure(errors.unwrap()),
    }
}

/// Returns all models that must pass as shipped.
fn models() -> Vec<String> {
    let list = Command::new(env::current_exe().unwrap())
        .args([MODELS, "--list", "--format=terse"])
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let tests = list.lines().filter_map(|line| line.strip_suffix(": test"));
    let is_model = |name: &&str| !name.contains("::without_") && !name.contains("::mutations::");
    tests.filter(is_model).map(str::to_owned).collect()
}

/// Returns the row of one mutant. Models of the module that uses the ordering run first.
fn refute(site: &OrderingSite, weaker: Ordering, models: &[String]) -> Result<String, String> {
    let own = format!("{MODELS}{}::", site.module);
    let (first, then): (Vec<&String>, Vec<&String>) =
        models.iter().partition(|model| model.starts_with(&own));
    let start = row_start(site, weaker);
    let mut unclear = Vec::new();
    for model in first.into_iter().chain(then) {
        let name = model.trim_start_matches(MODELS);
        match run(model, Some((site, weaker))) {
            Outcome::Passed => {}
            Outcome::Refuted(how) => return Ok(format!("{start} `{name}`: {how} |")),
            Outcome::TimedOut => unclear.push(format!("{name} timed out")),
            Outcome::Broken(errors) => unclear.push(format!("{name}: {errors}")),
        }
    }
    Err(format!("{start} SURVIVED {unclear:?} |"))
}

#[test]
#[ignore = "runs the models once for each mutant, a minute or more: .ci/orderings"]
fn every_weakened_ordering_is_refuted() {
    let began = Instant::now();
    let models = models();
    assert!(models.len() > 10, "the models were not found: {models:?}");
    for model in &models {
        let began = Instant::now();
        assert_eq!(run(model, None), Outcome::Passed, "{model}, as shipped");
        println!("{:>8.2?} {model}", began.elapsed());
    }
    println!("\n{HEADER}");
    let mut survivors = Vec::new();
    let mut rows = Vec::new();
    for site in orderings::ALL {
        for &weaker in site.weaker() {
            let row = refute(site, weaker, &models).unwrap_or_else(|survivor| {
                survivors.push(survivor.clone());
                survivor
            });
            println!("{row}");
            rows.push(row);
        }
    }
    println!(
        "{} mutants, {} survivors, {:.0?}",
        rows.len(),
        survivors.len(),
        began.elapsed()
    );
    assert!(survivors.is_empty(), "survivors: {survivors:#?}");
    if env::var_os("RAPACE_WRITE_ORDERINGS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/ORDERINGS.md");
        let (prose, _) = COMMITTED.split_once(HEADER).unwrap();
        fs::write(path, format!("{prose}{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    } else {
        assert_eq!(
            table(),
            rows,
            "ORDERINGS.md is stale: .ci/orderings --write renews it"
        );
    }
}

/// The module of the models.
const MODELS: &str = "testing::loom::";

/// Time limit of one model, on a machine that is busy with other work. A model takes seconds.
const LIMIT: Duration = Duration::from_secs(60);
