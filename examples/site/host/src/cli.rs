//! The command line.
//!
//! - CL1: exit code 0: the site is complete. 1: something is missing from it, or there is none. 2: the command
//!   line is wrong.
//! - CL2: with `--in-process`, the program `site` executes `site-in-process`, which lies beside it: the host
//!   itself never depends on the services' implementations.

use std::hash::{BuildHasher, RandomState};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::build::{BuildOptions, Outcome, build};
use crate::error::BuildError;
use crate::progress::Progress;
use crate::report;
use crate::workshop::{Services, Workshop};

/// Builds static sites from Markdown.
#[derive(Debug, Parser)]
#[command(name = "site", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build a site.
    Build(BuildArguments),
}

/// How to build a site.
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// The directory that holds the pages.
    pub content: PathBuf,
    /// The directory to write the site to.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Run the services in this process instead of plugins.
    #[arg(long)]
    pub in_process: bool,
    /// Kill randomly chosen plugins this many times while they work.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        conflicts_with = "in_process"
    )]
    pub chaos: u32,
    /// Draw the same kills as an earlier run.
    #[arg(long, value_name = "SEED", requires = "chaos")]
    pub seed: Option<u64>,
    /// Print what each plugin did as one line of JSON.
    #[arg(long)]
    pub json: bool,
    /// The directory that holds the plugins [default: that of this program].
    #[arg(long, value_name = "DIR", conflicts_with = "in_process")]
    pub plugins: Option<PathBuf>,
    /// Show all problems, where otherwise the first of each kind are shown.
    #[arg(long)]
    pub all_problems: bool,
}

/// Runs the program `site`.
pub async fn run(arguments: Arguments) -> ExitCode {
    let Command::Build(arguments) = arguments.command;
    if arguments.in_process {
        return failed(&become_in_process());
    }
    let folder = match arguments.plugins.clone().map_or_else(own_folder, Ok) {
        Ok(folder) => folder,
        Err(error) => return failed(&error),
    };
    let kills = arguments.chaos;
    run_with(&arguments, || async move {
        Workshop::start(&folder, kills).await
    })
    .await
}

/// Runs the program `site-in-process`, which has the services.
pub async fn run_in_process(arguments: Arguments, services: impl FnOnce() -> Services) -> ExitCode {
    let Command::Build(arguments) = arguments.command;
    run_with(
        &arguments,
        || async move { Ok(Workshop::local(services())) },
    )
    .await
}

async fn run_with<F>(arguments: &BuildArguments, start: impl FnOnce() -> F) -> ExitCode
where
    F: Future<Output = Result<Workshop, BuildError>>,
{
    let options = BuildOptions {
        content: arguments.content.clone(),
        output: arguments.out.clone(),
        kills: arguments.chaos,
        // Random, and short enough to type again.
        seed: arguments
            .seed
            .unwrap_or_else(|| RandomState::new().hash_one(0) & 0xffff_ffff),
    };
    if options.kills > 0 {
        eprintln!(
            "chaos: {} kills, `--seed {}` repeats them",
            options.kills, options.seed
        );
    }
    match build(&options, Progress::on_terminal(), start).await {
        Ok(outcome) => done(arguments, &outcome),
        Err(error) => failed(&error),
    }
}

fn done(arguments: &BuildArguments, outcome: &Outcome) -> ExitCode {
    eprint!(
        "{}",
        report::problems(&outcome.problems, arguments.all_problems)
    );
    if arguments.json {
        println!("{}", report::json(outcome));
    } else {
        print!("{}", report::table(outcome));
    }
    let faults = outcome
        .problems
        .iter()
        .filter(|problem| problem.kind.is_fault())
        .count();
    if faults > 0 {
        eprintln!("error: the site is incomplete: {faults} of its files were left out, see above");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn failed(error: &BuildError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

/// Executes the program with the services linked in (CL2). Returns only on failure.
fn become_in_process() -> BuildError {
    let path = match own_folder() {
        Ok(folder) => folder.join(format!("site-in-process{}", std::env::consts::EXE_SUFFIX)),
        Err(error) => return error,
    };
    if !path.exists() {
        return BuildError::InProcessMissing { path };
    }
    let error = std::process::Command::new(&path)
        .args(std::env::args_os().skip(1))
        .exec();
    BuildError::Start { path, error }
}

/// Returns the directory of this program, which also holds its plugins.
fn own_folder() -> Result<PathBuf, BuildError> {
    let program = std::env::current_exe().map_err(|error| BuildError::Start {
        path: PathBuf::from("site"),
        error,
    })?;
    Ok(program.parent().map(Path::to_owned).unwrap_or_default())
}
