//! Encoding of values into a payload, directly in the buffer that is sent, with attached buffers.
//!
//! - FE1: a body is encoded in place: directly into the frame if it fits, otherwise into a buffer,
//!   after a first pass has counted its length and its attached buffers. A short body with attached
//!   buffers is encoded once and copied behind their table.
//! - FE2: encoding waits for no buffer that somebody uses, unless the transport is configured to. What
//!   finds none travels in fragments ([`Fragmenter`]).
//! - FE3: a buffer outside the transport's memory, or one that is in flight, is copied once, and
//!   the copy is counted. A reply refers to a buffer of its request instead of carrying it
//!   ([`returned`](crate::wire::returned)).
//! - FE4: encoding values and reading buffers may run user code, on a task that serves other calls
//!   too. A panic there is an error of this one payload. One `catch_unwind` around all of it is
//!   enough, since unwinding only drops buffers, which releases them.

use std::iter::Chain;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{option, vec};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rapace_codec::{Blob, BlobMut, EncodeError, Writer, guarded, panic_message};

use crate::link::draft::{Contents, Draft};
use crate::link::encode::Encode;
use crate::link::fragmenter::Fragmenter;
use crate::link::payload_error::{PayloadError, panicked};
use crate::link::prefix::Prefix;
use crate::link::spare_buffers::SpareBuffers;
use crate::link::waits::{Flow, Need, Waits};
use crate::transport::{AllocateError, ClassStats, Lane, OnExhaustion, Transport};
use crate::wire::frame::{ChannelId, Flags, Fragmented, Frame, INLINE_MAX, Payload};
use crate::wire::message_body::{table_len, table_of};
use crate::wire::returned::{RequestAttachments, table_for};

/// A payload that is ready to be sent.
#[derive(Debug)]
pub(crate) struct EncodedPayload {
    pub(crate) flags: Flags,
    pub(crate) payload: Payload,
    pub(crate) blobs: Vec<Blob>,
}

/// A payload that is encoded as far as it needs no buffer.
pub(crate) enum Prepared<'a> {
    Encoded(EncodedPayload),
    Unfinished(Unfinished<'a>),
}

/// The result of encoding without waiting.
pub(crate) enum Attempt<'a> {
    Encoded(EncodedPayload),
    /// Buffers have to be gathered, or waited for. Boxed: this rare path would make the future of every call larger.
    Waiting(Box<Unfinished<'a>>),
}

/// A payload that lacks buffers.
pub(crate) struct Unfinished<'a> {
    draft: Draft<'a>,
    flags: Flags,
}

impl Prepared<'_> {
    /// Bytes of the payload and the attached buffers, as [`Frame::carried`] counts them; 0 if the frame itself carries all.
    pub(crate) fn carried(&self) -> u64 {
        match self {
            Self::Encoded(_) => 0,
            Self::Unfinished(unfinished) => unfinished.draft.carried(),
        }
    }
}

/// The buffers of one payload: the first, and the others.
type Allocated = Chain<option::IntoIter<BlobMut>, vec::IntoIter<BlobMut>>;

/// Encodes payloads for one transport.
pub(crate) struct FrameEncoder {
    transport: Arc<dyn Transport>,
    fragmenter: Fragmenter,
    spare_buffers: Arc<SpareBuffers>,
    waits: Arc<Waits>,
    copied: AtomicU64,
}

impl FrameEncoder {
    pub(crate) fn new(
        transport: Arc<dyn Transport>,
        spare_buffers: Arc<SpareBuffers>,
        waits: Arc<Waits>,
    ) -> Self {
        Self {
            fragmenter: Fragmenter::new(Arc::clone(&transport), Arc::clone(&waits)),
            spare_buffers,
            transport,
            waits,
            copied: AtomicU64::new(0),
        }
    }

    pub(crate) fn fragmenter(&self) -> &Fragmenter {
        &self.fragmenter
    }

    /// Bytes of buffers that had to be copied (FE3).
    pub(crate) fn copied(&self) -> u64 {
        self.copied.load(Ordering::Relaxed)
    }

    /// Encodes a body after its prefix (FE1), if its buffers are free. For a reply, `attachments` are the buffers of its request.
    pub(crate) fn encode<'a>(
        &self,
        lane: Lane,
        prefix: Prefix<'a>,
        body: &'a (dyn Encode + 'a),
        attachments: Option<&RequestAttachments>,
    ) -> Result<Attempt<'a>, PayloadError> {
        let attempt = guarded(|| match self.prepare_now(prefix, body, attachments)? {
            Prepared::Encoded(encoded) => Ok(Attempt::Encoded(encoded)),
            Prepared::Unfinished(unfinished) => self.finish_now(unfinished, lane),
        });
        attempt.unwrap_or_else(|panic| Err(panicked(&panic)))
    }

    /// Begins to encode a body after its prefix, and takes no buffer yet.
    pub(crate) fn prepare<'a>(
        &self,
        prefix: Prefix<'a>,
        body: &'a (dyn Encode + 'a),
    ) -> Result<Prepared<'a>, PayloadError> {
        let prepared = guarded(|| self.prepare_now(prefix, body, None));
        prepared.unwrap_or_else(|panic| Err(panicked(&panic)))
    }

    /// Begins to encode the payload of a frame for this transport: the same bytes and the same returned buffers, with the
    /// attached buffers attached again. `stream` is the number of the stream that the request opens now.
    pub(crate) fn prepare_again<'a>(
        &self,
        frame: &'a Frame,
        stream: Option<ChannelId>,
    ) -> Result<Prepared<'a>, PayloadError> {
        let table = table_of(frame).unwrap_or_default().to_vec();
        let bytes = frame.payload.bytes();
        let rest = bytes.get(table_len(table.len())..).unwrap_or_default();
        let contents = Contents::Encoded {
            bytes: rest,
            stream,
        };
        let draft = guarded(|| Draft::new(&*self.transport, table, frame.blobs.clone(), contents));
        Ok(Prepared::Unfinished(Unfinished {
            draft: draft.unwrap_or_else(|panic| Err(panicked(&panic)))?,
            flags: frame.header.flags,
        }))
    }

    /// Encodes the rest of a payload, if its buffers are free.
    pub(crate) fn finish_prepared<'a>(
        &self,
        prepared: Prepared<'a>,
        lane: Lane,
    ) -> Result<Attempt<'a>, PayloadError> {
        let attempt = match prepared {
            Prepared::Encoded(encoded) => return Ok(Attempt::Encoded(encoded)),
            Prepared::Unfinished(unfinished) => guarded(|| self.finish_now(unfinished, lane)),
        };
        attempt.unwrap_or_else(|panic| Err(panicked(&panic)))
    }

    /// Encodes a payload whose buffers are not all free. `flow` says who waits, if it has to.
    ///
    /// # Cancel safety
    /// Dropping the future releases all buffers.
    #[cold]
    pub(crate) fn finish_later<'a>(
        &'a self,
        unfinished: Unfinished<'a>,
        flow: Flow,
        lane: Lane,
    ) -> BoxFuture<'a, Result<EncodedPayload, PayloadError>> {
        Box::pin(guarded_async(self.finish_unguarded(unfinished, flow, lane)))
    }

    fn prepare_now<'a>(
        &self,
        prefix: Prefix<'a>,
        body: &'a (dyn Encode + 'a),
        attachments: Option<&RequestAttachments>,
    ) -> Result<Prepared<'a>, PayloadError> {
        let before = prefix.len()?;
        let mut named = Vec::new();
        let contents = match encode_short(prefix, before, body, &mut named)? {
            Some((len, bytes)) if named.is_empty() => {
                return Ok(Prepared::Encoded(EncodedPayload {
                    flags: prefix.flags(),
                    payload: Payload::Inline {
                        len: len as u8,
                        bytes,
                    },
                    blobs: named,
                }));
            }
            Some((len, bytes)) => Contents::Short { len, bytes },
            None => {
                named.clear();
                let mut counter = Writer::counting(&mut named);
                body.encode(&mut counter)?;
                let len = before + counter.written();
                Contents::Values {
                    len,
                    before,
                    prefix,
                    body,
                }
            }
        };
        let flags = prefix.flags().and_if(Flags::BLOBS, !named.is_empty());
        let table = table_for(&mut named, attachments);
        let draft = Draft::new(&*self.transport, table, named, contents)?;
        Ok(Prepared::Unfinished(Unfinished { draft, flags }))
    }

    /// Finishes a payload, if all its buffers are free.
    fn finish_now<'a>(
        &self,
        unfinished: Unfinished<'a>,
        lane: Lane,
    ) -> Result<Attempt<'a>, PayloadError> {
        Ok(match self.all_now(unfinished.draft.sizes(), lane)? {
            Some(buffers) => {
                let Unfinished { draft, flags } = unfinished;
                Attempt::Encoded(self.finish(draft, buffers, flags)?)
            }
            None => Attempt::Waiting(Box::new(unfinished)),
        })
    }

    async fn finish_unguarded(
        &self,
        Unfinished { draft, flags }: Unfinished<'_>,
        flow: Flow,
        lane: Lane,
    ) -> Result<EncodedPayload, PayloadError> {
        let awaited = self.exhausted(&draft, flow, lane).await?;
        self.finish_in_fragments(draft, awaited, flow, lane, flags)
            .await
    }

    /// Does what the transport is configured to do if a buffer is missing: nothing, wait for the first one that is
    /// missing, or fail. While it waits it holds none, so two payloads of several buffers do not wait for each other.
    async fn exhausted(
        &self,
        draft: &Draft<'_>,
        flow: Flow,
        lane: Lane,
    ) -> Result<Option<BlobMut>, PayloadError> {
        let policy = self.transport.on_exhaustion();
        if policy == OnExhaustion::Fragment {
            return Ok(None);
        }
        let mut held = Vec::new();
        let mut missing = None;
        for len in draft.sizes() {
            match self.one_now(len, lane)? {
                Some(buffer) => held.push(buffer),
                None => {
                    missing = Some(len);
                    break;
                }
            }
        }
        drop(held);
        match (policy, missing) {
            (OnExhaustion::Fail, Some(len)) => Err(PayloadError::NoSlot { len }),
            (_, Some(len)) => {
                let _waits = self.waits.register(flow, Need::Slot { len });
                Ok(Some(self.transport.allocate(len, lane).await?))
            }
            // They became free meanwhile.
            (_, None) => Ok(None),
        }
    }

    /// Sends what finds no buffer ahead, in fragments. `awaited` is a buffer for one of the [sizes](Draft::sizes).
    async fn finish_in_fragments(
        &self,
        mut draft: Draft<'_>,
        mut awaited: Option<BlobMut>,
        flow: Flow,
        lane: Lane,
        flags: Flags,
    ) -> Result<EncodedPayload, PayloadError> {
        let mut allocate = |len| match &awaited {
            Some(buffer) if buffer.len() == len => Ok(awaited.take()),
            _ => self.one_now(len, lane),
        };
        let buffer = match draft.is_large() {
            true => allocate(draft.total())?,
            false => None,
        };
        let whole = draft.is_large() && buffer.is_none();
        if !whole {
            draft.copy_what_fits(&*self.transport, allocate, &self.copied)?;
        }
        let lengths = draft.lengths(whole);
        if lengths.is_empty() {
            return self.finish(draft, buffer.into_iter(), flags);
        }
        // The same limit as in slots: otherwise the payload could be sent only while none is free.
        let max = self.transport.max_payload();
        if let Some(len) = lengths.iter().copied().find(|len| *len > max) {
            return Err(PayloadError::TooLarge { len, max });
        }
        let numbers = self.fragmenter.number(&lengths)?;
        let parts = draft.finish_in_fragments(buffer, numbers.ids(), &self.spare_buffers)?;
        let transfers = {
            let wait = self.waits.register(flow, Need::Fragments);
            let sent = self
                .fragmenter
                .send(numbers, parts.transfers, lane, wait.number);
            sent.await?
        };
        // Now, since a sender that does not wait sends nothing.
        for len in lengths {
            if let Some(class) = self.transport.sent_in_fragments(len) {
                self.warn_of_shortage(len, class);
            }
        }
        let fragmented = Fragmented {
            whole: parts.whole,
            sent: parts.sent,
            in_slots: parts.in_slots,
            transfers: Box::new(transfers),
        };
        Ok(EncodedPayload {
            flags,
            payload: Payload::Fragmented(Arc::new(fragmented)),
            blobs: parts.blobs,
        })
    }

    #[cold]
    fn warn_of_shortage(&self, len: usize, class: ClassStats) {
        tracing::warn!(
            peer = self.fragmenter.peer(),
            len,
            slot_size = class.slot_size,
            slots = class.total,
            used_by_peer = class.in_flight,
            held_here = class.held + class.writing,
            reserved_for_replies = class.free.min(class.reserved),
            "no slot is free for a payload, so it is sent in fragments, with two copies. Keep fewer payloads of this size, \
             copy those that are kept for long (`Blob::to_vec`), or give the class more slots (`SegmentConfig::with_classes`). \
             Further payloads of this class are counted only (`link_stats`)"
        );
    }

    /// Allocates a buffer, if one is free.
    fn one_now(&self, len: usize, lane: Lane) -> Result<Option<BlobMut>, AllocateError> {
        match self.transport.try_allocate(len, lane) {
            Ok(buffer) => Ok(Some(buffer)),
            Err(AllocateError::Exhausted) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Allocates a buffer of each size, if all are free. Most payloads need one or none, for which nothing else is
    /// allocated.
    fn all_now(
        &self,
        sizes: impl Iterator<Item = usize>,
        lane: Lane,
    ) -> Result<Option<Allocated>, AllocateError> {
        let mut first = None;
        let mut others = Vec::new();
        for size in sizes {
            let Some(buffer) = self.one_now(size, lane)? else {
                return Ok(None);
            };
            match first {
                None => first = Some(buffer),
                Some(_) => others.push(buffer),
            }
        }
        Ok(Some(first.into_iter().chain(others)))
    }

    fn finish(
        &self,
        draft: Draft<'_>,
        buffers: impl Iterator<Item = BlobMut>,
        flags: Flags,
    ) -> Result<EncodedPayload, PayloadError> {
        let (payload, blobs) = draft.finish(&*self.transport, buffers, &self.copied)?;
        Ok(EncodedPayload {
            flags,
            payload,
            blobs,
        })
    }

    /// Encodes the payload of a frame again, for this transport, if its buffers are free.
    pub(crate) fn re_encode<'a>(
        &self,
        lane: Lane,
        frame: &'a Frame,
    ) -> Result<Attempt<'a>, PayloadError> {
        self.finish_prepared(self.prepare_again(frame, None)?, lane)
    }
}

/// Turns a panic into an error of the payload (FE4).
async fn guarded_async<T>(
    work: impl Future<Output = Result<T, PayloadError>>,
) -> Result<T, PayloadError> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(encoded) => encoded,
        Err(panic) => Err(panicked(&panic_message(panic))),
    }
}

/// Encodes a body and its prefix, if they are short enough for a frame. Adds the attached buffers to `named`.
fn encode_short(
    prefix: Prefix<'_>,
    before: usize,
    body: &(dyn Encode + '_),
    named: &mut Vec<Blob>,
) -> Result<Option<(usize, [u8; INLINE_MAX])>, PayloadError> {
    let mut bytes = [0; INLINE_MAX];
    let Some((head, rest)) = bytes.split_at_mut_checked(before) else {
        return Ok(None);
    };
    let mut writer = Writer::slice(rest, named);
    match body.encode(&mut writer) {
        Ok(()) => {}
        Err(EncodeError::BufferFull { .. }) => return Ok(None),
        Err(other) => return Err(other.into()),
    }
    let len = before + writer.written();
    prefix.write(head)?;
    Ok(Some((len, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::memory::{self, MemoryConfig};
    use crate::wire::frame::{FrameType, Header};
    use crate::wire::message_body::MessageBody;

    struct Text(&'static str);

    impl Encode for Text {
        fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
            writer.write(&self.0.to_owned())
        }
    }

    struct Page(String, Blob);

    impl Encode for Page {
        fn encode(&self, writer: &mut Writer<'_>) -> Result<(), EncodeError> {
            writer.write(&self.0)?;
            writer.write(&self.1)
        }
    }

    fn opened(encoded: EncodedPayload, more: Flags) -> MessageBody {
        let mut header = Header::new(FrameType::Request, ChannelId(1));
        header.flags = encoded.flags.and(more);
        MessageBody::parse(Frame {
            header,
            payload: encoded.payload,
            blobs: encoded.blobs,
        })
        .unwrap()
    }

    fn now(attempt: Attempt<'_>) -> EncodedPayload {
        match attempt {
            Attempt::Encoded(encoded) => encoded,
            Attempt::Waiting(_) => panic!("buffers are free"),
        }
    }

    fn encoder() -> (FrameEncoder, crate::transport::Endpoint) {
        let (a, b) = memory::pair(MemoryConfig::default());
        (
            FrameEncoder::new(a.transport, Arc::default(), Arc::default()),
            b,
        )
    }

    /// FE4
    #[test]
    fn a_body_that_panics_is_an_error_and_leaks_nothing() {
        struct Torn;
        impl Encode for Torn {
            fn encode(&self, _: &mut Writer<'_>) -> Result<(), EncodeError> {
                panic!("torn")
            }
        }
        let (encoder, _other) = encoder();
        match encoder.encode(Lane::Data, Prefix::default(), &Torn, None) {
            Err(PayloadError::Encode(why)) => assert_eq!(why, "a panic while encoding: torn"),
            other => panic!("{:?}", other.map(now)),
        }
    }

    #[test]
    fn a_prefix_precedes_bodies_of_every_length() {
        let (encoder, _other) = encoder();
        let metadata = vec![("trace".to_owned(), "17".to_owned())];
        let prefix = Prefix {
            stream: Some(ChannelId(9)),
            metadata: &metadata,
        };
        const LONG: &str = "a body that is too long for the stack, and so is written straight into \
                            the buffer that travels, behind a prefix whose length is known before \
                            the first byte of the body is written";
        for text in ["", "inline", "a body that does not fit in line", LONG] {
            let text = Text(text);
            let encoded = encoder.encode(Lane::Data, prefix, &text, None).unwrap();
            let body = opened(now(encoded), Flags::CLIENT_STREAM);
            assert_eq!(body.stream(), Some(ChannelId(9)));
            assert_eq!(body.metadata(), metadata);
            assert_eq!(body.reader().read::<String>().unwrap(), text.0);
            let page = Page(text.0.to_owned(), Blob::from(vec![7; 50]));
            let encoded = encoder.encode(Lane::Data, prefix, &page, None).unwrap();
            let body = opened(now(encoded), Flags::CLIENT_STREAM);
            assert_eq!(body.stream(), Some(ChannelId(9)));
            assert_eq!(body.metadata(), metadata);
            let mut reader = body.reader();
            assert_eq!(reader.read::<String>().unwrap(), page.0);
            assert_eq!(reader.read::<Blob>().unwrap(), page.1);
        }
    }

    #[test]
    fn buffers_are_named_before_bodies_of_every_length() {
        let (encoder, _other) = encoder();
        for len in [0, 20, 128, 1000] {
            let page = Page("x".repeat(len), Blob::from(vec![7; 50]));
            let encoded = encoder.encode(Lane::Data, Prefix::default(), &page, None);
            let encoded = now(encoded.unwrap());
            assert!(encoded.flags.has(Flags::BLOBS));
            let mut header = Header::new(FrameType::Request, ChannelId(1));
            header.flags = encoded.flags;
            let before = Frame {
                header,
                payload: encoded.payload.clone(),
                blobs: encoded.blobs.clone(),
            };
            let again = now(encoder.re_encode(Lane::Data, &before).unwrap());
            for encoded in [encoded, again] {
                let body = opened(encoded, Flags::none());
                let mut reader = body.reader();
                assert_eq!(reader.read::<String>().unwrap(), page.0);
                assert_eq!(reader.read::<Blob>().unwrap(), page.1);
            }
        }
    }
}
