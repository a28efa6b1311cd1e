//! The bytes being decoded, and the remaining limits.
//!
//! - I1: a byte is read once and then used from private memory; a peer that rewrites shared memory meanwhile can
//!   change what is decoded, not what was checked.
//! - I2: nothing is allocated before it was charged here.
//! - I3: all lists of a message together reserve room for elements that are not decoded yet of at most [`AHEAD`] times
//!   the message's length, and one element for each level of nesting. So nested claims do not add up.

use crate::Blob;
use crate::error::{DecodeError, DecodeFault};
use crate::limits::Limits;
use crate::varint::{self, Unsigned};

pub(crate) struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    blobs: &'a [Blob],
    limits: Limits,
    empty_left: usize,
    memory_left: usize,
    ahead_left: usize,
}

/// A list of short strings takes some sixteen times its bytes. If one takes more, it grows, which costs a copy.
const AHEAD: usize = 16;

type Decoded<T> = Result<T, DecodeError>;

impl<'a> Input<'a> {
    #[inline]
    pub(crate) fn new(bytes: &'a [u8], blobs: &'a [Blob], limits: Limits) -> Self {
        Self {
            bytes,
            at: 0,
            blobs,
            limits,
            empty_left: limits.max_empty_elements,
            memory_left: limits.max_memory,
            ahead_left: bytes.len().saturating_mul(AHEAD),
        }
    }

    #[cold]
    pub(crate) fn fault(&self, fault: DecodeFault) -> DecodeError {
        DecodeError::new(self.at, fault)
    }

    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Decoded<u8> {
        match self.bytes.get(self.at) {
            Some(&byte) => {
                self.at += 1;
                Ok(byte)
            }
            None => Err(self.ends(1)),
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Decoded<&'a [u8]> {
        match self.bytes[self.at..].get(..len) {
            Some(taken) => {
                self.at += len;
                Ok(taken)
            }
            None => Err(self.ends(len)),
        }
    }

    #[inline]
    pub(crate) fn varint<U: Unsigned>(&mut self) -> Decoded<U> {
        match varint::read(&self.bytes[self.at..]) {
            varint::Read::Done(value, len) => {
                self.at += len;
                Ok(value)
            }
            varint::Read::Incomplete => Err(self.ends(self.left() + 1)),
            varint::Read::Malformed => Err(self.fault(DecodeFault::Varint { bits: U::BITS })),
        }
    }

    /// The length of something that takes at least one byte per unit, so it cannot be more than what is left.
    #[inline]
    pub(crate) fn len(&mut self) -> Decoded<usize> {
        let len = self.count()?;
        if len > self.left() {
            return Err(self.ends(len));
        }
        Ok(len)
    }

    /// The number of elements that may take no bytes at all; they are charged.
    #[inline]
    pub(crate) fn empty_len(&mut self) -> Decoded<usize> {
        let len = self.count()?;
        match self.empty_left.checked_sub(len) {
            Some(left) => self.empty_left = left,
            None => {
                let limit = self.limits.max_empty_elements;
                return Err(self.fault(DecodeFault::TooManyEmptyElements { limit }));
            }
        }
        Ok(len)
    }

    #[inline]
    fn count(&mut self) -> Decoded<usize> {
        let count: u64 = self.varint()?;
        usize::try_from(count).map_err(|_| self.fault(DecodeFault::Varint { bits: usize::BITS }))
    }

    /// Charges memory that is about to be allocated.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) -> Decoded<()> {
        match self.memory_left.checked_sub(bytes) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(self.fault(DecodeFault::TooMuchMemory {
                limit: self.limits.max_memory,
            })),
        }
    }

    /// For how many of `len` elements of a size to make room before they are there (I3).
    #[inline]
    pub(crate) fn room(&mut self, len: usize, size: usize) -> usize {
        let room = len.min((self.ahead_left / size.max(1)).max(1));
        self.ahead_left = self.ahead_left.saturating_sub(room * size);
        room
    }

    /// Checks that one more level may be entered from `depth`.
    #[inline]
    pub(crate) fn deeper(&self, depth: u32) -> Decoded<u32> {
        if depth >= self.limits.max_depth {
            return Err(self.fault(DecodeFault::TooDeep {
                limit: self.limits.max_depth,
            }));
        }
        Ok(depth + 1)
    }

    pub(crate) fn blob(&mut self) -> Decoded<Blob> {
        let index: u32 = self.varint()?;
        match self.blobs.get(index as usize) {
            Some(blob) => Ok(blob.clone()),
            None => {
                let attached = self.blobs.len();
                Err(self.fault(DecodeFault::NoSuchAttachment { index, attached }))
            }
        }
    }

    /// Bytes behind their length.
    #[inline]
    pub(crate) fn octets(&mut self) -> Decoded<&'a [u8]> {
        let len = self.len()?;
        self.charge(len)?;
        self.take(len)
    }

    /// Text, copied out before it is checked (I1).
    #[inline]
    pub(crate) fn text(&mut self) -> Decoded<String> {
        let bytes = self.octets()?.to_vec();
        String::from_utf8(bytes).map_err(|_| self.fault(DecodeFault::Utf8))
    }

    /// A character: text of exactly one scalar value.
    pub(crate) fn character(&mut self) -> Decoded<char> {
        let len = self.len()?;
        if len > 4 {
            return Err(self.fault(DecodeFault::Char));
        }
        let mut copy = [0; 4];
        let copy = &mut copy[..len];
        copy.copy_from_slice(self.take(len)?);
        let mut characters = std::str::from_utf8(copy).unwrap_or_default().chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(self.fault(DecodeFault::Char)),
        }
    }

    #[inline]
    pub(crate) fn finish(self) -> Decoded<()> {
        match self.left() {
            0 => Ok(()),
            left => Err(self.fault(DecodeFault::TrailingBytes { left })),
        }
    }

    #[cold]
    fn ends(&self, needed: usize) -> DecodeError {
        self.fault(DecodeFault::UnexpectedEnd {
            needed,
            left: self.left(),
        })
    }
}
