//! The main of a peer: a program that is both sides.

use std::process::ExitCode;

use crate::partner;
use crate::setting::Setting;

/// The first argument of a peer that is a subject.
pub const DRIVE: &str = "drive";

/// The first argument of a peer that is the other side.
pub const SERVE: &str = "serve";

/// Runs the role that the first argument names. Both roles get the setting and the other
/// arguments.
pub fn main(
    drive: impl FnOnce(Setting, &[String]) -> Result<(), String>,
    serve: impl FnOnce(Setting, &[String]) -> Result<(), String>,
) -> ExitCode {
    let mut arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let ended = Setting::take(&mut arguments).and_then(|setting| {
        let (part, words) = arguments.split_first().ok_or(USAGE)?;
        match part.as_str() {
            DRIVE => drive(setting, words),
            SERVE => {
                partner::begin(setting).map_err(|why| why.to_string())?;
                serve(setting, words)
            }
            _ => Err(USAGE.to_owned()),
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "this is a peer of rapace-bench: rapace-bench compare runs it";
