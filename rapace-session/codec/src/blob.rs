//! Large bytes that are passed on without being copied.
//!
//! - B1: the bytes of a [`Blob`] never change.
//! - B2: cloning and slicing share the storage; the storage lives as long as its last user.
//! - B3: on the wire a blob is its place in the list of attachments; the bytes travel beside the payload.
//! - B4: a panic in the `Drop` of a storage is caught: the last user may be the reader of a whole session.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::ops::{Bound, Deref, Range, RangeBounds};
use std::sync::{Arc, LazyLock};

use crate::guard::guarded;

/// The memory that holds the bytes of a [`Blob`]: the heap, a shared-memory slot, a mapped file.
///
/// A transport finds its own storage again through [`as_any`](Self::as_any), and then sends a reference to it
/// instead of its bytes.
///
/// [`bytes`](Self::bytes) must give the same bytes at the same address each time, for as long as the storage lives.
pub trait BlobStorage: Any + Send + Sync + 'static {
    /// All of the stored bytes.
    fn bytes(&self) -> &[u8];

    /// The storage as its own type, to be downcast.
    fn as_any(&self) -> &dyn Any;
}

/// An immutable, cheaply cloned byte buffer.
///
/// Passed as an argument, a result or a stream item, it is not copied where the transport can share memory. It may
/// be a field of anything that derives `Facet`.
///
/// ```
/// use rapace_codec::Blob;
///
/// let page = Blob::from(b"<h1>Title</h1>".to_vec());
/// let title = page.slice(4..9);
/// assert_eq!(&*title, b"Title");
/// ```
#[derive(Clone)]
pub struct Blob {
    storage: SharedStorage,
    start: usize,
    end: usize,
}

impl Blob {
    /// A blob over all bytes of `storage`.
    pub fn from_storage(storage: Arc<dyn BlobStorage>) -> Self {
        let end = storage.bytes().len();
        Self {
            storage: SharedStorage(Some(storage)),
            start: 0,
            end,
        }
    }

    /// The storage that holds the bytes. Several blobs may share it; see [`range`](Self::range).
    pub fn storage(&self) -> &Arc<dyn BlobStorage> {
        &self.storage
    }

    /// Which bytes of the storage this blob shows.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Returns `true` if there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.storage.bytes()[self.start..self.end]
    }

    /// A blob over a part of the bytes, which are not copied.
    ///
    /// # Panics
    /// If the range is reversed or ends past [`len`](Self::len), as slices do.
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let len = self.len();
        let from = match range.start_bound() {
            Bound::Included(&at) => at,
            Bound::Excluded(&at) => at.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(&at) => at.saturating_add(1),
            Bound::Excluded(&at) => at,
            Bound::Unbounded => len,
        };
        assert!(
            from <= to && to <= len,
            "range {from}..{to} of a blob of {len} bytes"
        );
        Self {
            storage: self.storage.clone(),
            start: self.start + from,
            end: self.start + to,
        }
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.as_slice().to_vec()
    }
}

impl Deref for Blob {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// Only the length: blobs are large, and may be secret.
impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

/// Blobs are equal when their bytes are, wherever these lie.
impl PartialEq for Blob {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Blob {}

impl PartialEq<[u8]> for Blob {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_slice() == other
    }
}

impl Default for Blob {
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<dyn BlobStorage>> =
            LazyLock::new(|| Arc::new(Heap(Cow::Borrowed(&[]))));
        Self {
            storage: SharedStorage(Some(Arc::clone(&EMPTY))),
            start: 0,
            end: 0,
        }
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from_storage(Arc::new(Heap(Cow::Owned(bytes))))
    }
}

impl From<&'static [u8]> for Blob {
    fn from(bytes: &'static [u8]) -> Self {
        Self::from_storage(Arc::new(Heap(Cow::Borrowed(bytes))))
    }
}

impl<const N: usize> From<&'static [u8; N]> for Blob {
    fn from(bytes: &'static [u8; N]) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl From<String> for Blob {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<Box<[u8]>> for Blob {
    fn from(bytes: Box<[u8]>) -> Self {
        Self::from(bytes.into_vec())
    }
}

/// A storage, until its user is dropped (B4).
#[derive(Clone)]
struct SharedStorage(Option<Arc<dyn BlobStorage>>);

impl Deref for SharedStorage {
    type Target = Arc<dyn BlobStorage>;

    #[inline]
    fn deref(&self) -> &Arc<dyn BlobStorage> {
        match &self.0 {
            Some(storage) => storage,
            None => unreachable!("taken only when it is dropped"),
        }
    }
}

impl Drop for SharedStorage {
    #[inline]
    fn drop(&mut self) {
        let storage = self.0.take();
        // The panic hook has reported it.
        let _ = guarded(move || drop(storage));
    }
}

/// Bytes in this process's own memory.
pub(crate) struct Heap(pub(crate) Cow<'static, [u8]>);

impl BlobStorage for Heap {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_and_clones_share_one_storage() {
        let whole = Blob::from(vec![1, 2, 3, 4, 5]);
        let part = whole.slice(1..=3).slice(1..);
        assert_eq!(part.as_slice(), [3, 4]);
        assert_eq!(part.range(), 2..4);
        assert!(Arc::ptr_eq(whole.storage(), part.storage()));
        assert_eq!(Arc::strong_count(whole.storage()), 2);
    }

    #[test]
    fn a_slice_outlives_the_blob_it_came_from() {
        let part = Blob::from(vec![7; 100]).slice(90..);
        assert_eq!(part, *[7; 10].as_slice());
    }

    #[test]
    #[should_panic(expected = "range 2..9 of a blob of 5 bytes")]
    fn a_slice_past_the_end_panics() {
        Blob::from(&[0; 5]).slice(2..9);
    }

    #[test]
    fn debug_shows_the_length_only() {
        assert_eq!(
            format!("{:?}", Blob::from("secret".to_owned())),
            "Blob { len: 6, .. }"
        );
    }

    /// B4.
    #[test]
    fn a_storage_whose_drop_panics_is_dropped_like_any_other() {
        struct Angry {
            _alive: Arc<()>,
        }
        impl BlobStorage for Angry {
            fn bytes(&self) -> &[u8] {
                b"angry"
            }
            fn as_any(&self) -> &dyn Any {
                self
            }
        }
        impl Drop for Angry {
            fn drop(&mut self) {
                panic!("a storage that panics when it is dropped");
            }
        }
        let alive = Arc::new(());
        let blob = Blob::from_storage(Arc::new(Angry {
            _alive: Arc::clone(&alive),
        }));
        drop(blob.slice(1..));
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(blob);
        assert_eq!(Arc::strong_count(&alive), 1);
    }

    #[test]
    fn a_blob_takes_as_much_room_as_its_storage_and_its_range() {
        assert_eq!(size_of::<Blob>(), size_of::<Arc<dyn BlobStorage>>() + 16);
    }

    #[test]
    fn a_storage_is_found_again_as_its_own_type() {
        let blob = Blob::from(vec![1]);
        assert!(blob.storage().as_any().is::<Heap>());
        assert!(Blob::default().is_empty());
    }
}
