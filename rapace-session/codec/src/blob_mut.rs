//! The writable buffer that a [`Blob`] comes from.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use crate::blob::{Blob, BlobStorage, Heap};

/// The memory that holds the bytes of a [`BlobMut`].
///
/// Both views must show the same bytes, of the same length each time, and [`freeze`](Self::freeze) must keep them.
pub trait BlobStorageMut: Send + 'static {
    /// All bytes, to write to.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// All bytes, to read.
    fn bytes(&self) -> &[u8];

    /// Gives up writing. The bytes stay where they are.
    fn freeze(self: Box<Self>) -> Arc<dyn BlobStorage>;
}

/// A writable byte buffer of a fixed length, to be filled and then [frozen](Self::freeze) into a [`Blob`].
///
/// ```
/// use rapace_codec::BlobMut;
///
/// let mut pixels = BlobMut::zeroed(4096);
/// pixels[0] = 255;
/// pixels.truncate(1024);
/// assert_eq!(pixels.freeze().len(), 1024);
/// ```
pub struct BlobMut {
    storage: Box<dyn BlobStorageMut>,
    len: usize,
}

impl BlobMut {
    /// `len` zero bytes on the heap. A session allocates buffers that need no copy to be sent.
    ///
    /// As `vec![0; len]`, it ends the process if there is no memory for this many. For a length from an untrusted source
    /// use [`try_zeroed`](Self::try_zeroed).
    pub fn zeroed(len: usize) -> Self {
        Self::from_storage(Box::new(HeapMut(vec![0; len])))
    }

    /// `len` zero bytes on the heap, if there is memory for this many.
    ///
    /// The allocator clears them: pages of a large buffer take memory when they are written, and not before.
    ///
    /// # Errors
    /// [`io::ErrorKind::OutOfMemory`], if the allocator has no such memory. Where the system promises more memory than it
    /// has, as Linux does by default, only an impossibly large length is an error.
    pub fn try_zeroed(len: usize) -> io::Result<Self> {
        let bytes = bytemuck::allocation::try_zeroed_slice_box(len)
            .map_err(|()| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Self::from_storage(Box::new(HeapMut(bytes.into_vec()))))
    }

    /// A buffer over all bytes of `storage`.
    pub fn from_storage(storage: Box<dyn BlobStorageMut>) -> Self {
        let len = storage.bytes().len();
        Self { storage, len }
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns `true` if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Keeps the first `len` bytes. Does nothing if there are no more than that.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Gives up writing. Nothing is copied.
    pub fn freeze(self) -> Blob {
        Blob::from_storage(self.storage.freeze()).slice(..self.len)
    }

    /// Writes from the start, through [`std::io::Write`]; [`BlobWriter::finish`] keeps what was written.
    pub fn into_writer(self) -> BlobWriter {
        BlobWriter {
            buffer: self,
            written: 0,
        }
    }
}

impl Deref for BlobMut {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.storage.bytes()[..self.len]
    }
}

impl DerefMut for BlobMut {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.storage.bytes_mut()[..self.len]
    }
}

impl fmt::Debug for BlobMut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobMut")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl From<Vec<u8>> for BlobMut {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_storage(Box::new(HeapMut(bytes)))
    }
}

impl From<BlobMut> for Blob {
    fn from(buffer: BlobMut) -> Self {
        buffer.freeze()
    }
}

/// Fills a [`BlobMut`] from its start. A write past its end is short, and `write_all` then fails with
/// [`io::ErrorKind::WriteZero`].
#[derive(Debug)]
pub struct BlobWriter {
    buffer: BlobMut,
    written: usize,
}

impl BlobWriter {
    /// The number of bytes written so far.
    pub fn written(&self) -> usize {
        self.written
    }

    /// The buffer, cut to what was written.
    pub fn finish(mut self) -> BlobMut {
        self.buffer.truncate(self.written);
        self.buffer
    }
}

impl io::Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = io::Write::write(&mut &mut self.buffer[self.written..], bytes)?;
        self.written += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct HeapMut(Vec<u8>);

impl BlobStorageMut for HeapMut {
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn freeze(self: Box<Self>) -> Arc<dyn BlobStorage> {
        Arc::new(Heap(Cow::Owned(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn freezing_keeps_the_bytes_where_they_are() {
        let mut buffer = BlobMut::zeroed(64);
        buffer[..3].copy_from_slice(b"abc");
        let address = buffer.as_ptr();
        buffer.truncate(3);
        buffer.truncate(50);
        let blob = buffer.freeze();
        assert_eq!(blob, *b"abc".as_slice());
        assert_eq!(blob.as_ptr(), address);
    }

    #[test]
    fn a_buffer_for_which_there_is_no_memory_is_an_error() {
        assert!(BlobMut::try_zeroed(usize::MAX).is_err());
        assert!(BlobMut::try_zeroed(isize::MAX as usize).is_err());
        assert_eq!(*BlobMut::try_zeroed(3).unwrap(), [0; 3]);
    }

    #[test]
    fn a_writer_keeps_what_was_written_and_refuses_more_than_fits() {
        let mut writer = BlobMut::zeroed(8).into_writer();
        writer.write_all(b"hello").unwrap();
        let error = writer.write_all(b"world").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WriteZero);
        assert_eq!(writer.written(), 8);
        assert_eq!(writer.finish().freeze(), *b"hellowor".as_slice());
    }
}
