//! Allocation of the transport's buffers, with backpressure when all are in use.
//!
//! - AA1: per lane, one multi-buffer allocation proceeds at a time, and an allocation for a request
//!   yields to one for a reply. So no two allocations deadlock.
//! - AA2: a multi-buffer allocation also yields its buffers to allocations of a single buffer that
//!   wait, at most [`MAX_YIELDS`] times, so that it finishes. It runs in a task of its own, because
//!   a future that its caller does not poll could not yield.

use std::iter::Chain;
use std::sync::Arc;
use std::{option, vec};

use rapace_codec::BlobMut;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::link::payload_error::PayloadError;
use crate::transport::{AllocateError, Lane, Transport};

/// Allocates the buffers of one transport.
pub(crate) struct AttachmentAllocator {
    transport: Arc<dyn Transport>,
    data: Queue,
    priority: Queue,
}

/// The buffers of one payload: the first, and the others.
type Allocated = Chain<option::IntoIter<BlobMut>, vec::IntoIter<BlobMut>>;

/// The allocations that wait on one lane.
#[derive(Default)]
struct Queue {
    /// Held by the multi-buffer allocation that proceeds (AA1).
    turn: Mutex<()>,
    /// Counts multi-buffer allocations, those that wait for their turn included.
    several: watch::Sender<Count>,
    /// Counts allocations of a single buffer that wait.
    single: watch::Sender<Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    arrived: u64,
    left: u64,
}

impl AttachmentAllocator {
    pub(crate) fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            data: Queue::default(),
            priority: Queue::default(),
        }
    }

    fn queue(&self, lane: Lane) -> &Queue {
        match lane {
            Lane::Data => &self.data,
            Lane::Priority => &self.priority,
        }
    }

    /// Allocates a buffer, and waits while none is free.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its place in the queue.
    pub(crate) async fn one(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        match self.transport.try_allocate(len, lane) {
            Err(AllocateError::Exhausted) => {
                let _waiting = Waiting::new(&self.queue(lane).single);
                self.transport.allocate(len, lane).await
            }
            now => now,
        }
    }

    /// Allocates a buffer of each size, if all are free. Most payloads need one or none, for which nothing else is
    /// allocated.
    pub(crate) fn all_now(
        &self,
        mut sizes: impl Iterator<Item = usize>,
        lane: Lane,
    ) -> Result<Option<Allocated>, AllocateError> {
        let allocate = |size| self.transport.try_allocate(size, lane);
        let first = sizes.next().map(allocate).transpose();
        let now = first.and_then(|first| {
            let others = sizes.map(allocate).collect::<Result<Vec<_>, _>>()?;
            Ok(first.into_iter().chain(others))
        });
        match now {
            Ok(all) => Ok(Some(all)),
            Err(AllocateError::Exhausted) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Allocates a buffer of each size, and waits until it has all of them.
    ///
    /// # Cancel safety
    /// Dropping the future releases all buffers.
    pub(crate) async fn all(
        self: &Arc<Self>,
        sizes: Vec<usize>,
        lane: Lane,
    ) -> Result<Vec<BlobMut>, PayloadError> {
        if let [size] = *sizes.as_slice() {
            return Ok(vec![self.one(size, lane).await?]);
        }
        if let Some(all) = self.all_now(sizes.iter().copied(), lane)? {
            return Ok(all.collect());
        }
        if !self.transport.holds_at_once(&sizes, lane) {
            return Err(PayloadError::Encode(format!(
                "a payload of {} buffers, more than the transport can hold at once: allocate them from \
                 the session, or send fewer in one message",
                sizes.len() - 1
            )));
        }
        // Dropping this future aborts the task.
        let mut gathering = JoinSet::new();
        gathering.spawn(Arc::clone(self).gather(sizes, lane));
        match gathering.join_next().await {
            Some(Ok(all)) => Ok(all?),
            // The runtime is shut down.
            Some(Err(_)) | None => Err(PayloadError::Closed),
        }
    }

    async fn gather(
        self: Arc<Self>,
        sizes: Vec<usize>,
        lane: Lane,
    ) -> Result<Vec<BlobMut>, AllocateError> {
        let queue = self.queue(lane);
        let _waiting = Waiting::new(&queue.several);
        let _turn = queue.turn.lock().await; // AA1
        let mut replies = self.priority.several.subscribe();
        let mut single = queue.single.subscribe();
        let mut yields = 0;
        loop {
            tokio::select! {
                biased;
                all = self.one_by_one(&sizes, lane) => return all,
                // Dropping this future releases the buffers that it has.
                _ = replies.wait_for(|count| count.waits()), if lane == Lane::Data => {}
                _ = single.wait_for(|count| count.waits()), if yields < MAX_YIELDS => yields += 1,
            }
            if lane == Lane::Data {
                let _ = replies.wait_for(|count| !count.waits()).await;
            }
            // The allocations that wait now are served first, not those that arrive meanwhile
            // (AA2).
            let arrived = single.borrow_and_update().arrived;
            if yields < MAX_YIELDS {
                let _ = single.wait_for(|count| count.left >= arrived).await;
            }
        }
    }

    async fn one_by_one(&self, sizes: &[usize], lane: Lane) -> Result<Vec<BlobMut>, AllocateError> {
        let mut all = Vec::with_capacity(sizes.len());
        for size in sizes {
            all.push(self.transport.allocate(*size, lane).await?);
        }
        Ok(all)
    }
}

impl Count {
    fn waits(&self) -> bool {
        self.arrived > self.left
    }
}

/// Counts an allocation for as long as it waits.
struct Waiting<'a>(&'a watch::Sender<Count>);

impl<'a> Waiting<'a> {
    fn new(count: &'a watch::Sender<Count>) -> Self {
        count.send_modify(|count| count.arrived += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.left += 1);
    }
}

/// How often a multi-buffer allocation yields: often enough for occasional calls, and bounded under
/// constant load.
const MAX_YIELDS: u32 = 32;
