//! An incoming call that waits in the mailbox of its service.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::link::deadline::{after_millis, now};
use crate::link::discarded::Lost;
use crate::serving::cell::{CallCell, CellState};
use crate::serving::incoming::IncomingCalls;
use crate::serving::owned_call::OwnedCall;
use crate::serving::running::RunningCall;
use crate::serving::table::Entered;
use crate::serving::window::ServiceWindow;
use crate::streams::halves::StreamParts;
use crate::wire::frame::Header;
use crate::wire::message_body::MessageBody;
use crate::wire::remote_error::RemoteError;

/// An incoming call in the mailbox of its service.
///
/// Dropping it replies that the service takes no calls.
pub struct IncomingCall {
    call: Option<OwnedCall>,
}

impl IncomingCall {
    /// Enters a request into the table. `None` if the session is over, or the service was
    /// withdrawn; in the latter case the reply is sent.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn enter(
        calls: &Arc<IncomingCalls>,
        window: &Arc<ServiceWindow>,
        header: Header,
        body: MessageBody,
        parts: Option<Box<StreamParts>>,
    ) -> Result<Option<Self>, &'static str> {
        let deadline = after_millis(header.credits);
        let cell = CallCell::new(Arc::clone(window), header, deadline, body, parts);
        Self::entered(OwnedCall::new(calls, cell))
    }

    /// Enters a request of which a part found no memory. It must be refused.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn enter_without_memory(
        calls: &Arc<IncomingCalls>,
        window: &Arc<ServiceWindow>,
        header: Header,
        rest: MessageBody,
        lost: Lost,
    ) -> Result<Option<Self>, &'static str> {
        let cell = CallCell::new(Arc::clone(window), header, None, rest, None);
        Self::entered(OwnedCall::new(calls, cell.carrying(lost.carried)))
    }

    #[inline]
    fn entered(call: OwnedCall) -> Result<Option<Self>, &'static str> {
        let entered = call.calls.table.enter(&call.cell)?;
        match entered {
            Entered::Taken => Ok(Some(Self { call: Some(call) })),
            Entered::Withdrawn => {
                refuse_withdrawn(call);
                Ok(None)
            }
            Entered::Over => Ok(None),
        }
    }

    /// The number of the method.
    #[must_use]
    pub fn method(&self) -> u32 {
        self.call.as_ref().map_or(0, |call| call.method)
    }

    /// Whether the call is a tell, whose caller waits for no result.
    #[must_use]
    pub fn is_tell(&self) -> bool {
        self.call.as_ref().is_some_and(|call| call.is_tell())
    }

    /// The deadline of the call.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.call.as_ref().and_then(|call| call.deadline)
    }

    /// Begins the call: sets its start marker. `None` if the call was cancelled or its deadline has
    /// passed; the reply is sent then.
    #[must_use]
    pub fn begin(mut self) -> Option<RunningCall> {
        let call = self.call.take()?;
        let expired = call.deadline.is_some_and(|at| at <= now());
        let taken = {
            let mut state = call.lock();
            match std::mem::replace(&mut *state, CellState::Running) {
                CellState::Queued(body, parts) if !expired => {
                    // Under the lock, so that a cancellation comes either before the marker or
                    // after it (SV2).
                    call.link().transport.mark_started(call.id);
                    Ok((body, parts))
                }
                other => Err(other),
            }
        };
        match taken {
            Ok((body, parts)) => {
                call.give_bytes_back(call.link());
                Some(RunningCall::new(call, body, parts))
            }
            Err(refused) => {
                let queued = matches!(refused, CellState::Queued(..));
                // Buffers and streams are released before the reply is sent.
                drop(refused);
                if queued {
                    call.give_bytes_back(call.link());
                }
                call.fail(match expired {
                    true => &RemoteError::DeadlineExceeded,
                    false => &RemoteError::Cancelled,
                });
                None
            }
        }
    }

    /// Replies with an error, without beginning the call.
    pub fn refuse(mut self, failure: &RemoteError) {
        if let Some(call) = self.call.take() {
            call.discard();
            call.fail(failure);
        }
    }
}

#[cold]
fn refuse_withdrawn(call: OwnedCall) {
    let why = call.window.withdrawn().unwrap_or_default().to_owned();
    IncomingCall { call: Some(call) }.refuse(&RemoteError::Unavailable(why));
}

impl Drop for IncomingCall {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.discard();
            call.fail(&RemoteError::Unavailable("the service has stopped".into()));
        }
    }
}

impl fmt::Debug for IncomingCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingCall")
            .field("call", &self.call.as_ref().map(|call| call.id))
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}
