//! From values to bytes.

use std::fmt;

use crate::Blob;
use crate::error::EncodeError;
use crate::limits::Limits;
use crate::output::{Count, Fill, Grow, Stop};
use crate::plan::encode;
use crate::wire::Wire;

/// Encodes values one after the other: into a slice, onto the end of a vector, or only to compute their length.
///
/// The encodings of several values, one after the other, are the encoding of their tuple.
///
/// ```
/// use rapace_codec::{EncodeError, Writer};
///
/// let (name, count) = ("ferris".to_owned(), 3_u32);
/// let mut blobs = Vec::new();
///
/// let mut counter = Writer::counting(&mut blobs);
/// counter.write(&name)?;
/// counter.write(&count)?;
/// let length = counter.written();
///
/// blobs.clear(); // counting listed them too
/// let mut slot = vec![0; length];
/// let mut writer = Writer::slice(&mut slot, &mut blobs);
/// writer.write(&name)?;
/// writer.write(&count)?;
/// assert_eq!(slot, b"\x06ferris\x03");
/// # Ok::<(), EncodeError>(())
/// ```
pub struct Writer<'a> {
    out: Out<'a>,
    blobs: &'a mut Vec<Blob>,
    written: usize,
}

enum Out<'a> {
    Count,
    Slice(&'a mut [u8]),
    Vec(&'a mut Vec<u8>),
}

impl<'a> Writer<'a> {
    /// Only counts: afterwards [`written`](Self::written) is the exact length of the values.
    ///
    /// The blobs in the values are appended to `blobs`. Restore the list before the values are
    /// written, so that their blobs get the same numbers.
    #[inline]
    pub fn counting(blobs: &'a mut Vec<Blob>) -> Self {
        Self {
            out: Out::Count,
            blobs,
            written: 0,
        }
    }

    /// Writes from the start of `buf`, and appends the blobs in the values to `blobs`.
    #[inline]
    pub fn slice(buf: &'a mut [u8], blobs: &'a mut Vec<Blob>) -> Self {
        Self {
            out: Out::Slice(buf),
            blobs,
            written: 0,
        }
    }

    /// Appends to `buf`, and appends the blobs in the values to `blobs`.
    #[inline]
    pub fn vec(buf: &'a mut Vec<u8>, blobs: &'a mut Vec<Blob>) -> Self {
        Self {
            out: Out::Vec(buf),
            blobs,
            written: 0,
        }
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// See [`EncodeError`]. After an error nothing of this value counts as written, and no blob of it
    /// is listed; a slice may hold some of its bytes past [`written`](Self::written).
    #[inline]
    pub fn write<T: Wire>(&mut self, value: &T) -> Result<(), EncodeError> {
        let plan = encode::plan::<T>()?;
        let attached = self.blobs.len();
        let result = match &mut self.out {
            Out::Count => {
                let mut output = Count(self.written);
                let result = encode::value(plan, value, &mut output, self.blobs);
                result.map(|()| output.0)
            }
            Out::Slice(into) => {
                let at = self.written;
                let mut output = Fill { into, at };
                let result = encode::value(plan, value, &mut output, self.blobs);
                result.map(|()| output.at)
            }
            Out::Vec(into) => {
                let start = into.len();
                let result = encode::value(plan, value, &mut Grow(into), self.blobs);
                if result.is_err() {
                    into.truncate(start);
                }
                result.map(|()| self.written + (into.len() - start))
            }
        };
        match result {
            Ok(written) => {
                self.written = written;
                Ok(())
            }
            Err(stop) => {
                self.blobs.truncate(attached);
                Err(self.stopped(stop))
            }
        }
    }

    #[cold]
    fn stopped(&self, stop: Stop) -> EncodeError {
        match stop {
            Stop::Full => EncodeError::BufferFull {
                capacity: match &self.out {
                    Out::Slice(into) => into.len(),
                    Out::Count | Out::Vec(_) => unreachable!("only a slice is ever full"),
                },
            },
            Stop::TooDeep => EncodeError::TooDeep {
                limit: Limits::DEPTH,
            },
            Stop::TooManyEmptyElements => EncodeError::TooManyEmptyElements {
                limit: Limits::EMPTY_ELEMENTS,
            },
            Stop::PathNotText => EncodeError::PathNotText,
            Stop::TimeBeforeEpoch => EncodeError::TimeBeforeEpoch,
        }
    }

    /// The number of bytes that were written.
    #[inline]
    pub fn written(&self) -> usize {
        self.written
    }
}

impl fmt::Debug for Writer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// Encodes one value into a vector of its own, with the blobs that are sent beside it.
///
/// # Errors
/// See [`EncodeError`].
pub fn to_vec<T: Wire>(value: &T) -> Result<(Vec<u8>, Vec<Blob>), EncodeError> {
    // Most values are small. Counting first would cost more than it saves.
    let (mut bytes, mut blobs) = (Vec::with_capacity(SMALL), Vec::new());
    Writer::vec(&mut bytes, &mut blobs).write(value)?;
    Ok((bytes, blobs))
}

/// The room that [`to_vec`] starts with.
const SMALL: usize = 128;
