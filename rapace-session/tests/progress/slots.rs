//! The slots of one side. A buffer has its slot until its last user drops it, on either side.

use std::any::Any;
use std::sync::Arc;

use rapace_codec::{Blob, BlobMut, BlobStorage, BlobStorageMut};
use rapace_session::transport::AllocateError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The numbers and sizes of slots.
#[derive(Clone, Debug)]
pub(super) struct Sizes {
    /// Size and number of each class, in ascending order.
    pub(super) classes: Vec<(usize, usize)>,
    pub(super) fragment_size: usize,
    pub(super) fragment_slots: usize,
    pub(super) ring: usize,
    pub(super) call_table: u32,
}

pub(super) struct Slots {
    classes: Vec<(usize, Arc<Semaphore>)>,
    fragments: Arc<Semaphore>,
    sizes: Sizes,
}

impl Slots {
    pub(super) fn new(sizes: &Sizes) -> Arc<Self> {
        let class = |&(size, slots)| (size, Arc::new(Semaphore::new(slots)));
        Arc::new(Self {
            classes: sizes.classes.iter().map(class).collect(),
            fragments: Arc::new(Semaphore::new(sizes.fragment_slots)),
            sizes: sizes.clone(),
        })
    }

    pub(super) fn max_payload(&self) -> usize {
        self.classes.last().expect("a class").0
    }

    /// How many slots of all classes are in use, without fragment slots.
    pub(super) fn in_use(&self) -> usize {
        let all: usize = self.sizes.classes.iter().map(|class| class.1).sum();
        all - self.free().iter().sum::<usize>()
    }

    /// The free slots of each class.
    pub(super) fn free(&self) -> Vec<usize> {
        let free = self.classes.iter().map(|class| class.1.available_permits());
        free.collect()
    }

    pub(super) fn fragments_in_use(&self) -> usize {
        self.sizes.fragment_slots - self.fragments.available_permits()
    }

    /// The class whose slots hold `len` bytes.
    fn fitting(&self, len: usize) -> Result<usize, AllocateError> {
        let max = self.max_payload();
        let class = self.classes.iter().position(|class| class.0 >= len);
        class.ok_or(AllocateError::TooLarge { len, max })
    }

    /// Takes a slot of the fitting class, or of the next, as over shared memory.
    pub(super) fn try_allocate(self: &Arc<Self>, len: usize) -> Result<BlobMut, AllocateError> {
        let fitting = self.fitting(len)?;
        for (_, slots) in self.classes.iter().skip(fitting).take(2) {
            if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
                return Ok(self.buffer(len, slot));
            }
        }
        Err(AllocateError::Exhausted)
    }

    pub(super) async fn allocate(self: &Arc<Self>, len: usize) -> Result<BlobMut, AllocateError> {
        if let Ok(buffer) = self.try_allocate(len) {
            return Ok(buffer);
        }
        let slots = Arc::clone(&self.classes[self.fitting(len)?].1);
        self.wait(slots, len).await
    }

    pub(super) fn try_allocate_fragment(
        self: &Arc<Self>,
        len: usize,
    ) -> Result<BlobMut, AllocateError> {
        let slot = Arc::clone(&self.fragments).try_acquire_owned();
        let slot = slot.map_err(|_| AllocateError::Exhausted)?;
        Ok(self.buffer(len, slot))
    }

    pub(super) async fn allocate_fragment(
        self: &Arc<Self>,
        len: usize,
    ) -> Result<BlobMut, AllocateError> {
        assert!(len <= self.sizes.fragment_size, "a fragment of {len} bytes");
        self.wait(Arc::clone(&self.fragments), len).await
    }

    async fn wait(
        self: &Arc<Self>,
        slots: Arc<Semaphore>,
        len: usize,
    ) -> Result<BlobMut, AllocateError> {
        let slot = slots.acquire_owned().await;
        Ok(self.buffer(len, slot.map_err(|_| AllocateError::Closed)?))
    }

    fn buffer(self: &Arc<Self>, len: usize, slot: OwnedSemaphorePermit) -> BlobMut {
        BlobMut::from_storage(Box::new(Slot {
            bytes: vec![0; len],
            slots: Arc::clone(self),
            _slot: slot,
        }))
    }

    /// Whether a buffer lies in one of these slots.
    pub(super) fn have(self: &Arc<Self>, blob: &Blob) -> bool {
        let slot = blob.storage().as_any().downcast_ref::<Slot>();
        slot.is_some_and(|slot| Arc::ptr_eq(&slot.slots, self))
    }

    /// Ends all waits.
    pub(super) fn close(&self) {
        self.classes.iter().for_each(|class| class.1.close());
        self.fragments.close();
    }
}

struct Slot {
    bytes: Vec<u8>,
    slots: Arc<Slots>,
    _slot: OwnedSemaphorePermit,
}

impl BlobStorageMut for Slot {
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn freeze(self: Box<Self>) -> Arc<dyn BlobStorage> {
        Arc::new(*self)
    }
}

impl BlobStorage for Slot {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
