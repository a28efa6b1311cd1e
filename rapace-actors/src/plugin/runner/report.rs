//! What a runner reports.

use std::sync::Arc;

use crate::process::{ExitReport, StopError};
use crate::supervision::StartError;

/// How an incarnation ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// There was no process, or the two sides do not agree.
    NotStarted(StartError),
    /// The process is gone.
    Died {
        /// The whole story.
        exit: ExitReport,
    },
}

/// What a runner reports, in this order, each at most once. A process may stay that was never ready.
#[derive(Debug)]
pub(crate) enum Report {
    /// There is a process.
    Spawned { pid: u32 },
    /// It answers.
    Ready,
    /// It was to end, and cannot be ended.
    Stays(Arc<StopError>),
    /// It is gone.
    Ended(Ended),
}
