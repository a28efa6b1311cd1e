//! The frames that a script names.

use rapace_codec::to_vec;
use rapace_session::{
    CallId, ChannelId, Flags, Frame, FrameType, Header, Hello, PROTOCOL_VERSION, Payload,
    ServiceOffer,
};

use crate::body::{Body, Built};
use crate::limits::{MAX_PAYLOAD, WIDE};
use crate::part::Number;
use crate::script::Sent;

/// The services of this side, by the number of a script, and one that it does not have.
pub(crate) const SERVICES: [&str; 4] = ["Fast", "Slow", "Full", "Unknown"];

impl Sent {
    /// The frame. `oldest` is the oldest request of this side that has no reply.
    pub(crate) fn frame(&self, oldest: Option<&Header>) -> Option<Frame> {
        Some(match self {
            Self::Hello {
                name,
                items,
                first,
                most,
                fragments,
                services,
                cut,
            } => {
                let name = String::from_utf8_lossy(&name.0).into_owned();
                let mut bytes = hello(name, items.0, (first.0, most.0), fragments.0, *services);
                bytes.truncate(bytes.len() - bytes.len().min((*cut).into()));
                with_bytes(Header::new(FrameType::Hello, ChannelId::SESSION), bytes)
            }
            Self::Welcome => session(FrameType::Welcome, &[]),
            Self::Refuse { text } => session(FrameType::Refuse, &text.0),
            Self::Open { channel, service } => {
                let name = SERVICES[usize::from(*service) % SERVICES.len()];
                with_bytes(on(FrameType::Open, *channel), name.into())
            }
            Self::Opened { channel, window } => {
                let mut header = on(FrameType::Opened, *channel);
                header.credits = window.0;
                Frame::bare(header)
            }
            Self::NotOpened { channel, text } => {
                with_bytes(on(FrameType::NotOpened, *channel), text.0.clone())
            }
            Self::Request {
                channel,
                index,
                generation,
                method,
                flags,
                millis,
                stream,
                body,
            } => {
                let mut header = on(FrameType::Request, *channel);
                header.call = call(*index, *generation);
                header.method = method.0;
                header.credits = millis.0;
                with_body(header, body.build(*flags, stream.0))
            }
            Self::Reply {
                status,
                credits,
                body,
            } => {
                let asked = oldest?;
                reply(asked.channel, asked.call, *status, *credits, body)
            }
            Self::ReplyTo {
                channel,
                index,
                generation,
                status,
                credits,
                body,
            } => {
                let call = call(*index, *generation);
                reply(ChannelId(channel.0), call, *status, *credits, body)
            }
            Self::Cancel { index, generation } => {
                let mut header = Header::new(FrameType::Cancel, ChannelId::SESSION);
                header.call = call(*index, *generation);
                Frame::bare(header)
            }
            Self::Credit {
                channel,
                credits,
                bytes,
            } => {
                let mut header = on(FrameType::Credit, *channel);
                header.credits = credits.0;
                header.method = bytes.0;
                Frame::bare(header)
            }
            Self::Item { channel, body } => {
                with_body(on(FrameType::Item, *channel), body.build(0, 0))
            }
            Self::End { channel } => Frame::bare(on(FrameType::End, *channel)),
            Self::Stop { channel } => Frame::bare(on(FrameType::Stop, *channel)),
            Self::Reset { channel, text } => {
                with_bytes(on(FrameType::Reset, *channel), text.0.clone())
            }
            Self::Drain => session(FrameType::Drain, &[]),
            Self::Close { text } => session(FrameType::Close, &text.0),
            Self::Ready => session(FrameType::Ready, &[]),
            Self::CloseChannel { channel, text } => {
                with_bytes(on(FrameType::CloseChannel, *channel), text.0.clone())
            }
            Self::Fragment { id, length, piece } => {
                let piece = (piece.0 as usize).min(MAX_PAYLOAD);
                fragment(id.0, length.0, vec![7; piece])
            }
            Self::DropFragments { id } => {
                let mut header = Header::new(FrameType::DropFragments, ChannelId::SESSION);
                header.method = id.0;
                Frame::bare(header)
            }
            Self::Raw {
                frame_type,
                flags,
                channel,
                index,
                generation,
                method,
                credits,
                payload,
            } => {
                // A transport refuses frame types and flags that are unknown.
                let mut header = on(FrameType::from_byte(1 + frame_type % 20)?, *channel);
                header.flags = Flags::from_bits(flags % 64)?;
                header.call = call(*index, *generation);
                header.method = method.0;
                header.credits = credits.0;
                with_bytes(header, payload.0.clone())
            }
        })
    }

    /// The frame of this kind that is `by` numbers after this one.
    pub(crate) fn later(&self, by: u32) -> Self {
        let mut later = self.clone();
        let add = |number: &mut Number, by: u32| number.0 = number.0.wrapping_add(by);
        match &mut later {
            Self::Open { channel, .. } => add(channel, 2 * by),
            Self::Request { index, stream, .. } => {
                add(index, by);
                add(stream, 2 * by);
            }
            Self::Cancel { index, .. } | Self::ReplyTo { index, .. } => add(index, by),
            Self::Fragment { id, .. } | Self::DropFragments { id } => add(id, by),
            Self::Raw { index, channel, .. } => {
                add(index, by);
                add(channel, 2 * by);
            }
            _ => {}
        }
        later
    }
}

/// The fragments of a transfer, without the last `lacks` bytes.
pub(crate) fn transfer(id: u32, content: &[u8], piece: Number, lacks: u8) -> Vec<Frame> {
    let sent = &content[..content.len() - content.len().min(lacks.into())];
    let piece = (piece.0 as usize).clamp(1 + sent.len() / 64, MAX_PAYLOAD);
    let pieces = sent.chunks(piece);
    pieces
        .map(|piece| fragment(id, content.len() as u32, piece.to_vec()))
        .collect()
}

/// The hello of a peer with wide or narrow windows.
pub(crate) fn usual_hello(wide: bool) -> Frame {
    let size = if wide { WIDE } else { 1 };
    let bytes = hello("peer".into(), size, (size, size), size, 2);
    with_bytes(Header::new(FrameType::Hello, ChannelId::SESSION), bytes)
}

pub(crate) fn session(frame_type: FrameType, text: &[u8]) -> Frame {
    with_bytes(Header::new(frame_type, ChannelId::SESSION), text.to_vec())
}

/// Makes a frame with this payload, in a buffer if it is too long for the frame itself.
pub(crate) fn with_bytes(header: Header, bytes: Vec<u8>) -> Frame {
    with_body(
        header,
        Built {
            bytes,
            ..Built::default()
        },
    )
}

fn with_body(mut header: Header, built: Built) -> Frame {
    header.flags = header.flags.and(built.flags);
    let payload = match Payload::inline(&built.bytes) {
        Some(payload) => payload,
        None => Payload::Buffer(built.bytes.into()),
    };
    Frame {
        header,
        payload,
        blobs: built.blobs,
    }
}

fn hello(name: String, items: u32, bytes: (u32, u32), fragments: u32, services: u8) -> Vec<u8> {
    // Different names, or one several times.
    let names = (0..services % 4).map(|number| match SERVICES.get(usize::from(number)) {
        Some(name) if services < 128 => (*name).to_owned(),
        _ => SERVICES[0].to_owned(),
    });
    let offer = |name| ServiceOffer {
        name,
        methods: Vec::new(),
    };
    let hello = Hello {
        name,
        stream_window: items,
        stream_initial_bytes: bytes.0,
        stream_window_bytes: bytes.1,
        request_initial_bytes: bytes.0,
        request_window_bytes: bytes.1,
        fragment_window_bytes: fragments,
        services: names.map(offer).collect(),
        spin_micros: 0,
    };
    let mut all = b"rpc\x01".to_vec();
    all.extend(PROTOCOL_VERSION.to_le_bytes());
    all.extend(to_vec(&hello).expect("a hello").0);
    all
}

fn on(frame_type: FrameType, channel: Number) -> Header {
    Header::new(frame_type, ChannelId(channel.0))
}

fn call(index: Number, generation: Number) -> CallId {
    CallId {
        index: index.0,
        generation: generation.0,
    }
}

pub(crate) fn reply(
    channel: ChannelId,
    call: CallId,
    status: Number,
    credits: Number,
    body: &Body,
) -> Frame {
    let mut header = Header::new(FrameType::Reply, channel);
    header.call = call;
    header.method = status.0;
    header.credits = credits.0;
    with_body(header, body.build(0, 0))
}

fn fragment(id: u32, length: u32, piece: Vec<u8>) -> Frame {
    let mut header = Header::new(FrameType::Fragment, ChannelId::SESSION);
    header.method = id;
    header.credits = length;
    with_bytes(header, piece)
}
