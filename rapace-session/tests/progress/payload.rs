//! Payloads that can be recognized.

use rapace_codec::{Blob, EncodeError, Writer};
use rapace_session::{Encode, INLINE_MAX, MessageBody};

/// Where the bytes of a payload lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// In the payload itself: this many besides the first two.
    Bytes(usize),
    /// In an attached buffer of this length.
    Blob(usize),
}

/// The number of a payload within its flow.
pub(super) type Number = u8;

/// A payload: the numbers of its flow and of itself, and bytes that follow from these.
#[derive(Clone, Debug)]
pub(super) struct Payload {
    pub(super) number: Number,
    pub(super) shape: Shape,
    bytes: Vec<u8>,
    blobs: Vec<Blob>,
}

impl Payload {
    pub(super) fn new(flow: usize, number: Number, shape: Shape) -> Self {
        let flow = flow as u8;
        let mut bytes = vec![flow, number];
        let mut blobs = Vec::new();
        match shape {
            Shape::Bytes(len) => bytes.extend(fill(flow, number, len)),
            Shape::Blob(len) => blobs.push(Blob::from(fill(flow, number, len))),
        }
        Self {
            number,
            shape,
            bytes,
            blobs,
        }
    }

    /// The most that a flow counts besides the bytes of a payload without buffers.
    pub(super) const MOST_BESIDES: usize = 5;

    /// What a flow counts it as.
    pub(super) fn carried(&self) -> u64 {
        let prefix = if self.bytes.len() < 128 { 1 } else { 2 };
        let values = prefix + self.bytes.len() + 1;
        let blobs = match self.blobs.first() {
            None => 0,
            // The entry of the table, and the buffer's place in it.
            Some(blob) => 2 + 16 + PLACE + blob.len(),
        };
        (values + blobs) as u64
    }

    /// What it takes of the window of a channel.
    pub(super) fn charge(&self) -> u64 {
        charge(self.carried())
    }

    /// The most slots that it lies in.
    pub(super) fn slots(&self) -> usize {
        1 + self.blobs.len()
    }

    /// Reads one of `flow`, and checks its bytes.
    pub(super) fn read(flow: usize, body: &MessageBody) -> Self {
        let mut reader = body.reader();
        let bytes: Vec<u8> = reader.read().expect("bytes");
        let blobs: Vec<Blob> = reader.read().expect("buffers");
        reader.finish().expect("nothing else");
        let shape = match blobs.first() {
            None => Shape::Bytes(bytes.len() - 2),
            Some(blob) => Shape::Blob(blob.len()),
        };
        let expected = Self::new(flow, bytes[1], shape);
        assert_eq!(
            (bytes, blobs),
            (expected.bytes.clone(), expected.blobs.clone())
        );
        assert_eq!(body.carried(), expected.carried(), "the model counts bytes");
        expected
    }
}

/// What a request of this length takes of a channel's window.
pub(super) fn charge(carried: u64) -> u64 {
    match carried {
        0..=INLINE => 0,
        _ => carried,
    }
}

const INLINE: u64 = INLINE_MAX as u64;

/// Bytes of the place of an attached buffer.
const PLACE: usize = 1;

fn fill(flow: u8, number: Number, len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at as u8).wrapping_mul(31) ^ flow.wrapping_mul(7) ^ number)
        .collect()
}

impl Encode for Payload {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&self.bytes)?;
        writer.write(&self.blobs)
    }
}
