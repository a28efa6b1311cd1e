//! From bytes to values.

use std::fmt;

use crate::Blob;
use crate::error::DecodeError;
use crate::guard::dropped;
use crate::input::Input;
use crate::limits::Limits;
use crate::plan::decode;
use crate::wire::Wire;

/// Decodes values one after the other.
///
/// The bytes may come from a hostile peer: decoding any bytes returns a value or an error.
///
/// ```
/// use rapace_codec::{DecodeError, Limits, Reader};
///
/// let mut reader = Reader::new(b"\x06ferris\x03", &[], Limits::default());
/// let name: String = reader.read()?;
/// let count: u32 = reader.read()?;
/// reader.finish()?;
/// assert_eq!((name.as_str(), count), ("ferris", 3));
/// # Ok::<(), DecodeError>(())
/// ```
pub struct Reader<'a> {
    input: Input<'a>,
}

impl<'a> Reader<'a> {
    /// Reads from `bytes`; blobs are taken from `blobs`, the attachments that came with them.
    ///
    /// The limits are for all values together.
    #[inline]
    pub fn new(bytes: &'a [u8], blobs: &'a [Blob], limits: Limits) -> Self {
        Self {
            input: Input::new(bytes, blobs, limits),
        }
    }

    /// Decodes the next value.
    ///
    /// # Errors
    /// See [`DecodeFault`](crate::DecodeFault). After an error the position of the next value is unknown, so the reader must
    /// not be used any more.
    #[inline]
    pub fn read<T: Wire>(&mut self) -> Result<T, DecodeError> {
        decode::value(&mut self.input)
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    /// [`DecodeFault::TrailingBytes`](crate::DecodeFault::TrailingBytes).
    #[inline]
    pub fn finish(self) -> Result<(), DecodeError> {
        self.input.finish()
    }

    /// Does the same as [`finish`](Self::finish) for a caller that has decoded everything into `value`. If bytes are left,
    /// the value is dropped here, and a panic in its `Drop` is caught.
    ///
    /// # Errors
    /// [`DecodeFault::TrailingBytes`](crate::DecodeFault::TrailingBytes).
    #[inline]
    pub fn finish_with<T>(self, value: T) -> Result<T, DecodeError> {
        match self.input.finish() {
            Ok(()) => Ok(value),
            Err(error) => {
                dropped(value);
                Err(error)
            }
        }
    }

    /// The number of unread bytes.
    pub fn remaining(&self) -> usize {
        self.input.left()
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// Decodes one value that takes all of the bytes, with the default [`Limits`].
///
/// # Errors
/// See [`DecodeFault`](crate::DecodeFault).
pub fn from_slice<T: Wire>(bytes: &[u8], blobs: &[Blob]) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes, blobs, Limits::default());
    let value = reader.read()?;
    reader.finish_with(value)
}
