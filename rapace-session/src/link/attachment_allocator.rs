//! AttachmentAllocator of the transport's, for those who may have to wait.
//!
//! - K4: of all payloads that need several buffers, one on each lane gathers them at a time, and one
//!   for requests gives what it has to one for replies: so no two wait for each other.
//! - K5: a payload that gathers also gives way to those that wait for a single buffer and could have
//!   one of its own, but not for ever: after [`PATIENCE`] times it keeps what it has. It does so in a
//!   task, since a caller that is not polled could not.

use std::sync::Arc;

use rapace_codec::BlobMut;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

use crate::link::payload_error::PayloadError;
use crate::transport::{AllocateError, Lane, Transport};

/// The buffers of one transport.
pub(crate) struct AttachmentAllocator {
    transport: Arc<dyn Transport>,
    data: Queue,
    priority: Queue,
}

/// Who waits on one lane.
#[derive(Default)]
struct Queue {
    /// Held by the payload that gathers buffers one by one (K4).
    turn: Mutex<()>,
    /// Payloads that gather, or wait to.
    several: watch::Sender<Count>,
    /// Those who wait for a single buffer.
    single: watch::Sender<Count>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    came: u64,
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

    /// A buffer, waiting for it if need be.
    ///
    /// # Cancel safety
    /// Dropping the future gives up its turn.
    pub(crate) async fn one(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        match self.transport.try_allocate(len, lane) {
            Err(AllocateError::Exhausted) => {
                let _waiting = Waiting::new(&self.queue(lane).single);
                self.transport.allocate(len, lane).await
            }
            now => now,
        }
    }

    /// A buffer for each size.
    ///
    /// # Cancel safety
    /// Dropping the future gives everything back.
    pub(crate) async fn all(
        self: &Arc<Self>,
        sizes: Vec<usize>,
        lane: Lane,
    ) -> Result<Vec<BlobMut>, PayloadError> {
        match sizes.as_slice() {
            [] => return Ok(Vec::new()),
            [size] => return Ok(vec![self.one(*size, lane).await?]),
            _ => {}
        }
        let now = sizes
            .iter()
            .map(|size| self.transport.try_allocate(*size, lane));
        match now.collect::<Result<_, _>>() {
            Ok(all) => return Ok(all),
            Err(AllocateError::Exhausted) => {}
            Err(other) => return Err(other.into()),
        }
        if !self.transport.holds_at_once(&sizes, lane) {
            return Err(PayloadError::Encode(format!(
                "a payload of {} buffers, more than the transport has for them: allocate them from \
                 the session, or send fewer at once",
                sizes.len() - 1
            )));
        }
        // Ends with this future.
        let mut gathering = JoinSet::new();
        gathering.spawn(Arc::clone(self).gather(sizes, lane));
        match gathering.join_next().await {
            Some(Ok(all)) => Ok(all?),
            // The runtime shuts down.
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
        let _turn = queue.turn.lock().await; // K4
        let mut replies = self.priority.several.subscribe();
        let mut single = queue.single.subscribe();
        let mut gave_way = 0;
        loop {
            tokio::select! {
                biased;
                all = self.one_by_one(&sizes, lane) => return all,
                // What was gathered goes back when this future is dropped.
                _ = replies.wait_for(|count| count.waits()), if lane == Lane::Data => {}
                _ = single.wait_for(|count| count.waits()), if gave_way < PATIENCE => gave_way += 1,
            }
            if lane == Lane::Data {
                let _ = replies.wait_for(|count| !count.waits()).await;
            }
            // Those who wait now are served first, not those who come meanwhile (K5).
            let came = single.borrow_and_update().came;
            if gave_way < PATIENCE {
                let _ = single.wait_for(|count| count.left >= came).await;
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
        self.came > self.left
    }
}

/// Counts one who waits.
struct Waiting<'a>(&'a watch::Sender<Count>);

impl<'a> Waiting<'a> {
    fn new(count: &'a watch::Sender<Count>) -> Self {
        count.send_modify(|count| count.came += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| count.left += 1);
    }
}

/// How often a payload that gathers gives way: often enough for calls that come now and then, and an
/// end when they never stop coming.
const PATIENCE: u32 = 32;
