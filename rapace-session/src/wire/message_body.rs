//! The parts of a payload: the table of buffers, the stream's number, the metadata, then the body.
//!
//! | part | present if | bytes |
//! |---|---|---|
//! | table of buffers | `BLOBS` | a count of two bytes, at least 1; then 16 bytes for each |
//! | stream | either stream flag | the number of the stream's channel, four bytes |
//! | metadata | `METADATA` | a length of four bytes; then that many bytes, 65,536 at most, a list of pairs of text |
//! | body | always | the rest |
//!
//! Numbers are little-endian. An entry of the table refers to an attached buffer or to a
//! [returned](crate::wire::returned) one. The metadata is postcard.
//!
//! - MB1: every length and count comes from the peer, and is checked before it is used.

use rapace_codec::{Blob, Limits, Reader};

use crate::wire::frame::{ChannelId, Flags, Frame, Payload};
use crate::wire::limits::MAX_METADATA;
use crate::wire::returned::{self, BLOB_REF, Entry, RequestAttachments};

/// Key-value pairs sent along with a call, like headers in gRPC. At most [`MAX_METADATA`] bytes,
/// encoded.
pub type Metadata = Vec<(String, String)>;

/// The length in bytes of a table of `count` buffers.
pub(crate) fn table_len(count: usize) -> usize {
    match count {
        0 => 0,
        n => 2 + n * BLOB_REF,
    }
}

/// Returns the entries of a payload's table (MB1).
pub(crate) fn table(payload: &[u8]) -> Result<&[Entry], &'static str> {
    let (count, rest) = payload
        .split_first_chunk::<2>()
        .ok_or("a payload too short for its table of buffers")?;
    let count = usize::from(u16::from_le_bytes(*count));
    let (refs, _) = rest.as_chunks::<BLOB_REF>();
    match refs.get(..count) {
        Some([]) => Err("an empty table of buffers"),
        Some(refs) => Ok(refs),
        None => Err("a table of buffers that runs past its payload"),
    }
}

/// Returns the entries of a frame's table; none if the frame has no table.
pub(crate) fn table_of(frame: &Frame) -> Result<&[Entry], &'static str> {
    match frame.header.flags.has(Flags::BLOBS) {
        true => table(frame.payload.bytes()),
        false => Ok(&[]),
    }
}

/// A received payload, parsed into its parts.
#[derive(Debug)]
pub struct MessageBody {
    frame: Frame,
    stream: Option<ChannelId>,
    metadata: (usize, usize),
    body: usize,
}

impl MessageBody {
    /// Parses the payload of a frame that is no reply to an awaited call (MB1).
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn parse(frame: Frame) -> Result<Self, &'static str> {
        let table = table_of(&frame)?;
        if table.iter().any(returned::is_returned) {
            return Err("a returned buffer where no request has any");
        }
        if table.len() != frame.blobs.len() {
            return Err(returned::OTHERS);
        }
        Self::parse_parts(frame)
    }

    /// Parses a reply. `sent` are the buffers of its request (MB1).
    ///
    /// # Errors
    /// The rule that the peer broke.
    pub(crate) fn parse_reply(mut frame: Frame, sent: &[Blob]) -> Result<Self, &'static str> {
        let carried = std::mem::take(&mut frame.blobs);
        frame.blobs = returned::resolve(table_of(&frame)?, carried, sent)?;
        Self::parse_parts(frame)
    }

    /// Parses a payload whose buffers are already those of its table.
    fn parse_parts(frame: Frame) -> Result<Self, &'static str> {
        let mut at = table_len(frame.blobs.len());
        let word = |at: usize| {
            let bytes = frame.payload.bytes().get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*bytes))
        };
        let mut stream = None;
        if frame.header.flags.streams() {
            let id = word(at).ok_or("a request whose stream has no number")?;
            stream = Some(ChannelId(id));
            at += 4;
        }
        let mut metadata = (0, 0);
        if frame.header.flags.has(Flags::METADATA) {
            let len = word(at).ok_or("metadata without a length")? as usize;
            if len > MAX_METADATA {
                return Err("metadata longer than the limit");
            }
            let end = (at + 4)
                .checked_add(len)
                .ok_or("metadata past its payload")?;
            if end > frame.payload.bytes().len() {
                return Err("metadata past its payload");
            }
            metadata = (at + 4, end);
            at = end;
        }
        Ok(Self {
            stream,
            metadata,
            body: at,
            frame,
        })
    }

    /// The channel of the stream that a request opens.
    #[must_use]
    pub fn stream(&self) -> Option<ChannelId> {
        self.stream
    }

    /// Decodes the metadata of a request. Metadata that cannot be decoded is dropped.
    #[must_use]
    pub fn metadata(&self) -> Metadata {
        let (from, to) = self.metadata;
        match self.frame.payload.bytes().get(from..to) {
            Some([]) | None => Metadata::new(),
            Some(bytes) => rapace_codec::from_slice(bytes, &[]).unwrap_or_default(),
        }
    }

    /// The encoded values.
    #[must_use]
    pub fn values(&self) -> &[u8] {
        self.frame
            .payload
            .bytes()
            .get(self.body..)
            .unwrap_or_default()
    }

    /// Returns a reader that decodes the values, and borrows from the buffers.
    #[must_use]
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(self.values(), &self.frame.blobs, Limits::default())
    }

    /// Remembers the request's buffers, so that a reply can return them.
    pub(crate) fn attachments(&self) -> RequestAttachments {
        RequestAttachments::of(&self.frame.blobs)
    }

    /// Whether the frame itself carries all of it.
    pub(crate) fn lies_in_frame(&self) -> bool {
        matches!(self.frame.payload, Payload::Inline { .. }) && self.frame.blobs.is_empty()
    }

    /// Bytes of the payload and its buffers, returned buffers included.
    #[must_use]
    pub fn carried(&self) -> u64 {
        self.frame.carried()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::frame::{FrameType, Header};

    fn frame(flags: Flags, bytes: &[u8]) -> Frame {
        let mut header = Header::new(FrameType::Request, ChannelId(1));
        header.flags = flags;
        Frame {
            header,
            payload: Payload::inline(bytes).unwrap(),
            blobs: Vec::new(),
        }
    }

    #[test]
    fn lengths_past_the_payload_are_refused() {
        assert!(MessageBody::parse(frame(Flags::METADATA, &[9, 0, 0, 0, 1])).is_err());
        assert!(MessageBody::parse(frame(Flags::METADATA, &[255, 255, 255, 255])).is_err());
        let mut long = (MAX_METADATA as u32 + 1).to_le_bytes().to_vec();
        long.resize(4 + MAX_METADATA + 1, 0);
        let mut large = frame(Flags::METADATA, &[]);
        large.payload = Payload::Buffer(Blob::from(long));
        assert_eq!(
            MessageBody::parse(large).unwrap_err(),
            "metadata longer than the limit"
        );
        assert!(MessageBody::parse(frame(Flags::SERVER_STREAM, &[1, 0])).is_err());
        assert!(MessageBody::parse(frame(Flags::BLOBS, &[1, 0, 3])).is_err());
        assert!(
            MessageBody::parse(frame(Flags::BLOBS, &[1; 24])).is_err(),
            "no buffer was attached"
        );
        assert!(table(&[1]).is_err());
        assert!(table(&[0, 0]).is_err());
        assert!(table(&[1, 0, 3]).is_err());
    }

    #[test]
    fn a_body_follows_its_prefix() {
        let open = MessageBody::parse(frame(Flags::CLIENT_STREAM, &[5, 0, 0, 0, 42])).unwrap();
        assert_eq!(open.stream(), Some(ChannelId(5)));
        assert_eq!(open.values(), &[42]);
        assert!(open.metadata().is_empty());
    }
}
