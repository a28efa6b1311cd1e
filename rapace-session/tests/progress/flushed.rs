//! Which frames of a direction their receiver can see: those that were flushed.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};

/// The frames of one direction.
#[derive(Clone, Default)]
pub(super) struct Flushed(Arc<Mutex<Frames>>);

#[derive(Default)]
struct Frames {
    unflushed: usize,
    /// Flushed, and not received yet.
    visible: usize,
    receiver: Option<Waker>,
}

impl Flushed {
    fn lock(&self) -> MutexGuard<'_, Frames> {
        self.0.lock().unwrap()
    }

    pub(super) fn sent(&self) {
        self.lock().unflushed += 1;
    }

    pub(super) fn flush(&self) {
        let mut frames = self.lock();
        frames.visible += std::mem::take(&mut frames.unflushed);
        let receiver = frames.receiver.take();
        drop(frames);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }

    /// How many of `max` frames can be received now. The receiver is woken when there are more.
    pub(super) fn visible(&self, cx: &Context<'_>, max: usize) -> usize {
        let mut frames = self.lock();
        frames.receiver = Some(cx.waker().clone());
        frames.visible.min(max)
    }

    pub(super) fn received(&self, count: usize) {
        self.lock().visible -= count;
    }
}
