//! `rapace-endurance`: kills, counts and measures plugins, many times, through the public API only.
//!
//! ```text
//! cargo run --release -p rapace-endurance -- kills --count 20000
//! ```
//!
//! Each command checks its own claims. It prints what it measured, and exits with 1 and one line that
//! names what was violated. It starts itself again as its plugins, its hosts and their children.
//!
//! - E1: every wait has a timeout, and a timeout is a violation.
//! - E2: no signal is sent to a process that is not known to be ours (see `target`).
//! - E3: counts at the end are compared with counts of the same run, after a warm-up.
#![forbid(unsafe_code)]

mod deaths;
mod hosts;
mod idle;
mod journal;
mod kills;
mod many;
mod options;
mod pages;
mod plugin;
mod proc;
mod programs;
mod random;
mod resources;
mod sample;
mod sessions;
mod target;
mod violation;
mod waiting;

use std::process::ExitCode;

use options::{Command, Options};
use violation::Outcome;

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(64);
        }
    };
    match resources::with_a_frugal_allocator().and_then(|()| run(&options)) {
        Ok(code) => code,
        Err(violation) => {
            eprintln!("violated: {violation}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitCode, violation::Violation> {
    let runtime = match options.command {
        // One thread, as in most plugins: fast to start, and easy to block.
        Command::Plugin | Command::Idle => tokio::runtime::Builder::new_current_thread(),
        Command::Node if options.threads == 1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    }
    .enable_all()
    .build()?;
    let done: Outcome = match options.command {
        Command::Plugin => return Ok(runtime.block_on(plugin::serve())),
        Command::Node => return Ok(runtime.block_on(programs::serve_plugin(options))),
        Command::Child => hosts::grandchild::live(),
        Command::Host => runtime.block_on(hosts::host::live()),
        Command::Kills => kills::run(&runtime, options),
        Command::Hosts => hosts::run(options),
        Command::Sessions => runtime.block_on(sessions::run(options)),
        Command::Many => runtime.block_on(many::run(options)),
        Command::Idle => runtime.block_on(idle::run(options)),
        Command::Pages => runtime.block_on(pages::run()),
        Command::Deaths => runtime.block_on(deaths::run(options)),
        Command::Programs => runtime.block_on(programs::run(options)),
    };
    done.map(|()| ExitCode::SUCCESS)
}
