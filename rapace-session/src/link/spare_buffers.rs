//! Buffers of payloads in fragments, kept for the next ones. Fresh memory costs more than the copy: the kernel clears
//! each page of it.
//!
//! - SB1: at most [`KEPT`] bytes are kept, and none of them while no payload travels in fragments for a whole
//!   [period](SpareBuffers::begin_period), or once the session is over.
//! - SB2: a payload gets a buffer of at most twice its length, so that keeping it keeps little more.
//! - SB3: kept buffers hold old bytes of this session. Whoever takes one writes all bytes that it shows.
//! - SB4: a buffer begins with a page, as fragment slots do. A copy to an address that lies a few bytes further into its
//!   page than the source waits for each store of its own: it took three times as long.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use memmap2::MmapMut;
use rapace_codec::{Blob, BlobMut, BlobStorage, BlobStorageMut};

/// Most bytes that are kept: for payloads of a few mebibytes in both directions.
const KEPT: usize = 16 << 20;

/// Shorter buffers are left to the allocator, which has them at hand. A process may have some 65,000 mappings.
const SHORTEST: usize = 128 << 10;

/// The spare buffers of a session.
#[derive(Debug, Default)]
pub(crate) struct SpareBuffers {
    kept: Mutex<Kept>,
    /// From which length on there is no memory, unless it is 0.
    #[cfg(test)]
    refused: std::sync::atomic::AtomicUsize,
}

#[derive(Debug, Default)]
struct Kept {
    buffers: Vec<MmapMut>,
    bytes: usize,
    /// Whether one was taken in this period.
    used: bool,
    /// Whether the session is over.
    closed: bool,
}

/// A buffer that is filled from its beginning.
#[derive(Debug)]
pub(crate) enum SpareBuffer {
    Short(Vec<u8>),
    Mapped(Mapped),
}

/// A mapping that is kept when it is dropped, unless its session is gone.
#[derive(Debug)]
pub(crate) struct Mapped {
    /// `None` once it is dropped.
    memory: Option<MmapMut>,
    filled: usize,
    buffers: Weak<SpareBuffers>,
}

impl SpareBuffers {
    /// Returns an empty buffer with room for `len` bytes; `None` if there is no memory for it.
    pub(crate) fn empty(self: &Arc<Self>, len: usize) -> Option<SpareBuffer> {
        #[cfg(test)]
        if self.refuses(len) {
            return None;
        }
        if len < SHORTEST {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(len).ok()?;
            return Some(SpareBuffer::Short(bytes));
        }
        self.mapped(len, 0).map(SpareBuffer::Mapped)
    }

    /// Returns a buffer of `len` bytes, all of which are to be written (SB3); `None` if there is no memory for it.
    pub(crate) fn writable(self: &Arc<Self>, len: usize) -> Option<BlobMut> {
        if len < SHORTEST {
            return BlobMut::try_zeroed(len).ok();
        }
        let mapped = self.mapped(len, len)?;
        Some(BlobMut::from_storage(Box::new(mapped)))
    }

    /// Makes room for `more` bytes; false if there is no memory for them.
    pub(crate) fn reserve(&self, bytes: &mut Vec<u8>, more: usize) -> bool {
        #[cfg(test)]
        if self.refuses(bytes.len() + more) {
            return false;
        }
        bytes.try_reserve(more).is_ok()
    }

    fn mapped(self: &Arc<Self>, len: usize, filled: usize) -> Option<Mapped> {
        let memory = self.take(len);
        Some(Mapped {
            memory: Some(memory.map_or_else(|| MmapMut::map_anon(len).ok(), Some)?),
            filled,
            buffers: Arc::downgrade(self),
        })
    }

    /// Frees what is kept, unless a buffer was taken since the last call.
    pub(crate) fn begin_period(&self) {
        let mut kept = self.lock();
        if !std::mem::take(&mut kept.used) {
            let freed = kept.take_all();
            drop(kept);
            drop(freed);
        }
    }

    /// Frees what is kept, and keeps nothing from now on.
    pub(crate) fn close(&self) {
        let mut kept = self.lock();
        kept.closed = true;
        let freed = kept.take_all();
        drop(kept);
        drop(freed);
    }

    fn take(&self, len: usize) -> Option<MmapMut> {
        let mut kept = self.lock();
        kept.used = true;
        let fits = |memory: &MmapMut| (len..=2 * len).contains(&memory.len());
        let at = kept.buffers.iter().rposition(fits)?;
        let memory = kept.buffers.swap_remove(at);
        kept.bytes -= memory.len();
        Some(memory)
    }

    fn keep(&self, memory: MmapMut) {
        let mut kept = self.lock();
        if !kept.closed && kept.bytes + memory.len() <= KEPT {
            kept.bytes += memory.len();
            kept.buffers.push(memory);
            return;
        }
        drop(kept);
        drop(memory);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Takes all buffers, to be freed without the lock.
    fn take_all(&mut self) -> Vec<MmapMut> {
        self.bytes = 0;
        std::mem::take(&mut self.buffers)
    }
}

impl SpareBuffer {
    /// How many bytes are filled.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Short(bytes) => bytes.len(),
            Self::Mapped(mapped) => mapped.filled,
        }
    }

    /// Appends bytes, for which there must be room.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        match self {
            Self::Short(filled) => filled.extend_from_slice(bytes),
            Self::Mapped(mapped) => {
                let begin = mapped.filled;
                mapped.filled += bytes.len();
                mapped.bytes_mut()[begin..].copy_from_slice(bytes);
            }
        }
    }

    /// The filled bytes.
    pub(crate) fn into_blob(self) -> Blob {
        match self {
            Self::Short(bytes) => bytes.into(),
            Self::Mapped(mapped) => Blob::from_storage(Arc::new(mapped)),
        }
    }
}

impl Mapped {
    fn filled(&self) -> &[u8] {
        let memory = self.memory.as_deref().unwrap_or_default();
        &memory[..self.filled]
    }
}

impl BlobStorageMut for Mapped {
    fn bytes_mut(&mut self) -> &mut [u8] {
        let memory = self.memory.as_deref_mut().unwrap_or_default();
        &mut memory[..self.filled]
    }

    fn bytes(&self) -> &[u8] {
        self.filled()
    }

    fn freeze(self: Box<Self>) -> Arc<dyn BlobStorage> {
        Arc::from(self as Box<dyn BlobStorage>)
    }
}

impl BlobStorage for Mapped {
    fn bytes(&self) -> &[u8] {
        self.filled()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        if let (Some(memory), Some(buffers)) = (self.memory.take(), self.buffers.upgrade()) {
            buffers.keep(memory);
        }
    }
}

#[cfg(test)]
impl SpareBuffers {
    /// From now on there is no memory for buffers of this length and longer ones, which a reader would fill.
    pub(crate) fn refuse(&self, len: usize) {
        self.refused
            .store(len, std::sync::atomic::Ordering::Relaxed);
    }

    fn refuses(&self, len: usize) -> bool {
        let refused = self.refused.load(std::sync::atomic::Ordering::Relaxed);
        refused != 0 && len >= refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(buffers: &SpareBuffers) -> usize {
        buffers.lock().buffers.len()
    }

    fn filled(buffers: &Arc<SpareBuffers>, len: usize) -> Blob {
        let mut buffer = buffers.empty(len).unwrap();
        buffer.append(&vec![7; len / 2]);
        buffer.append(&vec![8; len - len / 2]);
        assert_eq!(buffer.len(), len);
        buffer.into_blob()
    }

    #[test]
    fn a_buffer_is_used_again_for_payloads_of_about_its_length() {
        let buffers = Arc::new(SpareBuffers::default());
        let blob = filled(&buffers, 400_000);
        let address = blob.as_ptr();
        assert!(address.addr().is_multiple_of(4096));
        assert!(blob[..200_000] == [7; 200_000] && blob[200_000..] == [8; 200_000]);
        let part = blob.slice(10..20);
        drop(blob);
        assert_eq!((kept(&buffers), &*part), (0, &[7; 10][..]));
        drop(part);
        assert_eq!(kept(&buffers), 1);
        assert!(buffers.take(150_000).is_none(), "it is too large for that");
        assert!(buffers.take(410_000).is_none(), "and too small for that");
        let again = buffers.writable(250_000).unwrap();
        assert_eq!((again.as_ptr(), again.len()), (address, 250_000));
        drop(again.freeze());
        let third = filled(&buffers, 400_000);
        assert_eq!((third.as_ptr(), third.len()), (address, 400_000));
    }

    #[test]
    fn what_is_kept_is_bounded_and_freed_when_it_is_not_used() {
        let buffers = Arc::new(SpareBuffers::default());
        let many = (0..20).map(|_| filled(&buffers, 1 << 20));
        let many = many.collect::<Vec<_>>();
        drop(many);
        assert_eq!(kept(&buffers), 16);
        drop(buffers.take(1 << 20).unwrap());
        buffers.begin_period();
        assert_eq!(kept(&buffers), 15, "one was used");
        buffers.begin_period();
        assert_eq!((kept(&buffers), buffers.lock().bytes), (0, 0));
    }

    #[test]
    fn nothing_is_kept_once_the_session_is_over() {
        let buffers = Arc::new(SpareBuffers::default());
        let held = filled(&buffers, 1 << 20);
        drop(filled(&buffers, 1 << 20));
        assert_eq!(kept(&buffers), 1);
        buffers.close();
        assert_eq!((kept(&buffers), buffers.lock().bytes), (0, 0));
        assert_eq!(held[0], 7);
        drop(held);
        assert_eq!(kept(&buffers), 0);
    }

    #[test]
    fn short_buffers_are_not_kept() {
        let buffers = Arc::new(SpareBuffers::default());
        for len in [0, 1, SHORTEST - 1] {
            assert_eq!(filled(&buffers, len).len(), len);
            assert_eq!(buffers.writable(len).unwrap().len(), len);
        }
        assert_eq!(kept(&buffers), 0);
    }
}
