//! What happens to a call that its incarnation left unsettled.

use rapace_session::{CallFailure, RemoteError, StartState, UnsettledCall};

use crate::error::{CallError, CallOutcome};
use crate::process::ExitReport;

/// The two deaths after which a call is refused.
const POISONED_AFTER: u32 = 2;

/// What becomes of a call whose incarnation died; `None` if it is sent again.
pub(super) fn outcome(orphan: &UnsettledCall, exit: &ExitReport) -> Option<CallOutcome> {
    if orphan.start_state == StartState::NotBegun {
        let lost = orphan.items_were_sent();
        return lost.then(|| CallOutcome::NotBegun(exit.clone()));
    }
    // What a stream had brought by then cannot be known, either way.
    if !orphan.idempotent() || orphan.streams() {
        return Some(CallOutcome::Died(exit.clone()));
    }
    // This death counts too, unless somebody asked for it.
    let crash_count = orphan.crash_count() + u32::from(!exit.was_requested());
    (crash_count >= POISONED_AFTER).then(|| CallOutcome::Poisoned(exit.clone()))
}

/// Ends a call; a tell, which nobody waits for, is at least heard of.
pub(super) fn end(orphan: UnsettledCall, failure: CallFailure) {
    if !orphan.awaited() {
        let service = orphan.service();
        let error = CallError::<std::convert::Infallible>::from_call(failure);
        tracing::warn!(service, %error, "a tell was lost");
        return orphan.settle(CallFailure::Failed(RemoteError::Dropped));
    }
    orphan.settle(failure);
}
