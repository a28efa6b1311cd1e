//! [`Blob`] and [`bytes::Bytes`], each as the other, without a copy.
//!
//! - Y1: a blob of a `Bytes` keeps it as its storage; a `Bytes` of a blob keeps the blob as its owner. The bytes stay where
//!   they are, at the same address, until the last user of either is gone.
//! - Y2: a blob that was made of a `Bytes` becomes that `Bytes` again, and not a `Bytes` around a blob around a `Bytes`.

use std::any::Any;
use std::sync::Arc;

use bytes::Bytes;

use crate::blob::{Blob, BlobStorage};

struct Shared(Bytes);

impl BlobStorage for Shared {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Copies nothing. The bytes lie in this process's own memory: to send them to another process copies them once, as those of
/// a `Vec`.
impl From<Bytes> for Blob {
    fn from(bytes: Bytes) -> Self {
        Self::from_storage(Arc::new(Shared(bytes)))
    }
}

/// Copies nothing. A blob in a slot of shared memory keeps the slot in use for as long as the `Bytes`, or a part of it, is
/// kept. As a blob again it is sent with a copy, since a session does not find its slot in it.
impl From<Blob> for Bytes {
    fn from(blob: Blob) -> Self {
        match blob.storage().as_any().downcast_ref::<Shared>() {
            Some(Shared(bytes)) => bytes.slice(blob.range()), // Y2
            None => Self::from_owner(blob),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BlobMut;

    /// Y1.
    #[test]
    fn a_blob_of_bytes_lies_where_they_lay_and_keeps_them() {
        let bytes = Bytes::from(vec![7; 100]);
        let address = bytes.as_ptr();
        let blob = Blob::from(bytes.clone());
        assert_eq!(blob.as_ptr(), address);
        assert!(!bytes.is_unique());
        let part = blob.slice(10..20);
        assert_eq!(part.as_ptr(), address.wrapping_add(10));
        drop(blob);
        assert!(!bytes.is_unique());
        drop(part);
        assert!(bytes.is_unique());
    }

    /// Y1.
    #[test]
    fn bytes_of_a_blob_lie_where_it_lay_and_keep_its_storage() {
        let blob = BlobMut::zeroed(100).freeze();
        let storage = Arc::clone(blob.storage());
        let address = blob.as_ptr();
        let bytes = Bytes::from(blob.slice(10..));
        drop(blob);
        assert_eq!(bytes.as_ptr(), address.wrapping_add(10));
        assert_eq!(bytes.len(), 90);
        assert_eq!(Arc::strong_count(&storage), 2);
        let part = bytes.slice(80..);
        drop(bytes);
        assert_eq!(Arc::strong_count(&storage), 2);
        drop(part);
        assert_eq!(Arc::strong_count(&storage), 1);
    }

    /// Y2.
    #[test]
    fn bytes_come_back_from_a_part_of_a_blob_as_they_were() {
        let bytes = Bytes::from(vec![1, 2, 3, 4, 5]);
        let back = Bytes::from(Blob::from(bytes.clone()).slice(1..3));
        assert_eq!(
            (&*back, back.as_ptr()),
            (&[2, 3][..], bytes.as_ptr().wrapping_add(1))
        );
        drop(bytes);
        // The memory that the first was made of can be taken back: nothing stands in between.
        assert!(back.is_unique());
        assert_eq!(
            back.try_into_mut().map(|bytes| bytes.to_vec()),
            Ok(vec![2, 3])
        );
    }

    #[test]
    fn nothing_is_nothing_either_way() {
        assert!(Blob::from(Bytes::new()).is_empty());
        assert!(Bytes::from(Blob::default()).is_empty());
    }
}
