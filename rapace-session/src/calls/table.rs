//! The table of a session's outgoing calls.
//!
//! - CT1: an entry is reused only after the reply to its last use, so a start marker never applies
//!   to another call. A call that was never sent frees its entry at once.
//! - CT2: the generation of an entry is never 0, and differs from use to use.
//! - CT3: nothing enters a closed table, and closing hands out all calls that are in it.
//! - CT4: calls are handed out in the order in which they were first entered, in any session.
//! - CT5: [`Stage::after`] decides what happens to an entry, under the table's lock. No other code
//!   runs under that lock.
//! - CT6: a call whose reply broke a rule leaves its entry, and is handed out as a call that had
//!   begun.
//! - CT7: a call that has begun and is not idempotent is never sent again, so its payload is given up. Its attached buffers
//!   stay, since the reply may refer to them.
//! - CT8: nobody waits for an entry. A call has a credit when it is entered, and the windows of all channels together are at
//!   most the table, which [`Channels::granted`](crate::session::channels::Channels::granted) checks. So an entry is free.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use crate::calls::credits::ClientChannel;
use crate::calls::pending::Pending;
use crate::calls::stage::{Effect, Event, Sender, Stage};
use crate::streams::moves::Moves;
use crate::sync::Mutex;
use crate::wire::frame::{CallId, ChannelId, Frame, Payload};

/// A call in the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) pending: Arc<Pending>,
    pub(crate) channel: Arc<ClientChannel>,
    /// The request, kept for sending it again.
    pub(crate) frame: Frame,
    pub(crate) terms: Terms,
    /// Whether the caller waits for the result.
    pub(crate) awaited: bool,
    /// The stream that the call opens.
    pub(crate) moves: Option<Moves>,
    /// Whether its payload was given up, so that it cannot be sent again (CT7).
    pub(crate) given_up: bool,
    /// What the call has of its channel's window until it is on the ring, beside its credit.
    pub(crate) bytes: u64,
}

/// What a call that was never sent gives back: a credit, and bytes.
#[derive(Debug)]
#[must_use = "the credit and the bytes are lost"]
pub(crate) struct Refund {
    channel: Arc<ClientChannel>,
    bytes: u64,
}

impl Refund {
    /// Gives them back to the channel's window.
    pub(crate) fn pay(self) {
        self.channel.window.refund(self.bytes);
    }
}

/// The properties of a call that stay the same when it is sent again.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) deadline: Option<Instant>,
    pub(crate) idempotent: bool,
    /// How many sessions ended while they ran this call.
    pub(crate) crash_count: u32,
    /// The place in the order of all calls (CT4).
    pub(crate) order: Option<u64>,
}

/// One entry of the table.
#[derive(Debug)]
struct Slot {
    generation: u32,
    stage: Stage,
    call: Call,
    /// Whether the last call of this generation left before it was on the ring, other than by the session's end.
    withdrawn: bool,
}

#[derive(Debug, Default)]
enum Call {
    #[default]
    None,
    Wanted(Entry),
    /// The call was cancelled; its credit is still taken (CT1), and its bytes, if it is not on the ring.
    Cancelled(Refund),
}

#[derive(Debug)]
struct Inner {
    /// As many as have ever been in use at once.
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Calls whose reply broke a rule, until the session's end hands them out (CT6).
    misanswered: Vec<Entry>,
    closed: bool,
}

/// The table of outgoing calls.
#[derive(Debug)]
pub(crate) struct CallTable {
    inner: Mutex<Inner>,
    capacity: u32,
}

/// Why a call was not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotEntered {
    /// The session is over (CT3).
    Closed,
    /// The call was cancelled.
    Unwanted,
    /// No entry is free, since the peer granted more credits than there are (CT8).
    Full,
}

/// What a sender that retries finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publish {
    /// Put the request on the ring.
    Now,
    /// The call was withdrawn or cancelled, and is in no table.
    Withdrawn,
    /// The session's end has handed out the call.
    HandedOut,
}

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnderWay {
    pub(crate) id: CallId,
    pub(crate) channel: ChannelId,
    /// `None` once its caller has cancelled it.
    pub(crate) method: Option<u32>,
    /// The place in the order of all calls, if it was not cancelled.
    pub(crate) order: Option<u64>,
    /// Whether the peer may have it.
    pub(crate) sent: bool,
    /// Whether its payload takes memory, and is given up once it has begun (CT7).
    pub(crate) has_spare_payload: bool,
}

/// The entry that a reply found.
#[derive(Debug)]
pub(crate) enum Found {
    Live(Entry),
    /// A cancelled call; its channel still gets the credits back.
    Cancelled(Arc<ClientChannel>),
    /// No such call: the peer replied twice, or to no request.
    Nothing,
}

/// A call that was in the table when the session ended.
#[derive(Debug)]
pub(crate) struct UnfinishedCall {
    pub(crate) entry: Entry,
    pub(crate) progress: Progress,
}

/// How far an unfinished call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The peer never got the request.
    NotSent,
    /// The peer may have the request.
    Sent,
    /// The peer replied, but the reply broke a rule.
    Answered,
}

impl CallTable {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            inner: Mutex::new(Inner {
                slots: Vec::new(),
                free: Vec::new(),
                misanswered: Vec::new(),
                closed: false,
            }),
            capacity,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a call that `sender` puts on the ring next. Before other threads can see the entry,
    /// `note` records it with the caller, and returns whether the caller still wants the call.
    pub(crate) fn enter(
        &self,
        mut entry: Entry,
        sender: Sender,
        note: impl FnOnce(CallId) -> bool,
    ) -> Result<CallId, NotEntered> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotEntered::Closed);
        }
        let index = match inner.free.pop() {
            Some(index) => index,
            None if inner.slots.len() == self.capacity as usize => return Err(NotEntered::Full),
            None => {
                inner.slots.push(Slot {
                    generation: 0,
                    stage: Stage::Free,
                    call: Call::None,
                    withdrawn: false,
                });
                inner.slots.len() as u32 - 1
            }
        };
        let slot = &mut inner.slots[index as usize];
        let generation = slot.generation.wrapping_add(1).max(1);
        let id = CallId { index, generation };
        if !note(id) {
            inner.free.push(index);
            return Err(NotEntered::Unwanted);
        }
        slot.generation = generation;
        slot.withdrawn = false;
        (slot.stage, _) = slot.stage.after(Event::Entered(sender));
        entry.frame.header.call = id;
        entry.terms.order.get_or_insert_with(next_in_order);
        slot.call = Call::Wanted(entry);
        Ok(id)
    }

    /// Records that the sender retries to put a call on the ring.
    pub(crate) fn publish(&self, call: CallId) -> Publish {
        let mut inner = self.lock();
        let slot = match inner.slots.get_mut(call.index as usize) {
            Some(slot) if slot.generation == call.generation => slot,
            // Only the session's end hands out a call that waits, and nothing uses its entry again then.
            _ => return Publish::Withdrawn,
        };
        match slot.stage.after(Event::Tries) {
            (stage, Effect::Publish) => {
                slot.stage = stage;
                Publish::Now
            }
            _ if slot.withdrawn => Publish::Withdrawn,
            _ => Publish::HandedOut,
        }
    }

    /// Takes back a request that waits for the ring. Returns what is to be given back; `None` if the sender is putting it on the
    /// ring, or the call has left the table.
    pub(crate) fn withdraw(&self, call: CallId) -> Option<Refund> {
        match self.step(call, Event::Withdrawn) {
            (Effect::Refund, left) => left.into_refund(),
            _ => None,
        }
    }

    /// Records that a call is on the ring. True if the sender must send a cancellation.
    pub(crate) fn published(&self, call: CallId) -> bool {
        matches!(self.step(call, Event::Published), (Effect::Cancel, _))
    }

    /// Records that the ring refused a call. Returns whether the sender may retry; and what is to be given back, if the call
    /// was cancelled meanwhile.
    pub(crate) fn not_published(&self, call: CallId) -> (bool, Option<Refund>) {
        match self.step(call, Event::NotPublished) {
            (Effect::Keep, _) => (true, None),
            (Effect::Refund, call) => (false, call.into_refund()),
            _ => (false, None),
        }
    }

    /// Frees the entry of a call whose reply arrived (CT1).
    pub(crate) fn complete(&self, call: CallId) -> Found {
        match self.step(call, Event::Replied) {
            (Effect::Settle, Call::Wanted(entry)) => Found::Live(entry),
            (Effect::CreditBack, Call::Cancelled(left)) => Found::Cancelled(left.channel),
            _ => Found::Nothing,
        }
    }

    /// Keeps a call whose reply broke a rule, for the session's end to hand out (CT6). Returns it
    /// if the session has ended already.
    pub(crate) fn misanswered(&self, entry: Entry) -> Option<Entry> {
        let mut inner = self.lock();
        if inner.closed {
            return Some(entry);
        }
        inner.misanswered.push(entry);
        None
    }

    /// Cancels a call. Returns the effect of [`Stage::after`]; and what is to be given back, if the peer never saw the call.
    pub(crate) fn cancel(&self, call: CallId) -> (Effect, Option<Refund>) {
        let (effect, call) = self.step(call, Event::Cancelled);
        match effect {
            Effect::Refund => (effect, call.into_refund()),
            _ => (effect, None),
        }
    }

    /// Applies an event to a call. Returns what its entry held, if it was removed, to be dropped
    /// after the lock.
    fn step(&self, call: CallId, event: Event) -> (Effect, Call) {
        let mut inner = self.lock();
        let slot = match inner.slots.get_mut(call.index as usize) {
            Some(slot) if slot.generation == call.generation => slot,
            _ => return (Stage::Free.after(event).1, Call::None),
        };
        let (stage, effect) = slot.stage.after(event);
        let before = std::mem::replace(&mut slot.stage, stage);
        if before == stage {
            return (effect, Call::None);
        }
        match stage {
            Stage::Free => {
                let left = std::mem::take(&mut slot.call);
                slot.withdrawn = effect == Effect::Refund;
                inner.free.push(call.index);
                (effect, left)
            }
            Stage::Unwanted | Stage::Cancelled => {
                let left = match &slot.call {
                    Call::Wanted(entry) => Call::Cancelled(entry.refund()),
                    Call::None | Call::Cancelled(_) => return (effect, Call::None),
                };
                (effect, std::mem::replace(&mut slot.call, left))
            }
            Stage::Waiting | Stage::Publishing | Stage::Sent => (effect, Call::None),
        }
    }

    /// Whether `is` holds for any call that the peer may have.
    pub(crate) fn any_sent(&self, mut is: impl FnMut(CallId) -> bool) -> bool {
        let inner = self.lock();
        (0..).zip(&inner.slots).any(|(index, slot)| {
            let generation = slot.generation;
            matches!(slot.stage, Stage::Sent | Stage::Cancelled) && is(CallId { index, generation })
        })
    }

    /// All calls under way.
    pub(crate) fn all_under_way(&self) -> Vec<UnderWay> {
        let inner = self.lock();
        let mut all = Vec::with_capacity(inner.slots.len() - inner.free.len());
        for (index, slot) in (0..).zip(&inner.slots) {
            let (channel, entry) = match &slot.call {
                Call::None => continue,
                Call::Wanted(entry) => (entry.channel.id, Some(entry)),
                Call::Cancelled(left) => (left.channel.id, None),
            };
            all.push(UnderWay {
                id: CallId {
                    index,
                    generation: slot.generation,
                },
                channel,
                method: entry.map(|entry| entry.frame.header.method),
                order: entry.and_then(|entry| entry.terms.order),
                sent: matches!(slot.stage, Stage::Sent | Stage::Cancelled),
                has_spare_payload: entry.is_some_and(Entry::has_spare_payload),
            });
        }
        all
    }

    /// Gives up the payload of a call that has begun (CT7). Returns it, to be dropped after the lock.
    pub(crate) fn give_up_payload(&self, call: CallId) -> Option<Payload> {
        let mut inner = self.lock();
        let slot = inner.slots.get_mut(call.index as usize)?;
        match (slot.stage, &mut slot.call) {
            (Stage::Sent, Call::Wanted(entry))
                if slot.generation == call.generation && entry.has_spare_payload() =>
            {
                entry.given_up = true;
                Some(std::mem::replace(&mut entry.frame.payload, Payload::EMPTY))
            }
            _ => None,
        }
    }

    /// The number of calls under way.
    pub(crate) fn under_way(&self) -> usize {
        let inner = self.lock();
        inner.slots.len() - inner.free.len()
    }

    /// Closes the table and hands out its calls (CT3, CT4).
    pub(crate) fn close(&self) -> Vec<UnfinishedCall> {
        let mut inner = self.lock();
        inner.closed = true;
        let mut all = Vec::new();
        for slot in &mut inner.slots {
            let (stage, effect) = slot.stage.after(Event::Ended);
            slot.stage = stage;
            if let (Effect::Transfer { sent }, Call::Wanted(entry)) =
                (effect, std::mem::take(&mut slot.call))
            {
                let progress = if sent {
                    Progress::Sent
                } else {
                    Progress::NotSent
                };
                all.push(UnfinishedCall { entry, progress });
            }
        }
        let misanswered = std::mem::take(&mut inner.misanswered);
        all.extend(misanswered.into_iter().map(|entry| UnfinishedCall {
            entry,
            progress: Progress::Answered,
        }));
        inner.free = (0..inner.slots.len() as u32).collect();
        drop(inner);
        all.sort_by_key(|left| left.entry.terms.order);
        all
    }
}

impl Entry {
    fn refund(&self) -> Refund {
        Refund {
            channel: Arc::clone(&self.channel),
            bytes: self.bytes,
        }
    }

    /// Whether the call has a payload in memory that nobody needs once it has begun (CT7).
    fn has_spare_payload(&self) -> bool {
        let in_frame = matches!(self.frame.payload, Payload::Inline { .. });
        !in_frame && !self.terms.idempotent
    }
}

impl Call {
    fn into_refund(self) -> Option<Refund> {
        match self {
            Self::None => None,
            Self::Wanted(entry) => Some(entry.refund()),
            Self::Cancelled(refund) => Some(refund),
        }
    }
}

/// Returns the next place in the order of all calls of this process, across sessions.
fn next_in_order() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{FrameType, Header};

    fn entry() -> Entry {
        Entry {
            pending: Pending::new(),
            channel: Arc::new(ClientChannel::new(ChannelId(1), "test", 4, None)),
            frame: Frame::bare(Header::new(FrameType::Request, ChannelId(1))),
            terms: Terms {
                deadline: None,
                idempotent: false,
                crash_count: 0,
                order: None,
            },
            awaited: true,
            moves: None,
            given_up: false,
            bytes: 0,
        }
    }

    fn enter(table: &CallTable) -> CallId {
        table.enter(entry(), Sender::Caller, |_| true).unwrap()
    }

    fn is_full(table: &CallTable) -> bool {
        table.enter(entry(), Sender::Caller, |_| true) == Err(NotEntered::Full)
    }

    #[test]
    fn an_entry_is_not_used_again_before_its_reply() {
        let table = CallTable::new(1);
        let first = enter(&table);
        assert!(matches!(table.cancel(first), (Effect::Cancel, None)));
        assert!(matches!(table.cancel(first), (Effect::Nothing, None)));
        assert!(is_full(&table), "a cancelled call keeps its entry");
        assert!(matches!(table.complete(first), Found::Cancelled(_)));
        let second = enter(&table);
        assert_eq!(second.index, first.index);
        assert_ne!(second.generation, first.generation);
        assert!(matches!(table.complete(first), Found::Nothing));
        assert!(matches!(table.complete(second), Found::Live(_)));
        assert!(matches!(table.complete(second), Found::Nothing));
    }

    #[test]
    fn a_call_that_was_never_sent_returns_entry_and_credit() {
        let table = CallTable::new(1);
        let call = enter(&table);
        assert!(matches!(table.not_published(call), (true, None)));
        assert!(
            matches!(table.complete(call), Found::Nothing),
            "no reply is possible"
        );
        assert!(matches!(table.cancel(call), (Effect::Refund, Some(_))));
        assert_eq!(table.publish(call), Publish::Withdrawn);
        assert_eq!(table.under_way(), 0);
        let unwanted = table.enter(entry(), Sender::Another, |_| false);
        assert_eq!(unwanted, Err(NotEntered::Unwanted));
        enter(&table);
    }

    /// A sender that retries knows whether the session's end has its call.
    #[test]
    fn a_request_that_was_taken_back_is_told_from_one_that_was_handed_out() {
        let table = CallTable::new(1);
        let taken = enter(&table);
        assert!(table.withdraw(taken).is_none(), "its sender is sending it");
        assert!(matches!(table.not_published(taken), (true, None)));
        assert!(table.withdraw(taken).is_some());
        assert!(table.withdraw(taken).is_none());
        assert_eq!(table.publish(taken), Publish::Withdrawn);
        let waits = enter(&table);
        assert!(matches!(table.not_published(waits), (true, None)));
        assert_eq!(table.publish(taken), Publish::Withdrawn);
        assert_eq!(table.close().len(), 1);
        assert_eq!(table.publish(taken), Publish::Withdrawn);
        assert_eq!(table.publish(waits), Publish::HandedOut);
        let table = CallTable::new(1);
        let sent = enter(&table);
        assert!(table.withdraw(sent).is_none());
        let retried = {
            assert!(matches!(table.not_published(sent), (true, None)));
            table.publish(sent)
        };
        assert_eq!(retried, Publish::Now);
        assert!(table.withdraw(sent).is_none(), "its sender is sending it");
    }

    #[test]
    fn a_cancellation_while_another_task_publishes_is_completed_by_that_task() {
        let table = CallTable::new(1);
        for goes_out in [true, false] {
            let call = table.enter(entry(), Sender::Another, |_| true);
            let call = call.unwrap();
            // No cancellation before its request.
            assert!(matches!(table.cancel(call), (Effect::Nothing, None)));
            if goes_out {
                assert!(table.published(call));
                assert!(matches!(table.complete(call), Found::Cancelled(_)));
            } else {
                assert!(matches!(table.not_published(call), (false, Some(_))));
            }
            assert_eq!(table.under_way(), 0);
        }
    }

    #[test]
    fn an_answer_may_come_before_its_sender_has_noted_that_it_was_sent() {
        let table = CallTable::new(1);
        let call = table.enter(entry(), Sender::Another, |_| true);
        let call = call.unwrap();
        assert!(matches!(table.complete(call), Found::Live(_)));
        let next = enter(&table);
        assert_eq!(next.index, call.index);
        assert!(!table.published(call));
        assert!(matches!(table.complete(next), Found::Live(_)));
    }

    #[test]
    fn closing_hands_out_in_order_and_lets_nothing_in() {
        let table = CallTable::new(4);
        let a = enter(&table);
        let b = enter(&table);
        let _ = table.complete(a);
        let c = enter(&table);
        let out = table.close();
        let out = out
            .iter()
            .map(|left| left.entry.frame.header.call)
            .collect::<Vec<_>>();
        assert_eq!(out, vec![b, c]);
        let late = table.enter(entry(), Sender::Caller, |_| true);
        assert_eq!(late, Err(NotEntered::Closed));
        assert_eq!(table.under_way(), 0);
    }

    /// CT6
    #[test]
    fn a_call_whose_reply_broke_a_rule_is_handed_out_in_its_place_and_given_back_after_the_end() {
        let table = CallTable::new(4);
        let a = enter(&table);
        let b = enter(&table);
        let c = enter(&table);
        let (Found::Live(first), Found::Live(late)) = (table.complete(b), table.complete(c)) else {
            panic!("they are under way");
        };
        assert!(table.misanswered(first).is_none());
        // Its entry is free, and it is still handed out.
        let d = enter(&table);
        let out = table.close();
        let out = out
            .iter()
            .map(|left| (left.entry.frame.header.call, left.progress))
            .collect::<Vec<_>>();
        let sent = Progress::Sent;
        assert_eq!(out, [(a, sent), (b, Progress::Answered), (d, sent)]);
        assert!(table.misanswered(late).is_some());
        assert!(table.close().is_empty());
    }

    #[test]
    fn a_call_sent_again_keeps_its_place_before_new_ones() {
        let (old, new) = (CallTable::new(4), CallTable::new(4));
        enter(&old);
        let unsettled = old.close().remove(0).entry;
        enter(&new);
        let again = unsettled.terms.order;
        new.enter(unsettled, Sender::Another, |_| true).unwrap();
        assert_eq!(new.close()[0].entry.terms.order, again);
    }

    #[test]
    fn an_index_past_the_table_is_nothing() {
        let table = CallTable::new(1);
        let id = CallId {
            index: 7,
            generation: 1,
        };
        assert!(matches!(table.complete(id), Found::Nothing));
        assert!(matches!(table.cancel(id), (Effect::Nothing, None)));
    }
}
