//! `rapace-bench`: asks between two real processes, held against floors measured in the same run.
//!
//! ```text
//! cargo run --release -p rapace-benches
//! ```
//!
//! It starts itself twice more: as the plugin that is asked, and as the bare eventfd ping-pong that is
//! the floor of every round trip.

mod bench;

use std::process::ExitCode;

use bench::options::{Options, Role};
use rapace_benches::machine::{Machine, pin};
use rapace_benches::{doorbells, mirror};

fn main() -> ExitCode {
    let options = match Options::from_arguments(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(64);
        }
    };
    match run(options) {
        Ok(code) => code,
        Err(why) => {
            eprintln!("rapace-bench: {why}");
            ExitCode::from(70)
        }
    }
}

fn run(options: Options) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let machine = Machine::here();
    if let Some(cpu) = options.cpu {
        pin(cpu)?;
    }
    let runtime = match options.workers {
        0 => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        n => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(n)
            .enable_all()
            .build()?,
    };
    runtime.block_on(async {
        match options.role {
            Role::Plugin => Ok(mirror::serve().await),
            Role::Answerer => {
                doorbells::answer_on_stdio().await?;
                Ok(ExitCode::SUCCESS)
            }
            Role::Bench => {
                let report = bench::run(&options, machine).await?;
                if options.json {
                    print!("{}", report.json());
                } else {
                    print!("{report}");
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}
