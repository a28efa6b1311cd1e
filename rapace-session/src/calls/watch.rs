//! The calls under way, as they are seen from time to time.
//!
//! - CW1: no clock is read for a call. A call is seen for the first time by a look at the table, and its time counts from
//!   there.

use std::time::Instant;

use crate::calls::outgoing::OutgoingCalls;
use crate::calls::table::UnderWay;
use crate::transport::StartState;

/// Remembers since when the calls of a table have been under way.
#[derive(Debug, Default)]
pub(crate) struct CallWatch {
    /// By index: the generation that the entry had at the last look, and since when.
    first_seen: Vec<(u32, Instant)>,
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeenCall {
    pub(crate) call: UnderWay,
    /// `None` for a call that is not on the ring.
    pub(crate) start_state: Option<StartState>,
    /// When it was seen for the first time.
    pub(crate) since: Instant,
}

impl SeenCall {
    pub(crate) fn has_begun(&self) -> bool {
        self.start_state == Some(StartState::Begun)
    }

    /// Whether its caller waits for its turn in the mailbox of the service.
    pub(crate) fn waits_in_mailbox(&self) -> bool {
        self.start_state == Some(StartState::NotBegun) && self.call.method.is_some()
    }
}

/// Gives up the payloads of those of the calls that have begun, and so are never sent again.
pub(crate) fn give_up_payloads(calls: &OutgoingCalls, seen: &[SeenCall]) {
    let begun = seen.iter().filter(|seen| seen.has_begun());
    for seen in begun.filter(|seen| seen.call.has_spare_payload) {
        drop(calls.table.give_up_payload(seen.call.id));
    }
}

impl CallWatch {
    /// Looks at all calls under way.
    pub(crate) fn look(&mut self, calls: &OutgoingCalls, now: Instant) -> Vec<SeenCall> {
        let under_way = calls.table.all_under_way();
        let seen = under_way.into_iter().map(|call| {
            let start_state = call.sent.then(|| calls.link.transport.start_state(call.id));
            SeenCall {
                call,
                start_state,
                since: self.first_seen(&call, now),
            }
        });
        seen.collect()
    }

    fn first_seen(&mut self, call: &UnderWay, now: Instant) -> Instant {
        let (index, generation) = (call.id.index as usize, call.id.generation);
        if self.first_seen.len() <= index {
            // No call has generation 0.
            self.first_seen.resize(index + 1, (0, now));
        }
        let seen = &mut self.first_seen[index];
        if seen.0 != generation {
            *seen = (generation, now);
        }
        seen.1
    }
}
