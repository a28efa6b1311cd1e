//! The prefix of a body: the stream's number and the metadata.

use rapace_codec::{EncodeError, Writer};

use crate::link::payload_error::PayloadError;
use crate::wire::frame::{ChannelId, Flags};
use crate::wire::limits::MAX_METADATA;

/// The prefix of a body.
#[derive(Clone, Copy, Default)]
pub(crate) struct Prefix<'a> {
    pub(crate) stream: Option<ChannelId>,
    pub(crate) metadata: &'a [(String, String)],
}

impl Prefix<'_> {
    pub(crate) fn flags(self) -> Flags {
        Flags::none().and_if(Flags::METADATA, !self.metadata.is_empty())
    }

    /// The length of the prefix in bytes.
    #[inline]
    pub(crate) fn len(self) -> Result<usize, PayloadError> {
        let metadata = match self.metadata {
            [] => 0,
            _ => {
                let mut none = Vec::new();
                let mut counter = Writer::counting(&mut none);
                self.write_metadata(&mut counter)?;
                match counter.written() {
                    bytes if bytes > MAX_METADATA => {
                        return Err(PayloadError::Encode(format!(
                            "its metadata takes {bytes} bytes; a call can have at most {MAX_METADATA}"
                        )));
                    }
                    bytes => LENGTH + bytes,
                }
            }
        };
        Ok(metadata + self.stream.map_or(0, |_| LENGTH))
    }

    /// Writes the prefix into `bytes`, which have exactly its length.
    pub(crate) fn write(self, bytes: &mut [u8]) -> Result<(), PayloadError> {
        let (first, rest) = bytes.split_at_mut(self.stream.map_or(0, |_| LENGTH));
        if let Some(stream) = self.stream {
            first.copy_from_slice(&stream.0.to_le_bytes());
        }
        if !self.metadata.is_empty()
            && let Some((word, rest)) = rest.split_first_chunk_mut::<LENGTH>()
        {
            *word = (rest.len() as u32).to_le_bytes();
            self.write_metadata(&mut Writer::slice(rest, &mut Vec::new()))?;
        }
        Ok(())
    }

    /// Writes the metadata as a `Vec<(String, String)>`.
    fn write_metadata(self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
        writer.write(&(self.metadata.len() as u64))?;
        self.metadata.iter().try_for_each(|(key, value)| {
            writer.write(key)?;
            writer.write(value)
        })
    }
}

/// Bytes of a number in a prefix.
const LENGTH: usize = 4;
