//! The destinations of encoded bytes: a counter, a slice, or the end of a vector.

use crate::varint::{self, Unsigned};

/// Why encoding stops. One byte, since each step of a plan returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Full,
    TooDeep,
    TooManyEmptyElements,
    PathNotText,
    TimeBeforeEpoch,
}

pub(crate) trait Output {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop>;
    fn byte(&mut self, byte: u8) -> Result<(), Stop>;
    fn varint<U: Unsigned>(&mut self, value: U) -> Result<(), Stop>;
}

/// Counts.
pub(crate) struct Count(pub(crate) usize);

impl Output for Count {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.0 += bytes.len();
        Ok(())
    }

    #[inline]
    fn byte(&mut self, _: u8) -> Result<(), Stop> {
        self.0 += 1;
        Ok(())
    }

    #[inline]
    fn varint<U: Unsigned>(&mut self, value: U) -> Result<(), Stop> {
        self.0 += value.varint_len();
        Ok(())
    }
}

/// Fills a slice from `at` on.
pub(crate) struct Fill<'b> {
    pub(crate) into: &'b mut [u8],
    pub(crate) at: usize,
}

impl Output for Fill<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let Some(room) = self.into.get_mut(self.at..self.at + bytes.len()) else {
            return Err(Stop::Full);
        };
        room.copy_from_slice(bytes);
        self.at += bytes.len();
        Ok(())
    }

    #[inline]
    fn varint<U: Unsigned>(&mut self, value: U) -> Result<(), Stop> {
        let room = self.into.get_mut(self.at..).unwrap_or_default();
        let Some(len) = varint::write(value, room) else {
            return Err(Stop::Full);
        };
        self.at += len;
        Ok(())
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), Stop> {
        let Some(room) = self.into.get_mut(self.at) else {
            return Err(Stop::Full);
        };
        *room = byte;
        self.at += 1;
        Ok(())
    }
}

/// Grows a vector.
pub(crate) struct Grow<'b>(pub(crate) &'b mut Vec<u8>);

impl Output for Grow<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn varint<U: Unsigned>(&mut self, value: U) -> Result<(), Stop> {
        if value < U::from(0x80) {
            return self.byte(value.low_byte());
        }
        let mut longest = [0; LONGEST];
        let len = varint::write(value, &mut longest).unwrap_or(LONGEST);
        self.put(&longest[..len])
    }

    #[inline]
    fn byte(&mut self, byte: u8) -> Result<(), Stop> {
        self.0.push(byte);
        Ok(())
    }
}

/// The longest varint: one of 128 bits.
const LONGEST: usize = 19;
