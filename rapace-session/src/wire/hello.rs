//! The first frame of each side: who it is, what it speaks, what it serves.
//!
//! - H1: eight bytes, magic and version, are laid out the same in every version; what follows may
//!   change with the version and is read only if the versions agree.
//! - H6: a hello is held to its [limits](crate::wire::limits) before anything of it is copied that they bound: its length
//!   before it is parsed, each count before there is room for so many.

use facet::Facet;
use rapace_codec::{DecodeError, Limits, Reader};

use crate::wire::handshake_error::HandshakeError;
use crate::wire::limits::{self, HelloLimit, MAX_METHODS, MAX_SERVICES};
use crate::wire::offer::{MethodOffer, ServiceOffer};

/// The protocol that this crate speaks. Peers of different versions refuse each other.
pub const PROTOCOL_VERSION: u32 = 1;

/// What every hello begins with.
pub(crate) const MAGIC: [u8; 4] = *b"rpc\x01";

/// What one side tells the other about itself.
#[derive(Clone, Debug, Facet, PartialEq, Eq)]
pub struct Hello {
    /// A name for messages to humans: the plugin's, the host's.
    pub name: String,
    /// How many items a stream's sender may send before it is granted more.
    pub stream_window: u32,
    /// Services that can be called on this side.
    pub services: Vec<ServiceOffer>,
    /// Microseconds that this side polls for frames before it sleeps, and that the other side may poll too.
    pub spin_micros: u32,
}

/// The hello as it travels (H1).
///
/// # Errors
/// [`HandshakeError::OwnHello`] if it is over a limit.
pub(crate) fn encode(hello: &Hello) -> Result<Vec<u8>, HandshakeError> {
    let ours = HandshakeError::OwnHello;
    limits::check_window(hello.stream_window).map_err(ours)?;
    limits::check_offers(&hello.services).map_err(ours)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&PROTOCOL_VERSION.to_le_bytes());
    let body = rapace_codec::to_vec(hello);
    let (body, _) = body.map_err(|why| HandshakeError::Ended(why.to_string()))?;
    bytes.extend_from_slice(&body);
    limits::check_bytes(bytes.len()).map_err(ours)?;
    Ok(bytes)
}

/// The hello in a payload (H1).
///
/// # Errors
/// Says which of magic, version and body was wrong.
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

/// What is wrong with a body.
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

/// Reads a body part by part, in the order of the fields of [`Hello`] (H6).
fn read(body: &[u8]) -> Result<Hello, Wrong> {
    let mut reader = Reader::new(body, &[], Limits::default());
    let name = reader.read::<String>()?;
    limits::check_name(&name, || "itself".to_owned())?;
    let stream_window = reader.read()?;
    limits::check_window(stream_window)?;
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
        services,
        spin_micros,
    })
}

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
    use super::*;

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
            services: vec![offer(&[("render", 1)])],
            spin_micros: 50,
        };
        assert_eq!(decode(&encode(&hello).unwrap()).unwrap(), hello);
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
