//! `cargo handbook`: builds the site builder and its plugins, and runs it on the handbook.
//!
//! Arguments are passed on to the site builder, so that `cargo handbook --chaos 20` kills its plugins while they
//! build the handbook.
//!
//! - H1: all output goes to cargo's target directory: the executables and the handbook.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus};

use facet::Facet;

/// The packages to build: the builder, its in-process variant, its plugins.
const PACKAGES: [&str; 7] = [
    "site-host",
    "site-in-process",
    "site-highlight",
    "site-images",
    "site-links",
    "site-markdown",
    "site-search",
];

fn main() -> ExitCode {
    match run() {
        Ok(index) => {
            println!("\nThe handbook is at file://{}", index.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the handbook; returns its first page.
fn run() -> Result<PathBuf, Failure> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let project = Project::find(&cargo)?;
    let mut build = Command::new(&cargo);
    build
        .current_dir(&project.workspace_root)
        .args(["build", "--release"]);
    for package in PACKAGES {
        build.args(["--package", package]);
    }
    succeed(build, "building the site builder and its plugins")?;

    let target = Path::new(&project.target_directory);
    let out = target.join("handbook");
    let mut site = Command::new(
        target
            .join("release")
            .join(format!("site{}", std::env::consts::EXE_SUFFIX)),
    );
    site.arg("build")
        .arg(Path::new(&project.workspace_root).join("docs"))
        .arg("--out")
        .arg(&out)
        .args(std::env::args_os().skip(1));
    succeed(site, "building the handbook")?;
    Ok(out.join("index.html"))
}

/// The project's metadata from cargo.
#[derive(Debug, Facet)]
struct Project {
    workspace_root: String,
    target_directory: String,
}

impl Project {
    /// Asks cargo, which resolves every way to set the target directory.
    fn find(cargo: &OsString) -> Result<Self, Failure> {
        let mut ask = Command::new(cargo);
        ask.args(["metadata", "--format-version", "1", "--no-deps"]);
        // Set by `cargo run`: valid whatever the working directory.
        if let Some(package) = std::env::var_os("CARGO_MANIFEST_DIR") {
            ask.current_dir(package);
        }
        let output = ask.output().map_err(|error| Failure::start(&ask, error))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(Failure::Project(said));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        facet_json::from_str(&text).map_err(|error| Failure::Project(error.to_string()))
    }
}

fn succeed(mut command: Command, doing: &'static str) -> Result<(), Failure> {
    match command.status() {
        Err(error) => Err(Failure::start(&command, error)),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Ended { doing, status }),
    }
}

/// Why there is no handbook.
#[derive(Debug)]
enum Failure {
    Start {
        program: OsString,
        error: io::Error,
    },
    Project(String),
    Ended {
        doing: &'static str,
        status: ExitStatus,
    },
}

impl Failure {
    fn start(command: &Command, error: io::Error) -> Self {
        Self::Start {
            program: command.get_program().to_owned(),
            error,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start { program, error } => {
                write!(f, "`{}` cannot be started: {error}", program.display())
            }
            Self::Project(reason) => write!(
                f,
                "cargo does not know the project: {reason}; run `cargo handbook` in it"
            ),
            Self::Ended { doing, status } => write!(f, "{doing} failed ({status}): see above"),
        }
    }
}
