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

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::calls::credits::ClientChannel;
use crate::calls::pending::Pending;
use crate::calls::stage::{Effect, Event, Sender, Stage};
use crate::link::waits::{Flow, Need, Waits};
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
}

#[derive(Debug, Default)]
enum Call {
    #[default]
    None,
    Wanted(Entry),
    /// The call was cancelled; its credit is still taken (CT1).
    Cancelled(Arc<ClientChannel>),
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
    room: Semaphore,
}

/// Why a call was not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotEntered {
    /// The session is over (CT3).
    Closed,
    /// The call was cancelled.
    Unwanted,
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
            room: Semaphore::new(capacity as usize),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a free entry, if there is one. [`enter`](Self::enter) consumes the permit.
    pub(crate) fn try_room(&self) -> Option<SemaphorePermit<'_>> {
        self.room.try_acquire().ok()
    }

    /// Waits for a free entry. `None` once the table is closed.
    pub(crate) fn room<'a>(
        &'a self,
        flow: Flow,
        waits: &'a Waits,
    ) -> impl Future<Output = Option<SemaphorePermit<'a>>> + Unpin {
        let room = async { self.room.acquire().await.ok() };
        waits.during(flow, Need::CallTable, room)
    }

    /// Enters a call that `sender` puts on the ring next. Before other threads can see the entry,
    /// `note` records it with the caller, and returns whether the caller still wants the call.
    pub(crate) fn enter(
        &self,
        permit: SemaphorePermit<'_>,
        mut entry: Entry,
        sender: Sender,
        note: impl FnOnce(CallId) -> bool,
    ) -> Result<CallId, NotEntered> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotEntered::Closed);
        }
        // A permit guarantees an entry that is free, or was never used.
        let index = inner.free.pop().unwrap_or_else(|| {
            inner.slots.push(Slot {
                generation: 0,
                stage: Stage::Free,
                call: Call::None,
            });
            inner.slots.len() as u32 - 1
        });
        let slot = &mut inner.slots[index as usize];
        let generation = slot.generation.wrapping_add(1).max(1);
        let id = CallId { index, generation };
        if !note(id) {
            inner.free.push(index);
            return Err(NotEntered::Unwanted);
        }
        slot.generation = generation;
        (slot.stage, _) = slot.stage.after(Event::Entered(sender));
        entry.frame.header.call = id;
        entry.terms.order.get_or_insert_with(next_in_order);
        slot.call = Call::Wanted(entry);
        permit.forget();
        Ok(id)
    }

    /// Records that the sender retries to put a call on the ring; false if the call is not in the
    /// table any more.
    pub(crate) fn publish(&self, call: CallId) -> bool {
        matches!(self.step(call, Event::Tries), (Effect::Publish, _))
    }

    /// Records that a call is on the ring. True if the sender must send a cancellation.
    pub(crate) fn published(&self, call: CallId) -> bool {
        matches!(self.step(call, Event::Published), (Effect::Cancel, _))
    }

    /// Records that the ring refused a call. Returns whether the sender may retry; and the channel
    /// whose credit is to be returned, if the call was cancelled meanwhile.
    pub(crate) fn not_published(&self, call: CallId) -> (bool, Option<Arc<ClientChannel>>) {
        match self.step(call, Event::NotPublished) {
            (Effect::Keep, _) => (true, None),
            (Effect::Refund, call) => (false, call.into_channel()),
            _ => (false, None),
        }
    }

    /// Frees the entry of a call whose reply arrived (CT1).
    pub(crate) fn complete(&self, call: CallId) -> Found {
        match self.step(call, Event::Replied) {
            (Effect::Settle, Call::Wanted(entry)) => Found::Live(entry),
            (Effect::CreditBack, Call::Cancelled(channel)) => Found::Cancelled(channel),
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

    /// Cancels a call. Returns the effect of [`Stage::after`]; and the channel whose credit is to
    /// be returned, if the peer never saw the call.
    pub(crate) fn cancel(&self, call: CallId) -> (Effect, Option<Arc<ClientChannel>>) {
        let (effect, call) = self.step(call, Event::Cancelled);
        match effect {
            Effect::Refund => (effect, call.into_channel()),
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
                inner.free.push(call.index);
                drop(inner);
                self.room.add_permits(1);
                (effect, left)
            }
            Stage::Unwanted | Stage::Cancelled => {
                let left = match &slot.call {
                    Call::Wanted(entry) => Call::Cancelled(Arc::clone(&entry.channel)),
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
                Call::Cancelled(channel) => (channel.id, None),
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
        self.room.close();
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
    /// Whether the call has a payload in memory that nobody needs once it has begun (CT7).
    fn has_spare_payload(&self) -> bool {
        let in_frame = matches!(self.frame.payload, Payload::Inline { .. });
        !in_frame && !self.terms.idempotent
    }
}

impl Call {
    fn into_channel(self) -> Option<Arc<ClientChannel>> {
        match self {
            Self::None => None,
            Self::Wanted(entry) => Some(entry.channel),
            Self::Cancelled(channel) => Some(channel),
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
    use std::sync::LazyLock;

    use super::*;
    use crate::wire::frame::{FrameType, Header};

    async fn room(table: &CallTable) -> Option<SemaphorePermit<'_>> {
        static WAITS: LazyLock<Waits> = LazyLock::new(Waits::default);
        match table.try_room() {
            None => table.room(Flow::Allocations, &WAITS).await,
            room => room,
        }
    }

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
        }
    }

    async fn enter(table: &CallTable) -> CallId {
        let permit = room(table).await.unwrap();
        table
            .enter(permit, entry(), Sender::Caller, |_| true)
            .unwrap()
    }

    #[tokio::test]
    async fn an_entry_is_not_used_again_before_its_reply() {
        let table = CallTable::new(1);
        let first = enter(&table).await;
        assert!(matches!(table.cancel(first), (Effect::Cancel, None)));
        assert!(matches!(table.cancel(first), (Effect::Nothing, None)));
        assert!(futures_util::FutureExt::now_or_never(room(&table)).is_none());
        assert!(matches!(table.complete(first), Found::Cancelled(_)));
        let second = enter(&table).await;
        assert_eq!(second.index, first.index);
        assert_ne!(second.generation, first.generation);
        assert!(matches!(table.complete(first), Found::Nothing));
        assert!(matches!(table.complete(second), Found::Live(_)));
        assert!(matches!(table.complete(second), Found::Nothing));
    }

    #[tokio::test]
    async fn a_call_that_was_never_sent_returns_entry_and_credit() {
        let table = CallTable::new(1);
        let call = enter(&table).await;
        assert!(matches!(table.not_published(call), (true, None)));
        assert!(
            matches!(table.complete(call), Found::Nothing),
            "no reply is possible"
        );
        assert!(matches!(table.cancel(call), (Effect::Refund, Some(_))));
        assert!(!table.publish(call), "it must not be sent any more");
        assert_eq!(table.under_way(), 0);
        let permit = room(&table).await.unwrap();
        let unwanted = table.enter(permit, entry(), Sender::Another, |_| false);
        assert_eq!(unwanted, Err(NotEntered::Unwanted));
        enter(&table).await;
    }

    #[tokio::test]
    async fn a_cancellation_while_another_task_publishes_is_completed_by_that_task() {
        let table = CallTable::new(1);
        for goes_out in [true, false] {
            let permit = room(&table).await.unwrap();
            let call = table.enter(permit, entry(), Sender::Another, |_| true);
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

    #[tokio::test]
    async fn an_answer_may_come_before_its_sender_has_noted_that_it_was_sent() {
        let table = CallTable::new(1);
        let permit = room(&table).await.unwrap();
        let call = table.enter(permit, entry(), Sender::Another, |_| true);
        let call = call.unwrap();
        assert!(matches!(table.complete(call), Found::Live(_)));
        let next = enter(&table).await;
        assert_eq!(next.index, call.index);
        assert!(!table.published(call));
        assert!(matches!(table.complete(next), Found::Live(_)));
    }

    #[tokio::test]
    async fn closing_hands_out_in_order_and_lets_nothing_in() {
        let table = CallTable::new(4);
        let a = enter(&table).await;
        let b = enter(&table).await;
        let _ = table.complete(a);
        let c = enter(&table).await;
        let permit = room(&table).await.unwrap();
        let out = table.close();
        let out = out
            .iter()
            .map(|left| left.entry.frame.header.call)
            .collect::<Vec<_>>();
        assert_eq!(out, vec![b, c]);
        let late = table.enter(permit, entry(), Sender::Caller, |_| true);
        assert_eq!(late, Err(NotEntered::Closed));
        assert!(room(&table).await.is_none());
        assert_eq!(table.under_way(), 0);
    }

    /// CT6
    #[tokio::test]
    async fn a_call_whose_reply_broke_a_rule_is_handed_out_in_its_place_and_given_back_after_the_end()
     {
        let table = CallTable::new(4);
        let a = enter(&table).await;
        let b = enter(&table).await;
        let c = enter(&table).await;
        let (Found::Live(first), Found::Live(late)) = (table.complete(b), table.complete(c)) else {
            panic!("they are under way");
        };
        assert!(table.misanswered(first).is_none());
        // Its entry is free, and it is still handed out.
        let d = enter(&table).await;
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

    #[tokio::test]
    async fn a_call_sent_again_keeps_its_place_before_new_ones() {
        let (old, new) = (CallTable::new(4), CallTable::new(4));
        enter(&old).await;
        let unsettled = old.close().remove(0).entry;
        enter(&new).await;
        let again = unsettled.terms.order;
        let permit = room(&new).await.unwrap();
        new.enter(permit, unsettled, Sender::Another, |_| true)
            .unwrap();
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
