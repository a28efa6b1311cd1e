//! Numbers, truth values, characters and durations.

use std::time::{Duration, SystemTime};

use super::{Decoded, Run};
use crate::error::{DecodeError, DecodeFault};
use crate::kind::Scalar;
use crate::plan::memory::{Slot, Value};
use crate::varint::Signed;

impl Run<'_, '_> {
    /// # Safety
    /// There must be places for `len` values of the scalar's type from `first` on.
    #[inline(always)]
    pub(super) unsafe fn scalars(&mut self, scalar: Scalar, first: Slot, len: usize) -> Decoded {
        macro_rules! each {
            ($type:ty, $decode:expr) => {
                for index in 0..len {
                    let value: $type = $decode;
                    // SAFETY: one of the `len` places, all for this type.
                    unsafe { first.put(index * size_of::<$type>(), value) };
                }
            };
        }
        match scalar {
            Scalar::Bool => each!(bool, self.truth()?),
            Scalar::Char => each!(char, self.input.character()?),
            Scalar::U8 => each!(u8, self.input.byte()?),
            Scalar::I8 => each!(i8, self.input.byte()?.cast_signed()),
            Scalar::U16 => each!(u16, self.input.varint()?),
            Scalar::U32 => each!(u32, self.input.varint()?),
            Scalar::U64 => each!(u64, self.input.varint()?),
            Scalar::U128 => each!(u128, self.input.varint()?),
            Scalar::Usize => each!(usize, {
                let wide: u64 = self.input.varint()?;
                self.narrow(wide)?
            }),
            Scalar::I16 => each!(i16, i16::unfold(self.input.varint()?)),
            Scalar::I32 => each!(i32, i32::unfold(self.input.varint()?)),
            Scalar::I64 => each!(i64, i64::unfold(self.input.varint()?)),
            Scalar::I128 => each!(i128, i128::unfold(self.input.varint()?)),
            Scalar::Isize => each!(isize, {
                let wide = i64::unfold(self.input.varint()?);
                self.narrow(wide)?
            }),
            Scalar::F32 => each!(f32, f32::from_le_bytes(self.fixed()?)),
            Scalar::F64 => each!(f64, f64::from_le_bytes(self.fixed()?)),
        }
        Ok(())
    }

    /// # Safety
    /// `slot` must be a place for an integer of that type and size.
    pub(super) unsafe fn non_zero(&mut self, scalar: Scalar, size: usize, slot: Slot) -> Decoded {
        // SAFETY: as the caller vouches.
        unsafe { self.scalars(scalar, slot, 1) }?;
        // SAFETY: the integer was just written.
        let integer = unsafe { Value::from_raw(slot.raw()) };
        // SAFETY: it has so many bytes and no padding.
        let bytes = unsafe { integer.bytes(0, size) };
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(self.input.fault(DecodeFault::Zero));
        }
        Ok(())
    }

    pub(super) fn duration(&mut self) -> Result<Duration, DecodeError> {
        let seconds = self.input.varint()?;
        let nanos: u32 = self.input.varint()?;
        if nanos >= 1_000_000_000 {
            return Err(self.input.fault(DecodeFault::Nanoseconds(nanos)));
        }
        Ok(Duration::new(seconds, nanos))
    }

    pub(super) fn time(&mut self) -> Result<SystemTime, DecodeError> {
        let since = self.duration()?;
        let time = SystemTime::UNIX_EPOCH.checked_add(since);
        time.ok_or_else(|| self.input.fault(DecodeFault::TimeTooLate(since.as_secs())))
    }

    #[inline]
    fn truth(&mut self) -> Result<bool, DecodeError> {
        match self.input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.input.fault(DecodeFault::Bool(other))),
        }
    }

    #[inline]
    fn narrow<W, N: TryFrom<W>>(&self, wide: W) -> Result<N, DecodeError> {
        let fault = DecodeFault::Varint { bits: usize::BITS };
        N::try_from(wide).map_err(|_| self.input.fault(fault))
    }

    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let mut copy = [0; N];
        copy.copy_from_slice(self.input.take(N)?);
        Ok(copy)
    }
}
