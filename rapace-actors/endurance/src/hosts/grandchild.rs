//! A process that a plugin has started, and that ignores signals.

use std::time::Duration;

use nix::sys::signal::SigSet;

use crate::violation::{Outcome, Violation};

/// Ignores all requests to end. If it is not killed, it ends after ten minutes.
pub(crate) fn live() -> Outcome {
    let all = SigSet::all();
    all.thread_block()
        .map_err(|errno| Violation::new(format!("signals cannot be ignored: {errno}")))?;
    std::thread::sleep(Duration::from_secs(600));
    Ok(())
}
