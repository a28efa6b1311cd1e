//! The site builder, with a process for each service.

use std::process::ExitCode;

use clap::Parser;
use site_host::Arguments;

#[tokio::main]
async fn main() -> ExitCode {
    site_host::run(Arguments::parse()).await
}
