//! The reports of a runner.

use std::sync::Arc;

use rapace_session::Wait;

use crate::process::{ExitReport, StopError};
use crate::supervision::StartError;

/// How an incarnation ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// No process was started, or the handshake failed.
    NotStarted(StartError),
    /// The process is gone.
    Died {
        /// How it ended.
        exit: ExitReport,
    },
}

/// A report of a runner. They come in this order, each at most once; `Stays` may come without `Ready`, and `Waiting` any
/// number of times between `Spawned` and `Ended`.
#[derive(Debug)]
pub(crate) enum Report {
    /// The process was started.
    Spawned { pid: u32 },
    /// The incarnation is ready.
    Ready,
    /// Calls, streams or allocations have waited for long.
    Waiting(Wait),
    /// The process was told to end, and cannot be ended.
    Stays(Arc<StopError>),
    /// The incarnation has ended.
    Ended(Ended),
}
