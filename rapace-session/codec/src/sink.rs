//! Where encoded bytes go: nowhere but to be counted, into a slice, or onto the end of a vector.

use crate::error::EncodeError;
use crate::varint::{self, Unsigned};

pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError>;
    fn byte(&mut self, byte: u8) -> Result<(), EncodeError>;

    #[inline]
    fn varint<U: Unsigned>(&mut self, value: U) -> Result<(), EncodeError> {
        varint::write(value, |byte| self.byte(byte))
    }
}

/// Counts.
pub(crate) struct Count(pub(crate) usize);

impl Sink for Count {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0 += bytes.len();
        Ok(())
    }

    #[inline]
    fn byte(&mut self, _: u8) -> Result<(), EncodeError> {
        self.0 += 1;
        Ok(())
    }

    #[inline]
    fn varint<U: Unsigned>(&mut self, value: U) -> Result<(), EncodeError> {
        self.0 += value.varint_len();
        Ok(())
    }
}

/// Fills a slice from `at` on.
pub(crate) struct Fill<'b> {
    pub(crate) into: &'b mut [u8],
    pub(crate) at: usize,
}

impl Fill<'_> {
    #[cold]
    fn full(&self) -> EncodeError {
        EncodeError::BufferFull {
            capacity: self.into.len(),
        }
    }
}

impl Sink for Fill<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let Some(room) = self.into.get_mut(self.at..self.at + bytes.len()) else {
            return Err(self.full());
        };
        room.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        let Some(room) = self.into.get_mut(self.at) else {
            return Err(self.full());
        };
        *room = byte;
        self.at += 1;
        Ok(())
    }
}

/// Grows a vector.
pub(crate) struct Grow<'b>(pub(crate) &'b mut Vec<u8>);

impl Sink for Grow<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        self.0.push(byte);
        Ok(())
    }
}
