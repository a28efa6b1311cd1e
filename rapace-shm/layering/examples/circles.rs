//! Prints the import cycles of the crates whose folders or root files are given.
//!
//! ```text
//! cargo run -p rapace-layering --example circles rapace-session/src benches/src
//! ```

use std::process::ExitCode;

use rapace_layering::{cycles, folder_cycles, imports};

fn main() -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for source in std::env::args().skip(1) {
        let imports = match imports(&source) {
            Ok(imports) => imports,
            Err(why) => {
                eprintln!("{why}");
                return ExitCode::from(66);
            }
        };
        let (files, folders) = (cycles(&imports), folder_cycles(&imports));
        println!(
            "{source}: {} files, {} imports, {} circles of files, {} of folders",
            imports.files.len(),
            imports.list.len(),
            files.len(),
            folders.len()
        );
        for cycle in files.iter().chain(&folders) {
            println!("{cycle}");
            code = ExitCode::FAILURE;
        }
    }
    code
}
