//! Tasks that wait for room, first come, first served.
//!
//! - Q1: tickets ascend, so the queue is sorted and a ticket is found by bisection.
//! - Q2: waking does not remove: whoever waited removes itself when it is served or gives up.

use std::collections::VecDeque;
use std::task::Waker;

/// A place in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// A queue of wakers.
#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    next: u64,
    waiting: VecDeque<(Ticket, Waker)>,
}

impl WaitQueue {
    /// Joins at the end, or renews the waker of a place already taken.
    pub(crate) fn wait(&mut self, ticket: Option<Ticket>, waker: &Waker) -> Ticket {
        if let Some(ticket) = ticket
            && let Ok(place) = self.find(ticket)
            && let Some((_, known)) = self.waiting.get_mut(place)
        {
            known.clone_from(waker);
            return ticket;
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.waiting.push_back((ticket, waker.clone()));
        ticket
    }

    /// Leaves the queue.
    pub(crate) fn leave(&mut self, ticket: Ticket) {
        if let Ok(place) = self.find(ticket) {
            self.waiting.remove(place);
        }
    }

    /// Whether the holder of `ticket`, or a newcomer without one, is next.
    pub(crate) fn is_next(&self, ticket: Option<Ticket>) -> bool {
        match self.waiting.front() {
            None => true,
            Some(&(first, _)) => ticket.is_some_and(|ticket| ticket <= first),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The waker of whoever is next.
    pub(crate) fn first(&self) -> Option<Waker> {
        self.waiting.front().map(|(_, waker)| waker.clone())
    }

    /// The wakers of all, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = Waker> {
        self.waiting.iter().map(|(_, waker)| waker.clone())
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
    fn the_first_to_come_is_next_until_it_leaves() {
        let mut queue = WaitQueue::default();
        let first = queue.wait(None, Waker::noop());
        let second = queue.wait(None, Waker::noop());
        assert!(queue.is_next(Some(first)));
        assert!(!queue.is_next(Some(second)));
        assert!(!queue.is_next(None));
        assert_eq!(queue.wait(Some(first), Waker::noop()), first);
        queue.leave(first);
        assert!(queue.is_next(Some(second)));
        queue.leave(second);
        assert!(queue.is_next(None) && queue.is_empty());
    }
}
