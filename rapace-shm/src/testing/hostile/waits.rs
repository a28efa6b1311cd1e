//! The host's pending futures, and whether they are woken.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::sent_log::remove;
use crate::{AllocateError, Closed, Lane, Sender, SlotMut};

/// Whether a task was woken.
#[derive(Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn is_up(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Clears this flag, and returns a waker that sets it.
    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        self.0.store(false, Ordering::Relaxed);
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The result of a wait.
pub(crate) enum Served {
    Slot(SlotMut, usize),
    Room,
}

fn served(allocated: Result<SlotMut, AllocateError>, len: usize) -> Result<Served, Closed> {
    match allocated {
        Ok(slot) => Ok(Served::Slot(slot, len)),
        Err(AllocateError::Closed(closed)) => Err(closed),
        Err(other) => panic!("{other:?} after a wait"),
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<Served, Closed>>>>;

struct Wait {
    future: Waiting,
    woken: Arc<Flag>,
}

/// All pending futures.
#[derive(Default)]
pub(crate) struct Waits {
    waits: Vec<Wait>,
}

impl Waits {
    /// Starts to wait for a slot of a size that exists.
    pub(crate) fn for_slot(&mut self, out: &Sender, len: usize, lane: Lane) {
        let out = out.clone();
        self.push(async move { served(out.allocate(len, lane).await, len) });
    }

    pub(crate) fn for_fragment(&mut self, out: &Sender, len: usize, lane: Lane) {
        let out = out.clone();
        self.push(async move { served(out.allocate_fragment(len, lane).await, len) });
    }

    pub(crate) fn for_room(&mut self, out: &Sender, lane: Lane) {
        let out = out.clone();
        self.push(async move { out.writable(lane).await.map(|()| Served::Room) });
    }

    fn push(&mut self, future: impl Future<Output = Result<Served, Closed>> + 'static) {
        if self.waits.len() < 16 {
            self.waits.push(Wait {
                future: Box::pin(future),
                woken: Arc::default(),
            });
        }
    }

    /// Polls the last one, or another.
    pub(crate) fn poll(&mut self, nth: Option<u8>) -> Option<Result<Served, Closed>> {
        let last = self.waits.len().checked_sub(1)?;
        let nth = nth.map_or(last, |nth| usize::from(nth) % self.waits.len());
        let wait = self.waits.get_mut(nth)?;
        let waker = wait.woken.waker();
        match wait.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => None,
            Poll::Ready(served) => {
                self.waits.swap_remove(nth);
                Some(served)
            }
        }
    }

    /// Takes one out, to be dropped by the caller.
    pub(crate) fn take(&mut self, nth: u8) -> Option<impl Sized + use<>> {
        remove(&mut self.waits, nth)
    }

    /// The link has ended: every waiter was woken, and finds it ended.
    pub(crate) fn end(&mut self, closed: Closed) {
        for wait in &self.waits {
            assert!(wait.woken.is_up(), "a wait outlives its link");
        }
        while !self.waits.is_empty() {
            match self.poll(None) {
                Some(Err(terminal)) => assert_eq!(terminal, closed),
                Some(Ok(_)) => panic!("served by a link that has ended"),
                None => panic!("still waiting for a link that has ended"),
            }
        }
    }
}
