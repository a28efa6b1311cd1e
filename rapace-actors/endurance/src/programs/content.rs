//! What programs send: bytes that follow from a seed, and the check that they arrived.

use facet::Facet;
use rapace::{Blob, BlobMut, BufferError};

/// The lengths of a [`Content`].
#[derive(Clone, Debug, Default, Facet, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) seed: u64,
    pub(crate) bytes: u32,
    pub(crate) blobs: Vec<u32>,
}

/// A value that is sent.
#[derive(Clone, Debug, Default, Facet)]
pub(crate) struct Content {
    bytes: Vec<u8>,
    blobs: Vec<Blob>,
}

impl Shape {
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.bytes) + self.blobs.iter().map(|len| u64::from(*len)).sum::<u64>()
    }

    /// Makes the content, with its buffers on the heap.
    pub(crate) fn on_heap(&self) -> Content {
        let blobs = self.blobs.iter().zip(1..).map(|(len, nth)| {
            let mut bytes = vec![0; *len as usize];
            fill(self.seed, nth, &mut bytes);
            Blob::from(bytes)
        });
        Content {
            bytes: self.plain(),
            blobs: blobs.collect(),
        }
    }

    /// Makes the content, with its buffers from `allocate`.
    pub(crate) async fn allocated<F>(
        &self,
        mut allocate: impl FnMut(usize) -> F,
    ) -> Result<Content, BufferError>
    where
        F: Future<Output = Result<BlobMut, BufferError>>,
    {
        let mut blobs = Vec::with_capacity(self.blobs.len());
        for (len, nth) in self.blobs.iter().zip(1..) {
            let mut buffer = allocate(*len as usize).await?;
            fill(self.seed, nth, &mut buffer);
            blobs.push(buffer.freeze());
        }
        Ok(Content {
            bytes: self.plain(),
            blobs,
        })
    }

    fn plain(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes as usize];
        fill(self.seed, 0, &mut bytes);
        bytes
    }

    /// Compares what arrived with the [halves](Content::halves) of this.
    pub(crate) fn check_halves(&self, content: &Content) -> Result<(), String> {
        let whole = Shape {
            blobs: Vec::new(),
            ..self.clone()
        };
        whole.check(&Content {
            bytes: content.bytes.clone(),
            blobs: Vec::new(),
        })?;
        let mut halves = content.blobs.iter();
        for (len, nth) in self.blobs.iter().zip(1..) {
            let middle = middle(*len as usize);
            for range in [0..middle, middle..*len as usize] {
                let half = halves.next().ok_or("a half of a buffer is missing")?;
                let from = (range.start / WORD) as u64;
                if half.len() != range.len() || !is_filled(self.seed, nth, from, half) {
                    return Err(format!(
                        "a buffer of {} bytes is not {range:?} of one of {len} bytes with the seed {}",
                        half.len(),
                        self.seed
                    ));
                }
            }
        }
        match halves.next() {
            None => Ok(()),
            Some(_) => Err("a half of a buffer too many".to_owned()),
        }
    }

    /// Compares what arrived with what should have.
    pub(crate) fn check(&self, content: &Content) -> Result<(), String> {
        let wrong = |what: &str, got: usize, len: u32| {
            Err(format!(
                "{what} of {got} bytes is not that of {len} bytes with the seed {}",
                self.seed
            ))
        };
        if content.bytes.len() != self.bytes as usize || !is_filled(self.seed, 0, 0, &content.bytes)
        {
            return wrong("a vector", content.bytes.len(), self.bytes);
        }
        if content.blobs.len() != self.blobs.len() {
            return Err(format!(
                "{} buffers instead of {}",
                content.blobs.len(),
                self.blobs.len()
            ));
        }
        for ((len, blob), nth) in self.blobs.iter().zip(&content.blobs).zip(1..) {
            if blob.len() != *len as usize || !is_filled(self.seed, nth, 0, blob) {
                return wrong("a buffer", blob.len(), *len);
            }
        }
        Ok(())
    }
}

impl Content {
    pub(crate) fn len(&self) -> u64 {
        let blobs: usize = self.blobs.iter().map(|blob| blob.len()).sum();
        (self.bytes.len() + blobs) as u64
    }

    /// Two slices of each buffer, which lie in one slot if the buffer does.
    pub(crate) fn halves(&self) -> Self {
        let halves = self.blobs.iter().flat_map(|blob| {
            let middle = middle(blob.len());
            [blob.slice(..middle), blob.slice(middle..)]
        });
        Self {
            bytes: self.bytes.clone(),
            blobs: halves.collect(),
        }
    }
}

/// Where a buffer of this length is cut.
fn middle(len: usize) -> usize {
    (len / 2).next_multiple_of(WORD).min(len)
}

fn fill(seed: u64, nth: u64, bytes: &mut [u8]) {
    for (word, place) in bytes.chunks_mut(WORD).zip(0..) {
        word.copy_from_slice(&pattern(seed, nth, place)[..word.len()]);
    }
}

/// Whether these are the bytes of the `nth` buffer from this word on.
fn is_filled(seed: u64, nth: u64, from: u64, bytes: &[u8]) -> bool {
    let mut words = bytes.chunks(WORD).zip(from..);
    words.all(|(word, place)| *word == pattern(seed, nth, place)[..word.len()])
}

/// The eight bytes at a place of the `nth` buffer.
fn pattern(seed: u64, nth: u64, place: u64) -> [u8; WORD] {
    let word = seed ^ (nth << 56) ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word.to_ne_bytes()
}

const WORD: usize = 8;
