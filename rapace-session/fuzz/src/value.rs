//! Values that this side sends.

use rapace_codec::{Blob, EncodeError, Writer};
use rapace_session::Encode;

/// An argument, a result or an item.
pub(crate) enum Value {
    Text(String),
    Count(u32),
    Buffer(Blob),
}

impl Encode for Value {
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Text(text) => writer.write(text),
            Self::Count(count) => writer.write(count),
            Self::Buffer(blob) => writer.write(blob),
        }
    }
}
