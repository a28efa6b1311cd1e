//! A side that reads no frames for a while.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    closed: bool,
    reader: Option<Waker>,
}

impl Gate {
    pub(super) fn close(&self) {
        self.0.lock().unwrap().closed = true;
    }

    pub(super) fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.closed = false;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.lock().unwrap().closed
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().unwrap();
        if state.closed {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}
