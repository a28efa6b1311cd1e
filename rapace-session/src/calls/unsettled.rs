//! Calls that outlived their session.
//!
//! - UC1: dropping an unsettled call settles it, so its caller never waits in vain.
//! - UC2: an unsettled call keeps its request, including the buffers in the old session's memory; but not the payload of one
//!   that has begun and is not idempotent.
//! - UC3: a call to which the peer sent an invalid reply had begun, whatever its start marker says.

use std::sync::Arc;

use crate::calls::credits::ClientChannel;
use crate::calls::failure::CallFailure;
use crate::calls::pending::Pending;
use crate::calls::table::{Entry, Progress, Terms, UnfinishedCall};
use crate::link::end::EndReason;
use crate::streams::moves::Moves;
use crate::transport::{StartState, Transport};
use crate::wire::frame::{CallId, Frame};

/// A call that outlived its session, and may be sent again with
/// [`Channel::resend`](crate::Channel::resend).
///
/// Dropping it settles the call with [`CallFailure::SessionEnded`].
pub struct UnsettledCall {
    pub(crate) pending: Arc<Pending>,
    pub(crate) frame: Frame,
    pub(crate) terms: Terms,
    pub(crate) awaited: bool,
    given_up: bool,
    progress: Progress,
    pub(crate) moves: Option<Moves>,
    pub(crate) channel: Arc<ClientChannel>,
    transport: Arc<dyn Transport>,
    reason: EndReason,
    /// It was settled, or is in the table of another session.
    transferred: bool,
    /// Whether the peer had begun the call, as far as was known when the session ended. A peer that
    /// is still alive may begin the call later: then this is [`StartState::Unknown`] until
    /// [`refresh_start_state`](Self::refresh_start_state) is called after the peer's death.
    pub start_state: StartState,
}

impl UnsettledCall {
    pub(crate) fn new(
        UnfinishedCall { entry, progress }: UnfinishedCall,
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
            given_up,
            bytes: _,
        } = entry;
        let mut unsettled = Self {
            pending,
            frame,
            terms,
            awaited,
            given_up,
            progress,
            moves,
            channel,
            transport: Arc::clone(transport),
            reason: reason.clone(),
            transferred: false,
            start_state: StartState::Unknown,
        };
        unsettled.start_state = match unsettled.read_start_marker() {
            StartState::NotBegun if !peer_is_done && progress == Progress::Sent => {
                StartState::Unknown
            }
            seen => seen,
        };
        unsettled
    }

    fn read_start_marker(&self) -> StartState {
        match self.progress {
            Progress::Sent => self.transport.start_state(self.frame.header.call),
            Progress::NotSent => StartState::NotBegun,
            Progress::Answered => StartState::Begun, // UC3
        }
    }

    /// Reads the start marker again. The result is final only once the peer is dead.
    pub fn refresh_start_state(&mut self) -> StartState {
        self.start_state = self.read_start_marker();
        self.start_state
    }

    /// The name of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.channel.service
    }

    /// The identifier of the call in its old session.
    #[must_use]
    pub fn call(&self) -> CallId {
        self.frame.header.call
    }

    /// Whether the call may run more than once.
    #[must_use]
    pub fn idempotent(&self) -> bool {
        self.terms.idempotent
    }

    /// How many earlier sessions ended while they ran this call. The last session is not counted.
    #[must_use]
    pub fn crash_count(&self) -> u32 {
        self.terms.crash_count
    }

    /// Whether the call is a tell, or its caller still waits.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.pending.is_wanted()
    }

    /// Whether the call has a result to wait for; false for a tell.
    #[must_use]
    pub fn awaited(&self) -> bool {
        self.awaited
    }

    /// Whether the call opened a stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.moves.is_some()
    }

    /// Whether items of the caller's stream were sent. They are lost with the session, so the call
    /// cannot be sent again, whether it had begun or not.
    #[must_use]
    pub fn items_were_sent(&self) -> bool {
        self.moves.as_ref().is_some_and(Moves::has_sent)
    }

    /// Whether the payload of its request was given up, to make room for others: the call had begun, and is not
    /// idempotent. It cannot be sent again.
    #[must_use]
    pub fn payload_given_up(&self) -> bool {
        self.given_up
    }

    /// Settles the call with a failure.
    pub fn settle(mut self, failure: CallFailure) {
        self.transferred = true;
        self.pending.settle(Err(failure));
    }

    /// Records that the call is in another session's table.
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
            })); // UC1
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
