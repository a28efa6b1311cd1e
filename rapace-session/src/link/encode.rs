//! Values that a body is made of.

use rapace_codec::{EncodeError, Writer};

/// Values that can be encoded into a body. Encoding twice must write the same bytes.
pub trait Encode: Send + Sync {
    /// Encodes all values.
    ///
    /// # Errors
    /// If a value cannot be encoded.
    fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError>;
}

impl Encode for () {
    fn encode(&self, _: &mut Writer<'_>) -> Result<(), EncodeError> {
        Ok(())
    }
}
