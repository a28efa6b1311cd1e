//! The numbers of postcard: seven bits a byte, least significant first, and signed numbers folded onto unsigned
//! ones so that small negative numbers are short.
//!
//! - V1: each number has one encoding, the shortest. Others are refused when read.

use std::ops::{BitOr, Shl, Shr};

/// An unsigned integer that is written as a varint.
pub(crate) trait Unsigned:
    Copy
    + PartialOrd
    + From<u8>
    + Shl<u32, Output = Self>
    + Shr<u32, Output = Self>
    + BitOr<Output = Self>
{
    /// The width of the type.
    const BITS: u32;

    /// The lowest eight bits.
    fn low_byte(self) -> u8;

    /// The number of bits up to the highest one that is set.
    fn significant_bits(self) -> u32;

    /// The length of the varint in bytes.
    #[inline]
    fn varint_len(self) -> usize {
        self.significant_bits().max(1).div_ceil(7) as usize
    }
}

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Unsigned for $type {
            const BITS: u32 = <$type>::BITS;

            #[inline]
            fn low_byte(self) -> u8 {
                self as u8
            }

            #[inline]
            fn significant_bits(self) -> u32 {
                <$type>::BITS - self.leading_zeros()
            }
        }
    )*};
}

unsigned!(u16, u32, u64, u128);

/// A signed integer, folded onto an unsigned one: 0, -1, 1, -2, 2 become 0, 1, 2, 3, 4.
pub(crate) trait Signed: Copy {
    type Folded: Unsigned;

    fn fold(self) -> Self::Folded;
    fn unfold(folded: Self::Folded) -> Self;
}

macro_rules! signed {
    ($($type:ty => $folded:ty),*) => {$(
        impl Signed for $type {
            type Folded = $folded;

            #[inline]
            fn fold(self) -> $folded {
                ((self << 1) ^ (self >> (<$type>::BITS - 1))).cast_unsigned()
            }

            #[inline]
            fn unfold(folded: $folded) -> Self {
                (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed())
            }
        }
    )*};
}

signed!(i16 => u16, i32 => u32, i64 => u64, i128 => u128);

/// Writes a varint to the start of `room`, and returns how many bytes it took; `None` if there are too few.
#[inline]
pub(crate) fn write<U: Unsigned>(mut value: U, room: &mut [u8]) -> Option<usize> {
    let mut len = 0;
    while value >= U::from(0x80) {
        *room.get_mut(len)? = value.low_byte() | 0x80;
        value = value >> 7;
        len += 1;
    }
    *room.get_mut(len)? = value.low_byte();
    Some(len + 1)
}

/// The result of reading a varint.
pub(crate) enum Read<U> {
    /// The number, and how many bytes it took.
    Done(U, usize),
    /// The bytes end within the number.
    Incomplete,
    /// The number does not fit, or is not in its shortest form (V1).
    Malformed,
}

/// Reads a varint from the start of `bytes`.
#[inline]
pub(crate) fn read<U: Unsigned>(bytes: &[u8]) -> Read<U> {
    // The last byte that may be there, and how many bits are left for it.
    let last = (U::BITS - 1) / 7;
    let room = U::BITS - 7 * last;
    let mut value = U::from(0);
    for (at, &byte) in (0..=last).zip(bytes) {
        value = value | (U::from(byte & 0x7f) << (7 * at));
        if byte < 0x80 {
            if (byte == 0 && at > 0) || (at == last && byte >> room != 0) {
                return Read::Malformed;
            }
            return Read::Done(value, at as usize + 1);
        }
    }
    if bytes.len() > last as usize {
        Read::Malformed
    } else {
        Read::Incomplete
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<U: Unsigned>(value: U) -> Vec<u8> {
        let mut out = vec![0; value.varint_len()];
        assert_eq!(write(value, &mut out), Some(out.len()));
        let short = out.len() - 1;
        assert_eq!(write(value, &mut vec![0; short]), None);
        out
    }

    fn comes_back<U: Unsigned + std::fmt::Debug>(value: U) {
        let out = bytes(value);
        assert!(
            matches!(read::<U>(&out), Read::Done(back, len) if back == value && len == out.len())
        );
        for len in 0..out.len() {
            assert!(matches!(read::<U>(&out[..len]), Read::Incomplete));
        }
    }

    #[test]
    fn every_length_of_every_width_comes_back() {
        for shift in 0..128 {
            for near in [0_u128, 1, 2] {
                let value = (1_u128 << shift).wrapping_sub(1).wrapping_add(near);
                comes_back(value as u16);
                comes_back(value as u32);
                comes_back(value as u64);
                comes_back(value);
            }
        }
        assert_eq!(bytes(u16::MAX), [0xff, 0xff, 0x03]);
        assert_eq!(bytes(0_u64), [0]);
    }

    #[test]
    fn numbers_that_do_not_fit_are_malformed() {
        assert!(matches!(read::<u16>(&[0xff, 0xff, 0x04]), Read::Malformed));
        assert!(matches!(
            read::<u32>(&[0xff, 0xff, 0xff, 0xff, 0x10]),
            Read::Malformed
        ));
        assert!(matches!(read::<u64>(&[0xff; 11]), Read::Malformed));
        assert!(matches!(read::<u128>(&[0xff; 20]), Read::Malformed));
    }

    #[test]
    fn longer_forms_are_malformed() {
        assert!(matches!(read::<u32>(&[0x80, 0]), Read::Malformed));
        assert!(matches!(read::<u64>(&[0xff, 0x80, 0]), Read::Malformed));
        assert!(matches!(read::<u64>(&[0]), Read::Done(0, 1)));
    }

    #[test]
    fn small_magnitudes_fold_to_small_numbers() {
        assert_eq!([0, -1, 1, -2, 2].map(i32::fold), [0, 1, 2, 3, 4]);
        for value in [i64::MIN, i64::MAX, 0, -1, 1, 77] {
            assert_eq!(i64::unfold(value.fold()), value);
        }
    }
}
