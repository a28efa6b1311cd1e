//! The three modes of a writer agree, and an error leaves no trace.

use facet::Facet;
use rapace_codec::{Blob, EncodeError, Writer};

#[derive(Facet)]
struct Message {
    text: String,
    blob: Blob,
}

fn message(text: &str) -> Message {
    Message {
        text: text.into(),
        blob: Blob::from(vec![0; 10]),
    }
}

#[test]
fn attachments_are_numbered_on_from_those_that_are_there() {
    let mut blobs = vec![Blob::default(); 127];
    let mut counter = Writer::counting(&mut blobs);
    counter.write(&message("a")).unwrap();
    counter.write(&message("b")).unwrap();
    let length = counter.written();
    assert_eq!(length, 3 + 4); // the second number takes two bytes
    assert_eq!(blobs.len(), 129);
    blobs.truncate(127);

    let mut slot = vec![0xaa; length + 1];
    let mut writer = Writer::slice(&mut slot, &mut blobs);
    writer.write(&message("a")).unwrap();
    writer.write(&message("b")).unwrap();
    assert_eq!(writer.written(), length);
    assert_eq!(slot, [1, b'a', 127, 1, b'b', 0x80, 0x01, 0xaa]);
    assert_eq!(blobs.len(), 129);
}

#[test]
fn a_slice_that_is_too_short_is_an_error_at_every_length() {
    for len in 0..7 {
        let mut slot = vec![0; len];
        let mut blobs = Vec::new();
        let mut writer = Writer::slice(&mut slot, &mut blobs);
        let result = writer
            .write(&message("a"))
            .and_then(|()| writer.write(&message("bc")));
        assert_eq!(result, Err(EncodeError::BufferFull { capacity: len }));
        let written = writer.written();
        assert_eq!(written, if len < 3 { 0 } else { 3 });
        assert_eq!(
            blobs.len(),
            written / 3,
            "the blob of what failed is not listed"
        );
    }
}

#[test]
fn an_error_leaves_a_vector_as_it_was() {
    let mut bytes = vec![1, 2, 3];
    let mut blobs = Vec::new();
    let mut writer = Writer::vec(&mut bytes, &mut blobs);
    writer.write(&7_u8).unwrap();
    let too_many = (message("gone"), vec![(); 1_000_000]);
    assert!(matches!(
        writer.write(&too_many),
        Err(EncodeError::TooManyEmptyElements { .. })
    ));
    assert_eq!(writer.written(), 1);
    writer.write(&8_u8).unwrap();
    assert_eq!(writer.written(), 2);
    assert_eq!(bytes, [1, 2, 3, 7, 8]);
    assert!(blobs.is_empty());
}
