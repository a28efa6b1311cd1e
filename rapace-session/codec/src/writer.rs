//! From values to bytes.

use std::fmt;

use crate::Blob;
use crate::error::EncodeError;
use crate::plan::encode;
use crate::sink::{Count, Fill, Grow};
use crate::wire::Wire;

/// Encodes values one after the other: into a slice, onto the end of a vector, or only to learn how long they are.
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
    /// The blobs that are met are listed in `blobs`, after those that are there. So that the numbers
    /// come out the same, restore the list before the values are written in earnest.
    pub fn counting(blobs: &'a mut Vec<Blob>) -> Self {
        Self {
            out: Out::Count,
            blobs,
            written: 0,
        }
    }

    /// Writes from the start of `buf`, and lists the blobs that are met in `blobs`.
    pub fn slice(buf: &'a mut [u8], blobs: &'a mut Vec<Blob>) -> Self {
        Self {
            out: Out::Slice(buf),
            blobs,
            written: 0,
        }
    }

    /// Appends to `buf`, and lists the blobs that are met in `blobs`.
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
    pub fn write<T: Wire>(&mut self, value: &T) -> Result<(), EncodeError> {
        let attached = self.blobs.len();
        let result = self.encode(value);
        match result {
            Ok(len) => self.written += len,
            Err(_) => self.blobs.truncate(attached),
        }
        result.map(|_| ())
    }

    /// Encodes a value and says how many bytes it took.
    fn encode<T: Wire>(&mut self, value: &T) -> Result<usize, EncodeError> {
        match &mut self.out {
            Out::Count => {
                let mut sink = Count(0);
                encode::value(value, &mut sink, self.blobs)?;
                Ok(sink.0)
            }
            Out::Slice(into) => {
                let mut sink = Fill {
                    into,
                    at: self.written,
                };
                encode::value(value, &mut sink, self.blobs)?;
                Ok(sink.at - self.written)
            }
            Out::Vec(into) => {
                let start = into.len();
                let result = encode::value(value, &mut Grow(into), self.blobs);
                if result.is_err() {
                    into.truncate(start);
                }
                result.map(|()| into.len() - start)
            }
        }
    }

    /// How many bytes the values that were written take.
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

/// Encodes one value into a vector of its own, with the blobs that go beside it.
///
/// # Errors
/// See [`EncodeError`].
pub fn to_vec<T: Wire>(value: &T) -> Result<(Vec<u8>, Vec<Blob>), EncodeError> {
    let (mut bytes, mut blobs) = (Vec::new(), Vec::new());
    Writer::vec(&mut bytes, &mut blobs).write(value)?;
    Ok((bytes, blobs))
}
