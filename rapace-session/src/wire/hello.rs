//! The hello, the first frame of each side: protocol version, name, stream window and services.
//!
//! - HL1: the first eight bytes, magic and version, are laid out the same in every version. The
//!   rest may change with the version, and is read only if the versions agree.
//! - HL2: the [limits](crate::wire::limits) of a hello are checked before anything that they bound
//!   is copied: its length before it is parsed, each count before memory is allocated for that
//!   many.

use facet::Facet;
use rapace_codec::{DecodeError, Limits, Reader};

use crate::wire::handshake_error::HandshakeError;
use crate::wire::limits::{self, HelloLimit, MAX_METHODS, MAX_SERVICES};
use crate::wire::offer::{MethodOffer, ServiceOffer};

/// The version of the protocol. Peers of different versions refuse each other.
pub const PROTOCOL_VERSION: u32 = 3;

/// The first bytes of every hello.
pub(crate) const MAGIC: [u8; 4] = *b"rpc\x01";

/// The first frame of a side, which describes it to the other.
#[derive(Clone, Debug, Facet, PartialEq, Eq)]
pub struct Hello {
    /// The name of the plugin or host, for messages to humans.
    pub name: String,
    /// How many items of a stream the other side may send before it is granted more.
    pub stream_window: u32,
    /// How many bytes of a stream may be in flight at first before the other side waits. One item may exceed that.
    pub stream_initial_bytes: u32,
    /// How large that window may become.
    pub stream_window_bytes: u32,
    /// How many bytes of requests may wait for their handlers on a channel at first before the other side waits. One
    /// request may exceed that.
    pub request_initial_bytes: u32,
    /// How large that window may become.
    pub request_window_bytes: u32,
    /// How many bytes the other side may have in fragments that no frame has taken yet.
    pub fragment_window_bytes: u32,
    /// The services that can be called on this side.
    pub services: Vec<ServiceOffer>,
    /// For how many microseconds this side polls for frames before it sleeps; a suggestion to the
    /// other side to do the same.
    pub spin_micros: u32,
}

/// Encodes a hello (HL1).
///
/// # Errors
/// [`HandshakeError::OwnHello`] if the hello exceeds a limit.
pub(crate) fn encode(hello: &Hello) -> Result<Vec<u8>, HandshakeError> {
    let ours = HandshakeError::OwnHello;
    limits::check_window(hello.stream_window).map_err(ours)?;
    for (field, bytes) in [
        (STREAM_INITIAL, hello.stream_initial_bytes),
        (STREAM_WINDOW, hello.stream_window_bytes),
        (REQUEST_INITIAL, hello.request_initial_bytes),
        (REQUEST_WINDOW, hello.request_window_bytes),
        (FRAGMENT_WINDOW, hello.fragment_window_bytes),
    ] {
        limits::check_window_bytes(field, bytes).map_err(ours)?;
    }
    limits::check_offers(&hello.services).map_err(ours)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    let body = rapace_codec::to_vec(hello);
    let (body, _) = body.map_err(|why| HandshakeError::Ended(why.to_string()))?;
    bytes.extend_from_slice(&body);
    limits::check_bytes(bytes.len()).map_err(ours)?;
    Ok(bytes)
}

/// Decodes a hello from a payload (HL1).
///
/// # Errors
/// Which of magic, version and body was wrong.
pub(crate) fn decode(bytes: &[u8]) -> Result<Hello, HandshakeError> {
    let (magic, rest) = bytes
        .split_first_chunk::<4>()
        .ok_or(HandshakeError::NotAPeer)?;
    if *magic != MAGIC {
        return Err(HandshakeError::NotAPeer);
    }
    let (version, body) = rest
        .split_first_chunk::<4>()
        .ok_or(HandshakeError::NotAPeer)?;
    let theirs = u32::from_le_bytes(*version);
    if theirs != PROTOCOL_VERSION {
        return Err(HandshakeError::Version {
            ours: PROTOCOL_VERSION,
            theirs,
        });
    }
    limits::check_bytes(bytes.len()).map_err(HandshakeError::Hello)?;
    read(body).map_err(|wrong| match wrong {
        Wrong::Bytes(why) => HandshakeError::BadHello(why.to_string()),
        Wrong::Limit(limit) => HandshakeError::Hello(limit),
    })
}

/// Why the body of a hello is refused.
enum Wrong {
    Bytes(DecodeError),
    Limit(HelloLimit),
}

impl From<DecodeError> for Wrong {
    fn from(why: DecodeError) -> Self {
        Self::Bytes(why)
    }
}

impl From<HelloLimit> for Wrong {
    fn from(limit: HelloLimit) -> Self {
        Self::Limit(limit)
    }
}

/// Reads a body field by field, in the order of the fields of [`Hello`] (HL2).
fn read(body: &[u8]) -> Result<Hello, Wrong> {
    let mut reader = Reader::new(body, &[], Limits::default());
    let name = reader.read::<String>()?;
    limits::check_name(&name, || "itself".to_owned())?;
    let stream_window = reader.read()?;
    limits::check_window(stream_window)?;
    let mut bytes = |field| -> Result<u32, Wrong> {
        let bytes = reader.read()?;
        limits::check_window_bytes(field, bytes)?;
        Ok(bytes)
    };
    let stream_initial_bytes = bytes(STREAM_INITIAL)?;
    let stream_window_bytes = bytes(STREAM_WINDOW)?;
    let request_initial_bytes = bytes(REQUEST_INITIAL)?;
    let request_window_bytes = bytes(REQUEST_WINDOW)?;
    let fragment_window_bytes = bytes(FRAGMENT_WINDOW)?;
    let count = reader.read::<u64>()?;
    if count > MAX_SERVICES as u64 {
        return Err(HelloLimit::Services { count }.into());
    }
    let mut services = Vec::new();
    for _ in 0..count {
        services.push(read_service(&mut reader)?);
    }
    let spin_micros = reader.read()?;
    reader.finish()?;
    limits::check_offers(&services)?;
    Ok(Hello {
        name,
        stream_window,
        stream_initial_bytes,
        stream_window_bytes,
        request_initial_bytes,
        request_window_bytes,
        fragment_window_bytes,
        services,
        spin_micros,
    })
}

/// The fields that are windows in bytes.
const STREAM_INITIAL: &str = "stream_initial_bytes";
const STREAM_WINDOW: &str = "stream_window_bytes";
const REQUEST_INITIAL: &str = "request_initial_bytes";
const REQUEST_WINDOW: &str = "request_window_bytes";
const FRAGMENT_WINDOW: &str = "fragment_window_bytes";

fn read_service(reader: &mut Reader<'_>) -> Result<ServiceOffer, Wrong> {
    let name = reader.read::<String>()?;
    limits::check_name(&name, || "a service".to_owned())?;
    let count = reader.read::<u64>()?;
    if count > MAX_METHODS as u64 {
        let service = name;
        return Err(HelloLimit::Methods { service, count }.into());
    }
    let mut methods = Vec::new();
    for _ in 0..count {
        methods.push(reader.read::<MethodOffer>()?);
    }
    Ok(ServiceOffer { name, methods })
}

#[cfg(test)]
mod tests {
    use facet::{Type, UserType};
    use rapace_layering::{assert_table, doc_comments};

    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");

    fn offer(methods: &[(&str, u64)]) -> ServiceOffer {
        ServiceOffer {
            name: "Markdown".into(),
            methods: methods
                .iter()
                .map(|(name, hash)| MethodOffer {
                    name: (*name).into(),
                    hash: *hash,
                })
                .collect(),
        }
    }

    #[test]
    fn a_hello_survives_its_bytes() {
        let hello = Hello {
            name: "markdown".into(),
            stream_window: 32,
            stream_initial_bytes: 4 << 20,
            stream_window_bytes: 4 << 20,
            request_initial_bytes: 4 << 20,
            request_window_bytes: 4 << 20,
            fragment_window_bytes: 256 << 20,
            services: vec![offer(&[("render", 1)])],
            spin_micros: 50,
        };
        assert_eq!(decode(&encode(&hello).unwrap()).unwrap(), hello);
    }

    /// The rows of a struct's fields, in the order in which postcard writes them.
    fn fields<'a, T: Facet<'a>>(of: &str, file: &str) -> Vec<String> {
        let file = format!("{}/src/wire/{file}", env!("CARGO_MANIFEST_DIR"));
        let docs = doc_comments(file).unwrap();
        let Type::User(UserType::Struct(shape)) = T::SHAPE.ty else {
            panic!("{} is no struct", T::SHAPE)
        };
        let row = |field: &facet::Field| {
            let name = field.name;
            let doc = &docs[&format!("{}::{name}", T::SHAPE)];
            format!("| {of} | `{name}` | `{}` | {doc} |", field.shape())
        };
        shape.fields.iter().map(row).collect()
    }

    #[test]
    fn the_page_has_the_bytes_of_a_hello() {
        let magic = MAGIC.map(|byte| format!("{byte:02x}")).join(" ");
        let (name, version) = MAGIC.split_at(3);
        let rows = [
            "| bytes of a hello | |".to_owned(),
            "|---|---|".to_owned(),
            format!(
                "| 0–3 | `{magic}`: `{}`, {} |",
                name.escape_ascii(),
                version[0]
            ),
            format!("| 4–7 | protocol version: {PROTOCOL_VERSION} |"),
            "| 8– | the fields of a hello, in postcard |".to_owned(),
        ];
        assert_table(PAGE, &rows.join("\n"));
        let mut rows = vec![
            "| of | field | type | meaning |".to_owned(),
            "|---|---|---|---|".to_owned(),
        ];
        rows.extend(fields::<Hello>("the hello", "hello.rs"));
        rows.extend(fields::<ServiceOffer>("each service", "offer.rs"));
        rows.extend(fields::<MethodOffer>("each method", "offer.rs"));
        assert_table(PAGE, &rows.join("\n"));
        let hello = Hello {
            name: "a".into(),
            stream_window: 1,
            stream_initial_bytes: 1,
            stream_window_bytes: 1,
            request_initial_bytes: 1,
            request_window_bytes: 1,
            fragment_window_bytes: 1,
            services: Vec::new(),
            spin_micros: 0,
        };
        let bytes = encode(&hello).unwrap();
        assert_eq!(
            bytes,
            [
                &MAGIC[..],
                &[3, 0, 0, 0],
                &[1, b'a', 1, 1, 1, 1, 1, 1, 0, 0]
            ]
            .concat()
        );
    }

    #[test]
    fn another_version_is_named_before_anything_else_is_read() {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&9u32.to_le_bytes());
        bytes.extend_from_slice(&[0xff; 3]);
        assert_eq!(
            decode(&bytes),
            Err(HandshakeError::Version {
                ours: PROTOCOL_VERSION,
                theirs: 9
            })
        );
        assert_eq!(decode(b"HTTP/1.1 400"), Err(HandshakeError::NotAPeer));
        assert_eq!(decode(b"rp"), Err(HandshakeError::NotAPeer));
    }
}
