//! A call that outlived its session.
//!
//! - O1: whoever drops an unsettled call settles it: its caller never waits for nobody.
//! - O2: an unsettled call keeps what was sent, also the parts that lie in the old session's memory.
//! - O3: a call that the peer answered against the rules had begun, whatever its mark says.

use std::sync::Arc;

use crate::calls::credits::ClientChannel;
use crate::calls::failure::CallFailure;
use crate::calls::pending::Pending;
use crate::calls::table::{Entry, HowFar, Left, Terms};
use crate::link::end::EndReason;
use crate::streams::moves::Moves;
use crate::transport::{StartState, Transport};
use crate::wire::frame::{CallId, Frame};

/// A call that outlived its session and may be sent again, by
/// [`Channel::resend`](crate::Channel::resend). Dropping it ends the call with
/// [`CallFailure::SessionEnded`].
pub struct UnsettledCall {
    pub(crate) pending: Arc<Pending>,
    pub(crate) frame: Frame,
    pub(crate) terms: Terms,
    pub(crate) awaited: bool,
    how_far: HowFar,
    pub(crate) moves: Option<Moves>,
    pub(crate) channel: Arc<ClientChannel>,
    transport: Arc<dyn Transport>,
    reason: EndReason,
    /// Somebody else settles it.
    transferred: bool,
    /// Whether the peer had begun it, as far as was known when the session ended. While the peer
    /// lives it may begin what it has: then this says [`StartState::Unknown`], and
    /// [`refresh_start_state`](Self::refresh_start_state) tells once the peer is dead.
    pub start_state: StartState,
}

impl UnsettledCall {
    pub(crate) fn new(
        Left { entry, how_far }: Left,
        transport: &Arc<dyn Transport>,
        reason: &EndReason,
        peer_is_done: bool,
    ) -> Self {
        let Entry {
            pending,
            channel,
            frame,
            terms,
            awaited,
            moves,
        } = entry;
        let mut unsettled = Self {
            pending,
            frame,
            terms,
            awaited,
            how_far,
            moves,
            channel,
            transport: Arc::clone(transport),
            reason: reason.clone(),
            transferred: false,
            start_state: StartState::Unknown,
        };
        unsettled.start_state = match unsettled.read_start_marker() {
            StartState::NotBegun if !peer_is_done && how_far == HowFar::Sent => StartState::Unknown,
            seen => seen,
        };
        unsettled
    }

    fn read_start_marker(&self) -> StartState {
        match self.how_far {
            HowFar::Sent => self.transport.start_state(self.frame.header.call),
            HowFar::NotSent => StartState::NotBegun,
            HowFar::Answered => StartState::Begun, // O3
        }
    }

    /// Reads the start marker again, for a caller who knows that the peer is dead by now.
    pub fn refresh_start_state(&mut self) -> StartState {
        self.start_state = self.read_start_marker();
        self.start_state
    }

    /// The service that it was for.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.channel.service
    }

    /// The call in its old session.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.frame.header.call
    }

    /// Whether the call may run twice.
    #[must_use]
    pub fn idempotent(&self) -> bool {
        self.terms.idempotent
    }

    /// Sessions that ended while they ran this call, before the last one.
    #[must_use]
    pub fn crash_count(&self) -> u32 {
        self.terms.crash_count
    }

    /// Whether its caller still waits, or it is a tell.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.pending.is_wanted()
    }

    /// Whether anybody waits for its result.
    #[must_use]
    pub fn awaited(&self) -> bool {
        self.awaited
    }

    /// Whether it opened a stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.moves.is_some()
    }

    /// Whether items of its caller's stream were sent. They are gone, so that the call cannot be sent
    /// again as it was, begun or not.
    #[must_use]
    pub fn items_were_sent(&self) -> bool {
        self.moves.as_ref().is_some_and(Moves::has_sent)
    }

    /// Ends the call.
    pub fn settle(mut self, failure: CallFailure) {
        self.transferred = true;
        self.pending.settle(Err(failure));
    }

    /// The call is in another session's table now.
    pub(crate) fn transfer(mut self) {
        self.transferred = true;
    }
}

impl Drop for UnsettledCall {
    fn drop(&mut self) {
        if !self.transferred {
            self.pending.settle(Err(CallFailure::SessionEnded {
                start_state: self.start_state,
                reason: self.reason.clone(),
            })); // O1
        }
    }
}

impl std::fmt::Debug for UnsettledCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnsettledCall")
            .field("service", &self.service())
            .field("call", &self.call())
            .field("start_state", &self.start_state)
            .field("crash_count", &self.crash_count())
            .finish_non_exhaustive()
    }
}
