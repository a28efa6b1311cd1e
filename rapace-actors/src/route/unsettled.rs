//! What happens to a call that its incarnation left unsettled.

use rapace_session::{CallFailure, Claim, Failure, Orphan};

use crate::error::{CallError, Fate};
use crate::process::Death;

/// The two deaths after which a call is refused.
const POISONED_AFTER: u32 = 2;

/// What becomes of a call whose incarnation died; `None` if it is sent again.
pub(super) fn fate(orphan: &Orphan, death: &Death) -> Option<Fate> {
    if orphan.claim == Claim::NotBegun {
        let lost = orphan.items_were_sent();
        return lost.then(|| Fate::NotBegun(death.clone()));
    }
    // What a stream had brought by then cannot be known, either way.
    if !orphan.idempotent() || orphan.streams() {
        return Some(Fate::Died(death.clone()));
    }
    // This death counts too, unless somebody asked for it.
    let kills = orphan.kills() + u32::from(!death.was_requested());
    (kills >= POISONED_AFTER).then(|| Fate::Poisoned(death.clone()))
}

/// Ends a call; a tell, which nobody waits for, is at least heard of.
pub(super) fn end(orphan: Orphan, failure: CallFailure) {
    if !orphan.awaited() {
        let service = orphan.service();
        let error = CallError::<std::convert::Infallible>::from_call(failure);
        tracing::warn!(service, %error, "a tell was lost");
        return orphan.settle(CallFailure::Failed(Failure::Dropped));
    }
    orphan.settle(failure);
}
