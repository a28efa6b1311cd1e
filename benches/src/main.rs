//! `rapace-bench`: measures rapace against floors that are measured in the same run.
//!
//! ```text
//! cargo benches
//! target/release/rapace-bench ask --bytes 1024 --pin
//! ```

use std::process::ExitCode;

use rapace_benches::{cli, work};

fn main() -> ExitCode {
    let ended = work::run().unwrap_or_else(cli::main);
    ended.unwrap_or_else(|why| {
        eprintln!("rapace-bench: {why}");
        ExitCode::from(70)
    })
}
