//! What happens to a call that a dead incarnation left unsettled.

use rapace_session::{CallFailure, RemoteError, StartState, UnsettledCall};

use crate::error::{CallError, CallOutcome};
use crate::process::ExitReport;

/// How many crashes during a call poison it: from then on it is refused.
const POISONED_AFTER: u32 = 2;

/// Returns the outcome of a call whose incarnation died; `None` if it is sent again.
pub(super) fn outcome(call: &UnsettledCall, exit: &ExitReport) -> Option<CallOutcome> {
    if call.start_state == StartState::NotBegun {
        let lost = call.items_were_sent();
        return lost.then(|| CallOutcome::NotBegun(exit.clone()));
    }
    // How many items of a stream were processed is unknown, in either direction.
    if !call.idempotent() || call.streams() {
        return Some(CallOutcome::Died(exit.clone()));
    }
    // This exit counts as a crash, unless it was requested.
    let crash_count = call.crash_count() + u32::from(!exit.was_requested());
    (crash_count >= POISONED_AFTER).then(|| CallOutcome::Poisoned(exit.clone()))
}

/// Fails a call. A tell has no caller that waits, so its loss is logged.
pub(super) fn end(call: UnsettledCall, failure: CallFailure) {
    if !call.awaited() {
        let service = call.service();
        let error = CallError::<std::convert::Infallible>::from_call(failure);
        tracing::warn!(service, %error, "a tell was lost");
        return call.settle(CallFailure::Failed(RemoteError::Dropped));
    }
    call.settle(failure);
}
