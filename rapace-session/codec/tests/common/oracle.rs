//! The comparison with the two other implementations.

use std::fmt::Debug;

use rapace_codec::{Wire, Writer, from_slice, to_vec};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Asserts that all implementations encode the value to the same bytes, and decode these to the same value.
pub fn agrees<T: Wire + Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let bytes = agrees_with_serde(value);
    assert_eq!(
        bytes,
        facet_postcard::to_vec(value).unwrap(),
        "facet-postcard writes {value:?}"
    );
    assert_eq!(facet_postcard::from_slice::<T>(&bytes).unwrap(), *value);
}

pub fn agrees_with_serde<T: Wire + Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
) -> Vec<u8> {
    let (bytes, blobs) = to_vec(value).unwrap();
    assert!(blobs.is_empty());
    assert_eq!(
        bytes,
        postcard::to_allocvec(value).unwrap(),
        "serde writes {value:?}"
    );
    assert_eq!(postcard::from_bytes::<T>(&bytes).unwrap(), *value);
    assert_eq!(from_slice::<T>(&bytes, &[]).unwrap(), *value);

    let mut blobs = Vec::new();
    let mut counter = Writer::counting(&mut blobs);
    counter.write(value).unwrap();
    assert_eq!(counter.written(), bytes.len());
    let mut exact = vec![0xaa; bytes.len()];
    Writer::slice(&mut exact, &mut Vec::new())
        .write(value)
        .unwrap();
    assert_eq!(exact, bytes);
    bytes
}
