//! The calls that this side has under way in one session.
//!
//! - C1: an entry is used again only after the reply to its last use has arrived, so a claim mark
//!   can never be mistaken for another call's. A call that was never sent frees its entry at once.
//! - C2: an entry's generation is never 0, and differs from use to use.
//! - C3: once the table is closed nothing enters it, and whatever was in it has been handed out.
//! - C4: calls are handed out in the order in which they were first entered, in whatever session.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::credits::ClientChannel;
use crate::frame::{CallId, Frame};
use crate::pending::Pending;

/// A call in the table.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) pending: Arc<Pending>,
    pub(crate) channel: Arc<ClientChannel>,
    /// What was sent, to be sent again.
    pub(crate) frame: Frame,
    pub(crate) terms: Terms,
    /// Whether anybody waits for the result.
    pub(crate) awaited: bool,
    /// Whether the peer may have it; false while it waits for room.
    pub(crate) sent: bool,
}

/// What does not change when a call is sent again.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) deadline: Option<Instant>,
    pub(crate) idempotent: bool,
    /// Sessions that ended while they ran this call.
    pub(crate) kills: u32,
    /// Place in the order of all calls, kept when sent again (C4).
    pub(crate) order: Option<u64>,
}

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Free,
    Live(Entry),
    /// The caller left; the reply is still to come (C1).
    Forsaken(Arc<ClientChannel>),
}

#[derive(Debug)]
struct Inner {
    /// As many as were ever under way at once.
    slots: Vec<(u32, Slot)>,
    free: Vec<u32>,
    closed: bool,
}

/// The table.
#[derive(Debug)]
pub(crate) struct CallTable {
    inner: Mutex<Inner>,
    room: Semaphore,
}

/// Why a call was not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotEntered {
    /// The session is over (C3).
    Closed,
    /// Its caller left.
    Unwanted,
}

/// What a reply found.
#[derive(Debug)]
pub(crate) enum Found {
    Live(Entry),
    /// Nobody waits; the channel still gets its credits back.
    Forsaken(Arc<ClientChannel>),
    /// No such call is under way: the peer answered twice, or never was asked.
    Nothing,
}

/// What a caller left behind.
#[derive(Debug)]
pub(crate) enum Left {
    /// A call that the peer must be told of.
    Sent,
    /// A call that the peer never saw.
    Unsent(Entry),
    /// Nothing: the call is over.
    Nothing,
}

impl CallTable {
    pub(crate) fn new(capacity: u32) -> Self {
        Self {
            inner: Mutex::new(Inner {
                slots: Vec::new(),
                free: Vec::new(),
                closed: false,
            }),
            room: Semaphore::new(capacity as usize),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an entry. The permit is spent by [`enter`](Self::enter). `None` once closed.
    pub(crate) async fn room(&self) -> Option<SemaphorePermit<'_>> {
        match self.room.try_acquire() {
            Ok(permit) => Some(permit),
            // Boxed, as the wait for a credit is.
            Err(_) => Box::pin(self.room.acquire()).await.ok(),
        }
    }

    /// Enters a call and, before anybody else can see it there, lets `note` say whether its caller
    /// still wants it.
    pub(crate) fn enter(
        &self,
        permit: SemaphorePermit<'_>,
        mut entry: Entry,
        note: impl FnOnce(CallId) -> bool,
    ) -> Result<CallId, NotEntered> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(NotEntered::Closed);
        }
        // A permit stands for an entry that is free, or was never used.
        let index = inner.free.pop().unwrap_or_else(|| {
            inner.slots.push((0, Slot::Free));
            inner.slots.len() as u32 - 1
        });
        let (generation, slot) = &mut inner.slots[index as usize];
        let next = generation.wrapping_add(1).max(1);
        let id = CallId {
            index,
            generation: next,
        };
        if !note(id) {
            inner.free.push(index);
            return Err(NotEntered::Unwanted);
        }
        *generation = next;
        entry.frame.header.call = id;
        entry.terms.order.get_or_insert_with(next_in_order);
        *slot = Slot::Live(entry);
        permit.forget();
        Ok(id)
    }

    /// Runs `f` on a call that is under way.
    pub(crate) fn with<R>(&self, call: CallId, f: impl FnOnce(&mut Entry) -> R) -> Option<R> {
        match self.lock().slots.get_mut(call.index as usize) {
            Some((generation, Slot::Live(entry))) if *generation == call.generation => {
                Some(f(entry))
            }
            _ => None,
        }
    }

    /// The reply has arrived: the entry is free again (C1).
    pub(crate) fn complete(&self, call: CallId) -> Found {
        self.take(call, |slot| match std::mem::take(slot) {
            Slot::Live(entry) if entry.sent => Some(Found::Live(entry)),
            Slot::Forsaken(channel) => Some(Found::Forsaken(channel)),
            other => {
                *slot = other;
                None
            }
        })
        .unwrap_or(Found::Nothing)
    }

    /// The caller left.
    pub(crate) fn forsake(&self, call: CallId) -> Left {
        let unsent = self.take(call, |slot| match std::mem::take(slot) {
            Slot::Live(entry) if !entry.sent => Some(entry),
            other => {
                *slot = other;
                None
            }
        });
        if let Some(entry) = unsent {
            return Left::Unsent(entry);
        }
        let mut inner = self.lock();
        let forsaken = match inner.slots.get_mut(call.index as usize) {
            Some((generation, slot)) if *generation == call.generation => match slot {
                Slot::Live(entry) => {
                    let channel = Arc::clone(&entry.channel);
                    std::mem::replace(slot, Slot::Forsaken(channel))
                }
                _ => Slot::Free,
            },
            _ => Slot::Free,
        };
        drop(inner);
        match forsaken {
            Slot::Live(_) => Left::Sent,
            _ => Left::Nothing,
        }
    }

    /// Frees an entry if `f` takes what was in it.
    fn take<R>(&self, call: CallId, f: impl FnOnce(&mut Slot) -> Option<R>) -> Option<R> {
        let mut inner = self.lock();
        let (generation, slot) = inner.slots.get_mut(call.index as usize)?;
        if *generation != call.generation {
            return None;
        }
        let taken = f(slot)?;
        inner.free.push(call.index);
        drop(inner);
        self.room.add_permits(1);
        Some(taken)
    }

    /// How many calls are under way.
    pub(crate) fn under_way(&self) -> usize {
        let inner = self.lock();
        inner.slots.len() - inner.free.len()
    }

    /// Closes the table and hands out what was in it (C3, C4).
    pub(crate) fn close(&self) -> Vec<Entry> {
        self.room.close();
        let mut inner = self.lock();
        inner.closed = true;
        let mut all = Vec::new();
        for (_, slot) in &mut inner.slots {
            if let Slot::Live(entry) = std::mem::take(slot) {
                all.push(entry);
            }
        }
        inner.free = (0..inner.slots.len() as u32).collect();
        drop(inner);
        all.sort_by_key(|entry| entry.terms.order);
        all
    }
}

/// Places in the order of all calls of this process, whichever session they are made in.
fn next_in_order() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{ChannelId, Header, Verb};

    fn entry(sent: bool) -> Entry {
        Entry {
            pending: Pending::new(),
            channel: Arc::new(ClientChannel::new(ChannelId(1), "test", 4)),
            frame: Frame::bare(Header::new(Verb::Request, ChannelId(1))),
            terms: Terms {
                deadline: None,
                idempotent: false,
                kills: 0,
                order: None,
            },
            awaited: true,
            sent,
        }
    }

    async fn enter(table: &CallTable) -> CallId {
        let permit = table.room().await.unwrap();
        table.enter(permit, entry(true), |_| true).unwrap()
    }

    #[tokio::test]
    async fn an_entry_is_not_used_again_before_its_reply() {
        let table = CallTable::new(1);
        let first = enter(&table).await;
        assert!(matches!(table.forsake(first), Left::Sent));
        assert!(matches!(table.forsake(first), Left::Nothing));
        assert!(futures_util::FutureExt::now_or_never(table.room()).is_none());
        assert!(matches!(table.complete(first), Found::Forsaken(_)));
        let second = enter(&table).await;
        assert_eq!(second.index, first.index);
        assert_ne!(second.generation, first.generation);
        assert!(matches!(table.complete(first), Found::Nothing));
        assert!(matches!(table.complete(second), Found::Live(_)));
        assert!(matches!(table.complete(second), Found::Nothing));
    }

    #[tokio::test]
    async fn a_call_that_was_never_sent_leaves_no_trace() {
        let table = CallTable::new(1);
        let permit = table.room().await.unwrap();
        let call = table.enter(permit, entry(false), |_| true).unwrap();
        assert!(
            matches!(table.complete(call), Found::Nothing),
            "nobody can answer it"
        );
        assert!(matches!(table.forsake(call), Left::Unsent(_)));
        assert_eq!(table.under_way(), 0);
        let permit = table.room().await.unwrap();
        let unwanted = table.enter(permit, entry(false), |_| false);
        assert_eq!(unwanted, Err(NotEntered::Unwanted));
        enter(&table).await;
    }

    #[tokio::test]
    async fn closing_hands_out_in_order_and_lets_nothing_in() {
        let table = CallTable::new(4);
        let a = enter(&table).await;
        let b = enter(&table).await;
        let _ = table.complete(a);
        let c = enter(&table).await;
        let permit = table.room().await.unwrap();
        let out = table.close();
        let out = out
            .iter()
            .map(|entry| entry.frame.header.call)
            .collect::<Vec<_>>();
        assert_eq!(out, vec![b, c]);
        let late = table.enter(permit, entry(true), |_| true);
        assert_eq!(late, Err(NotEntered::Closed));
        assert!(table.room().await.is_none());
        assert_eq!(table.under_way(), 0);
    }

    #[tokio::test]
    async fn a_call_sent_again_keeps_its_place_before_new_ones() {
        let (old, new) = (CallTable::new(4), CallTable::new(4));
        enter(&old).await;
        let orphan = old.close().remove(0);
        enter(&new).await;
        let again = orphan.terms.order;
        let permit = new.room().await.unwrap();
        new.enter(permit, orphan, |_| true).unwrap();
        assert_eq!(new.close()[0].terms.order, again);
    }

    #[test]
    fn an_index_past_the_table_is_nothing() {
        let table = CallTable::new(1);
        let id = CallId {
            index: 7,
            generation: 1,
        };
        assert!(matches!(table.complete(id), Found::Nothing));
        assert!(matches!(table.forsake(id), Left::Nothing));
    }
}
