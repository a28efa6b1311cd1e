//! What a benchmark does when it was started by itself.

use std::process::ExitCode;

use crate::{doorbells, mirror};

/// The argument that makes a benchmark the plugin that it asks.
pub const PLUGIN: &str = "--plugin";

/// The argument that makes a benchmark the other end of its ping-pong.
pub const ANSWERER: &str = "--answerer";

/// Plays the part that the first argument names, to its end; `None` if it names none.
#[must_use]
pub fn play() -> Option<ExitCode> {
    let part = std::env::args().nth(1)?;
    if part != PLUGIN && part != ANSWERER {
        return None;
    }
    let played = runtime().block_on(async {
        if part == PLUGIN {
            return Ok(mirror::serve().await);
        }
        doorbells::answer_on_stdio()
            .await
            .map(|()| ExitCode::SUCCESS)
    });
    Some(played.unwrap_or_else(|why| {
        eprintln!("{part}: {why}");
        ExitCode::FAILURE
    }))
}

/// The runtime that all Criterion benchmarks use, on both sides.
///
/// # Panics
/// If the system has no more descriptors.
#[must_use]
pub fn runtime() -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime takes a few descriptors")
}
