//! What waits on this side of a session: senders that found no credit, bytes, slot, or room.
//!
//! - WT1: only a future that has to wait is registered, from its first poll until it is ready or dropped. A sender that
//!   finds what it needs touches nothing here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::link::deadline::now;
use crate::wire::frame::ChannelId;

/// Who waits. Names are found when somebody asks, so that the path of a call needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Flow {
    /// Calls of a method, over a channel that this side opened.
    Requests { channel: ChannelId, method: u32 },
    /// Replies to calls of a method, over a channel that the peer opened.
    Replies { channel: ChannelId, method: u32 },
    /// Items of streams that calls of a method opened, over a channel of either side.
    Items { channel: ChannelId, method: u32 },
    /// Allocations of the user's.
    Allocations,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Need {
    /// A credit of the channel.
    Credit,
    /// Bytes of the channel's window.
    RequestBytes,
    /// Room on the ring.
    Ring,
    /// A credit of the stream.
    StreamItems,
    /// Bytes of this stream's window.
    StreamBytes { stream: ChannelId },
    /// A slot for so many bytes.
    Slot { len: usize },
    /// That its fragments are sent.
    Fragments,
    /// That it is polled: its fragments are sent.
    Poll,
}

/// The waits of one side of a session.
#[derive(Debug, Default)]
pub(crate) struct Waits(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    /// In the order in which they began.
    waiting: BTreeMap<WaitNumber, Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    flow: Flow,
    need: Need,
    since: Instant,
}

/// The number of a wait, which no other wait ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WaitNumber(u64);

/// A wait that is registered. Dropping it ends the wait.
#[derive(Debug)]
#[must_use = "dropping it ends the wait"]
pub(crate) struct Registered<'a> {
    waits: &'a Waits,
    pub(crate) number: WaitNumber,
}

/// Those of one flow that wait for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) flow: Flow,
    pub(crate) need: Need,
    pub(crate) count: usize,
    /// Since when the first of them waits.
    pub(crate) since: Instant,
}

impl Waits {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a wait that begins now.
    pub(crate) fn register(&self, flow: Flow, need: Need) -> Registered<'_> {
        let waiting = Waiting {
            flow,
            need,
            since: now(),
        };
        let mut inner = self.lock();
        let number = WaitNumber(inner.next);
        inner.next += 1;
        inner.waiting.insert(number, waiting);
        Registered {
            waits: self,
            number,
        }
    }

    /// Records that a wait is for something else from now on, if it is registered still.
    pub(crate) fn now_needs(&self, number: WaitNumber, need: Need) {
        if let Some(waiting) = self.lock().waiting.get_mut(&number) {
            (waiting.need, waiting.since) = (need, now());
        }
    }

    /// Makes a future that is registered while it waits (WT1). Boxed, since it waits on rare paths, where it would make the
    /// futures of all calls larger.
    pub(crate) fn during<'a, F>(
        &'a self,
        flow: Flow,
        need: Need,
        work: F,
    ) -> Pin<Box<impl Future<Output = F::Output> + use<'a, F>>>
    where
        F: Future + 'a,
    {
        Box::pin(async move {
            let _registered = self.register(flow, need);
            work.await
        })
    }

    /// The channels whose windows somebody has waited for since then, or longer.
    pub(crate) fn short_channels(&self, since: Instant) -> BTreeSet<ChannelId> {
        let inner = self.lock();
        let long = inner.waiting.values().filter(|wait| wait.since <= since);
        let short = long.filter_map(|wait| match (wait.flow, wait.need) {
            (Flow::Requests { channel, .. }, Need::Credit | Need::RequestBytes) => Some(channel),
            _ => None,
        });
        short.collect()
    }

    /// All that waits, the group that has waited longest first.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let all = self.lock().waiting.values().copied().collect::<Vec<_>>();
        let mut places = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for Waiting { flow, need, since } in all {
            let place = *places.entry((flow, need)).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.count += 1,
                None => groups.push(Group {
                    flow,
                    need,
                    count: 1,
                    since,
                }),
            }
        }
        groups
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.waits.lock().waiting.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;

    const FETCH: Flow = Flow::Requests {
        channel: ChannelId(1),
        method: 0,
    };

    /// WT1
    #[test]
    fn a_future_is_registered_from_its_first_poll_until_it_is_dropped() {
        let waits = Waits::default();
        let mut first = waits.during(FETCH, Need::Credit, pending::<()>());
        assert!(waits.groups().is_empty(), "it was not polled");
        assert!(first.as_mut().now_or_never().is_none());
        assert_eq!(waits.groups()[0].count, 1);
        drop(first);
        assert!(waits.groups().is_empty());
        let ready = waits.during(FETCH, Need::Credit, std::future::ready(()));
        assert!(ready.now_or_never().is_some());
        assert!(waits.groups().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_something_else_begins_anew_and_one_that_is_over_stays_so() {
        let waits = Waits::default();
        let registered = waits.register(FETCH, Need::Fragments);
        let since = waits.groups()[0].since;
        tokio::time::advance(Duration::from_secs(1)).await;
        waits.now_needs(registered.number, Need::Poll);
        let group = waits.groups()[0];
        assert_eq!((group.need, group.count), (Need::Poll, 1));
        assert_eq!(group.since - since, Duration::from_secs(1));
        let number = registered.number;
        drop(registered);
        waits.now_needs(number, Need::Poll);
        assert!(waits.groups().is_empty());
    }

    #[test]
    fn those_that_wait_for_the_same_are_one_group_as_old_as_its_first() {
        let waits = Waits::default();
        let first = waits.register(FETCH, Need::Credit);
        let ring = waits.register(FETCH, Need::Ring);
        let began = waits.groups()[0].since;
        let others = [Need::Credit; 9].map(|need| waits.register(FETCH, need));
        let allocation = waits.register(Flow::Allocations, Need::Slot { len: 100 });
        let groups = waits.groups();
        let counts = groups
            .iter()
            .map(|group| (group.flow, group.need, group.count));
        let expected = [
            (FETCH, Need::Credit, 10),
            (FETCH, Need::Ring, 1),
            (Flow::Allocations, Need::Slot { len: 100 }, 1),
        ];
        assert_eq!(counts.collect::<Vec<_>>(), expected);
        assert_eq!(groups[0].since, began);
        drop(first);
        assert_eq!(waits.groups()[1].count, 9);
        drop((ring, others, allocation));
        assert!(waits.groups().is_empty());
    }
}
