//! A `Blob` made of a `Bytes`, and back: nothing is copied, as the counts of the allocator show.

#[path = "common/allocator.rs"]
mod allocator;

use allocator::{left_behind, peak_of};
use bytes::Bytes;
use rapace_codec::{Blob, BlobMut};

const LARGE: usize = 1 << 20;

/// Reference counts and an owner.
const SMALL: isize = 256;

#[test]
fn neither_way_allocates_room_for_the_bytes() {
    let bytes = Bytes::from(vec![7_u8; LARGE]);
    let mut blob = Blob::default();
    let peak = peak_of(|| blob = Blob::from(bytes));
    assert!(peak < SMALL, "{peak}");
    assert_eq!(blob.len(), LARGE);

    let blob = BlobMut::zeroed(LARGE).freeze();
    let mut bytes = Bytes::new();
    let peak = peak_of(|| bytes = Bytes::from(blob));
    assert!(peak < SMALL, "{peak}");
    assert_eq!(bytes.len(), LARGE);
}

#[test]
fn nothing_is_left_when_the_last_user_is_gone() {
    let both = || {
        let blob = Blob::from(Bytes::from(vec![7_u8; LARGE]));
        let part = Bytes::from(blob.slice(LARGE / 2..));
        drop(blob);
        assert_eq!(part[0], 7);
    };
    assert_eq!(left_behind(both), (0, 0));
    let both = || {
        let bytes = Bytes::from(BlobMut::zeroed(LARGE).freeze());
        let part = Blob::from(bytes.slice(1..));
        drop(bytes);
        assert_eq!(part[0], 0);
    };
    assert_eq!(left_behind(both), (0, 0));
}
