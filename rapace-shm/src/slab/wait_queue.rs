//! A FIFO queue of tasks that wait for slots or ring room.
//!
//! - Q1: tickets ascend, so the queue is sorted and a ticket is found by bisection.
//! - Q2: waking does not remove an entry: a waiter removes itself when it is served or cancelled. Its waker
//!   is taken; if it goes on waiting, its next poll leaves another.
//! - Q3: no waker's code runs in here, since the caller may hold the queue's lock: the caller clones wakers,
//!   and gets them back to wake or drop them.

use std::collections::VecDeque;
use std::task::Waker;

/// A place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// A queue of wakers.
#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    next: u64,
    waiting: VecDeque<(Ticket, Option<Waker>)>,
}

impl WaitQueue {
    /// Joins at the end, or replaces the waker of a place already held. Also returns the waker to be dropped.
    pub(crate) fn wait(&mut self, ticket: Option<Ticket>, waker: Waker) -> (Ticket, Option<Waker>) {
        if let Some(ticket) = ticket
            && let Ok(place) = self.find(ticket)
            && let Some((_, known)) = self.waiting.get_mut(place)
        {
            return (ticket, known.replace(waker));
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.push_back((ticket, Some(waker)));
        (ticket, None)
    }

    /// Leaves the queue. Returns the waker to be dropped.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> Option<Waker> {
        let place = self.find(ticket).ok()?;
        self.waiting.remove(place)?.1
    }

    /// Returns whether the holder of `ticket`, or a newcomer without one, is next.
    pub(crate) fn is_next(&self, ticket: Option<Ticket>) -> bool {
        match self.waiting.front() {
            None => true,
            Some(&(first, _)) => ticket.is_some_and(|ticket| ticket <= first),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the waker of the first waiter, unless it was woken already.
    pub(crate) fn first(&mut self) -> Option<Waker> {
        self.waiting.front_mut()?.1.take()
    }

    /// Takes the wakers of all waiters that were not woken already, in order.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = Waker> {
        self.waiting
            .iter_mut()
            .filter_map(|(_, waker)| waker.take())
    }

    fn find(&self, ticket: Ticket) -> Result<usize, usize> {
        self.waiting
            .binary_search_by_key(&ticket, |&(known, _)| known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_are_served_in_fifo_order() {
        let mut queue = WaitQueue::default();
        let (first, _) = queue.wait(None, Waker::noop().clone());
        let (second, _) = queue.wait(None, Waker::noop().clone());
        assert!(queue.is_next(Some(first)));
        assert!(!queue.is_next(Some(second)));
        assert!(!queue.is_next(None));
        let (again, before) = queue.wait(Some(first), Waker::noop().clone());
        assert_eq!((again, before.is_some()), (first, true));
        assert!(queue.leave(first).is_some());
        assert!(queue.is_next(Some(second)));
        assert!(queue.first().is_some());
        assert!(queue.first().is_none(), "it was woken already");
        assert!(queue.leave(second).is_none());
        assert!(queue.is_next(None) && queue.is_empty());
    }
}
