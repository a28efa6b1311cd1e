//! The calls that this side makes over one link: their table, cancellations, and the handling of
//! replies.
//!
//! - OC1: a reply that breaks a rule does not settle its call. The call had begun, and the
//!   session's end hands it out.
//! - OC2: a reply for which there is no memory settles its call with an error. Its handler has run, so the call is not sent
//!   again.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::calls::credits::ClientChannel;
use crate::calls::failure::CallFailure;
use crate::calls::pending::{Outcome, Reply, Table};
use crate::calls::reservations::{Held, Reservations};
use crate::calls::stage::Effect;
use crate::calls::table::{CallTable, Entry, Found, Refund};
use crate::calls::unsettled::UnsettledCall;
use crate::link::Link;
use crate::link::discarded::Lost;
use crate::link::end::EndReason;
use crate::transport::StartState;
use crate::wire::frame::{CallId, ChannelId, Flags, Frame, FrameType, Header, Status};
use crate::wire::limits::MAX_TEXT;
use crate::wire::message_body::MessageBody;
use crate::wire::remote_error::RemoteError;

type Fault = &'static str;

/// The calls that this side makes over one link.
pub(crate) struct OutgoingCalls {
    pub(crate) link: Arc<Link>,
    pub(crate) table: CallTable,
    pub(crate) reservations: Reservations,
}

impl OutgoingCalls {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self {
            table: CallTable::new(link.transport.call_table()),
            reservations: Reservations::default(),
            link,
        }
    }

    /// Takes back a request that was not sent; false if the session has ended, or the call was
    /// cancelled.
    pub(super) fn withdraw(&self, call: CallId) -> bool {
        self.table.withdraw(call).map(Refund::pay).is_some()
    }

    /// Takes back what absent senders have, on whose channels others wait, or which are closed
    /// ([`Reservations`](crate::calls::reservations::Reservations)).
    pub(crate) fn revoke(&self, now: Instant, is_short: impl Fn(&ClientChannel) -> bool) {
        let needs = |channel: &ClientChannel| is_short(channel) || channel.close_reason().is_some();
        for revoked in self.reservations.look(now, needs) {
            match revoked.held {
                Held::Admission { bytes } => revoked.channel.window.refund(bytes),
                Held::Entry(call) => {
                    self.withdraw(call);
                }
            }
        }
    }

    /// Records that a request is on the ring, whose caller could cancel meanwhile.
    pub(super) fn published(&self, call: CallId) {
        if self.table.published(call) {
            self.send_cancel(call);
        }
    }

    /// Records that the ring refused a request; false if the sender must not retry.
    pub(super) fn not_published(&self, call: CallId) -> bool {
        let (again, left) = self.table.not_published(call);
        if let Some(refund) = left {
            refund.pay();
        }
        again
    }

    fn send_cancel(&self, call: CallId) {
        let mut header = Header::new(FrameType::Cancel, ChannelId::SESSION);
        header.call = call;
        self.link.outbox.send(Frame::bare(header));
    }

    /// Whether the peer has begun any call that it has not answered, as far as its start markers
    /// tell.
    pub(crate) fn any_begun(&self) -> bool {
        let transport = &self.link.transport;
        self.table
            .any_sent(|call| transport.start_state(call) == StartState::Begun)
    }

    /// Closes the table and returns the unsettled calls in the order in which they were made.
    /// `peer_is_done` means that the peer begins no more calls.
    pub(crate) fn close(&self, reason: &EndReason, peer_is_done: bool) -> Vec<UnsettledCall> {
        let left = self.table.close().into_iter();
        let transport = &self.link.transport;
        left.map(|left| UnsettledCall::new(left, transport, reason, peer_is_done))
            .collect()
    }

    /// Settles a call with its reply.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn reply(&self, frame: Frame) -> Result<(), Fault> {
        self.replied(frame, None)
    }

    /// Settles a call with a reply of which a part found no memory.
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn reply_without_memory(&self, rest: Frame, lost: Lost) -> Result<(), Fault> {
        self.replied(rest, Some(lost))
    }

    #[inline]
    fn replied(&self, frame: Frame, lost: Option<Lost>) -> Result<(), Fault> {
        let header = frame.header;
        let entry = match self.table.complete(header.call) {
            Found::Live(entry) => entry,
            Found::Cancelled(channel) => {
                self.link.metrics.arrived_late();
                return match channel.id == header.channel
                    && channel.window.return_credits(header.credits)
                {
                    true => Ok(()),
                    false => Err("more credits than were taken"),
                };
            }
            Found::Nothing => return Err("a reply to no call"),
        };
        let outcome = match self.outcome(&entry, frame, lost) {
            Ok(outcome) => outcome,
            Err(what) => {
                // OC1
                if let Some(entry) = self.table.misanswered(entry) {
                    // The session has ended meanwhile, for another reason.
                    let ended = self.link.end.reason();
                    entry.pending.settle(Err(CallFailure::SessionEnded {
                        start_state: StartState::Begun,
                        reason: ended.unwrap_or_else(|| EndReason::PeerFault(what.into())),
                    }));
                }
                return Err(what);
            }
        };
        let Entry {
            pending,
            frame,
            awaited,
            ..
        } = entry;
        // The request's buffers are released before the caller wakes, except for returned ones.
        drop(frame);
        if !pending.settle(outcome) && awaited {
            self.link.metrics.arrived_late();
        }
        Ok(())
    }

    fn outcome(&self, entry: &Entry, frame: Frame, lost: Option<Lost>) -> Result<Outcome, Fault> {
        let header = frame.header;
        if header.channel != entry.channel.id {
            return Err("a reply on another channel than its call");
        }
        if !entry.channel.window.return_credits(header.credits) {
            return Err("more credits than were taken");
        }
        let status = Status::from_word(header.method).ok_or("a reply of unknown status")?;
        if status == Status::HandlerError && !entry.awaited {
            warn_of_failed_tell(
                entry,
                &"its handler gave an error, which its own process names",
            );
        }
        if status != Status::Failed {
            let body = match entry.awaited {
                true => MessageBody::parse_reply(frame, &entry.frame.blobs)?,
                false => MessageBody::parse(frame)?,
            };
            return Ok(match lost {
                None => Ok(Reply::new(status, body)),
                Some(lost) => Err(self.failed(entry, no_memory(lost))),
            });
        }
        if header.flags.has(Flags::BLOBS) {
            return Err("a remote error with buffers");
        }
        let carried = lost.map_or_else(|| frame.carried(), |lost| lost.carried);
        if carried > MAX_TEXT as u64 {
            return Err("a remote error longer than the limit of a text");
        }
        Ok(Err(self.failed(
            entry,
            match lost {
                None => RemoteError::from_bytes(frame.payload.bytes()),
                Some(lost) => no_memory(lost),
            },
        )))
    }

    fn failed(&self, entry: &Entry, failure: RemoteError) -> CallFailure {
        self.link.metrics.failed();
        if !entry.awaited {
            warn_of_failed_tell(entry, &failure);
        }
        CallFailure::Failed(failure)
    }
}

/// The error of a call whose handler has run, and whose reply cannot be read.
#[cold]
fn no_memory(lost: Lost) -> RemoteError {
    RemoteError::BadResult(format!(
        "this side, its caller's, has no memory for {} bytes of it",
        lost.missing
    ))
}

impl Table for OutgoingCalls {
    fn cancel(&self, call: CallId) {
        match self.table.cancel(call) {
            (Effect::Cancel, _) => self.send_cancel(call),
            (Effect::Refund, Some(refund)) => refund.pay(),
            _ => {}
        }
    }
}

/// Logs the failure of a tell, whose caller does not wait. The service logs the error too, where it
/// runs, but a plugin's log may be just text in its output.
fn warn_of_failed_tell(entry: &Entry, error: &dyn fmt::Display) {
    let service = &*entry.channel.service;
    let number = entry.frame.header.method;
    let method = entry
        .channel
        .offer()
        .and_then(|offer| offer.methods.get(number as usize));
    let method = method.map_or("unknown", |method| method.name.as_str());
    tracing::warn!(service, method, %error, "a tell failed");
}
