//! The futures that wait for a slot or for room.
//!
//! - Y1: check, queue and arm, check again (U1). Only then is a future pending.
//! - Y2: dropping one undoes all of that, and passes its turn on.
//! - Y3: each takes part in tokio's budget, so a task that is served again and again lets other tasks run.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use crate::config::Lane;
use crate::link::error::{AllocateError, Closed};
use crate::link::slot::SlotMut;
use crate::link::state::LinkState;
use crate::slab::wait_queue::Ticket;

/// The future of [`Sender::allocate`](crate::Sender::allocate) and
/// [`Sender::allocate_fragment`](crate::Sender::allocate_fragment).
pub(crate) struct Allocate<'a> {
    link_state: &'a LinkState,
    class: usize,
    len: usize,
    lane: Lane,
    ticket: Option<Ticket>,
}

impl Future for Allocate<'_> {
    type Output = Result<SlotMut, AllocateError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx)); // Y3
        if let Some(done) = self.try_take() {
            coop.made_progress();
            return Poll::Ready(done);
        }
        let link_state = self.link_state;
        let new = self.ticket.is_none();
        let (class, lane) = (self.class, self.lane);
        self.ticket = link_state.slab.wait(class, lane, self.ticket, cx.waker());
        link_state.waiters.wait_for_slot(new);
        match self.try_take() {
            Some(done) => {
                coop.made_progress();
                Poll::Ready(done)
            }
            None => Poll::Pending,
        }
    }
}

impl<'a> Allocate<'a> {
    pub(crate) fn new(link_state: &'a LinkState, class: usize, len: usize, lane: Lane) -> Self {
        Self {
            link_state,
            class,
            len,
            lane,
            ticket: None,
        }
    }
    fn try_take(&mut self) -> Option<Result<SlotMut, AllocateError>> {
        let (class, len, lane) = (self.class, self.len, self.lane);
        let taken = SlotMut::take(self.link_state, class, len, lane, self.ticket).transpose()?;
        self.stop_waiting();
        Some(taken)
    }

    fn stop_waiting(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let link_state = self.link_state;
            link_state.slab.leave(self.class, self.lane, ticket);
            link_state.waiters.slot_wait_over();
        }
    }
}

impl Drop for Allocate<'_> {
    fn drop(&mut self) {
        self.stop_waiting(); // Y2
    }
}

/// The future of [`Sender::writable`](crate::Sender::writable).
pub(crate) struct Writable<'a> {
    link_state: &'a LinkState,
    lane: Lane,
    ticket: Option<Ticket>,
}

impl Future for Writable<'_> {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let coop = ready!(coop::poll_proceed(cx)); // Y3
        if let Some(done) = self.check() {
            coop.made_progress();
            return Poll::Ready(done);
        }
        let ticket = self
            .link_state
            .waiters
            .wait_for_room(self.lane, self.ticket, cx.waker());
        self.ticket = Some(ticket);
        match self.check() {
            Some(done) => {
                coop.made_progress();
                Poll::Ready(done)
            }
            None => Poll::Pending,
        }
    }
}

impl<'a> Writable<'a> {
    pub(crate) fn new(link_state: &'a LinkState, lane: Lane) -> Self {
        Self {
            link_state,
            lane,
            ticket: None,
        }
    }
    fn check(&self) -> Option<Result<(), Closed>> {
        if let Err(closed) = self.link_state.check_open() {
            return Some(Err(closed));
        }
        match self.link_state.has_room(self.lane) {
            Ok(false) => None,
            Ok(true) => Some(Ok(())),
            Err(fault) => Some(Err(self.link_state.fail(fault))),
        }
    }
}

impl Drop for Writable<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.link_state.waiters.room_wait_over(self.lane, ticket);
        }
    }
}
