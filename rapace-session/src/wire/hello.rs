//! The first frame of each side: who it is, what it speaks, what it serves.
//!
//! - H1: eight bytes, magic and version, are laid out the same in every version; what follows may
//!   change with the version and is read only if the versions agree.
//! - H6: a hello is held to its [limits](crate::wire::limits) before anything of it is copied that they bound: its length
//!   before it is parsed, each count before there is room for so many.
//! - H2: a service that we expect must be offered with the same methods, in whatever order; the answer names those
//!   that differ.

use std::fmt;

use facet::Facet;
use rapace_codec::{DecodeError, Limits, Reader};

use crate::wire::error::HandshakeError;
use crate::wire::limits::{self, HelloLimit, MAX_METHODS, MAX_SERVICES};

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
    /// Microseconds that this side looks for frames before it sleeps, and that the other might too.
    pub spin_micros: u32,
}

/// A service and the shape of its methods.
#[derive(Clone, Debug, Facet, PartialEq, Eq)]
pub struct ServiceOffer {
    /// Its name.
    pub name: String,
    /// Its methods, in the order of their numbers.
    pub methods: Vec<MethodOffer>,
}

/// A method, with a hash over its arguments, result and streams.
#[derive(Clone, Debug, Facet, PartialEq, Eq)]
pub struct MethodOffer {
    /// Its name.
    pub name: String,
    /// The hash. Equal hashes mean equal bytes on the wire.
    pub hash: u64,
}

/// A service that is expected and not offered as expected (H2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaMismatch {
    /// The service.
    pub service: String,
    /// What is wrong with it.
    pub kind: MismatchKind,
}

/// What is wrong with a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MismatchKind {
    /// It is not offered; these are.
    Missing {
        /// The services that are.
        offered: Vec<String>,
    },
    /// These methods differ in arguments, result, error or items, or exist on one side only.
    Methods {
        /// Expected here, missing there.
        missing: Vec<String>,
        /// Offered there, unknown here.
        unknown: Vec<String>,
        /// Known to both, and different.
        differing: Vec<String>,
    },
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            MismatchKind::Missing { offered } if offered.is_empty() => {
                write!(
                    f,
                    "service `{}` is not offered by the other side, which offers none; a host offers services with \
                     `PluginSpec::offers`, a plugin with `PluginMain::service`",
                    self.service
                )
            }
            MismatchKind::Missing { offered } => write!(
                f,
                "service `{}` is not offered by the other side, which offers: {}",
                self.service,
                listed(offered)
            ),
            MismatchKind::Methods {
                missing,
                unknown,
                differing,
            } => {
                write!(
                    f,
                    "service `{}` was built from another schema",
                    self.service
                )?;
                for (what, methods) in [
                    ("different on the two sides", differing),
                    ("missing on the other side", missing),
                    ("unknown on this side", unknown),
                ] {
                    if !methods.is_empty() {
                        write!(f, "; {what}: {}", listed(methods))?;
                    }
                }
                f.write_str("; build both sides from the same definition of the service")
            }
        }
    }
}

impl std::error::Error for SchemaMismatch {}

/// Names for a message: the first few, and how many there are besides.
pub(crate) fn listed(names: &[String]) -> String {
    match names.get(..LISTED) {
        Some(first) if names.len() > LISTED => {
            format!("{} and {} more", first.join(", "), names.len() - LISTED)
        }
        _ => names.join(", "),
    }
}

/// Names that a message lists.
const LISTED: usize = 32;

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

/// Holds what we expect against what is offered (H2).
///
/// # Errors
/// The first service that does not fit.
pub(crate) fn check(
    expected: &[ServiceOffer],
    offered: &[ServiceOffer],
) -> Result<(), SchemaMismatch> {
    expected
        .iter()
        .try_for_each(|service| check_one(service, offered))
}

fn check_one(expected: &ServiceOffer, offered: &[ServiceOffer]) -> Result<(), SchemaMismatch> {
    let mismatch = |kind| SchemaMismatch {
        service: expected.name.clone(),
        kind,
    };
    let Some(found) = offered.iter().find(|offer| offer.name == expected.name) else {
        let offered = offered.iter().map(|offer| offer.name.clone()).collect();
        return Err(mismatch(MismatchKind::Missing { offered }));
    };
    if found.methods == expected.methods {
        return Ok(());
    }
    let only_in = |here: &[MethodOffer], there: &[MethodOffer]| {
        here.iter()
            .filter(|method| there.iter().all(|other| other.name != method.name))
            .map(|method| method.name.clone())
            .collect::<Vec<_>>()
    };
    let differs = |method: &&MethodOffer| {
        let mut same_name = found.methods.iter().filter(|it| it.name == method.name);
        same_name.any(|there| there.hash != method.hash)
    };
    let differing = expected.methods.iter().filter(differs);
    let differing = differing
        .map(|method| method.name.clone())
        .collect::<Vec<_>>();
    let missing = only_in(&expected.methods, &found.methods);
    let unknown = only_in(&found.methods, &expected.methods);
    if missing.is_empty() && unknown.is_empty() && differing.is_empty() {
        // Their places are another matter: a call finds its method by name.
        return Ok(());
    }
    Err(mismatch(MismatchKind::Methods {
        missing,
        unknown,
        differing,
    }))
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

    #[test]
    fn a_mismatch_names_the_methods() {
        let ours = offer(&[("render", 1), ("links", 2), ("outline", 3)]);
        let theirs = offer(&[("render", 1), ("links", 9), ("toc", 4)]);
        let Err(found) = check(&[ours], &[theirs]) else {
            panic!("accepted")
        };
        assert_eq!(
            found.kind,
            MismatchKind::Methods {
                missing: vec!["outline".into()],
                unknown: vec!["toc".into()],
                differing: vec!["links".into()],
            }
        );
        assert!(found.to_string().contains("links"));
    }

    #[test]
    fn the_order_of_methods_is_no_difference_and_their_hashes_are() {
        let ours = [offer(&[("a", 1), ("b", 2)])];
        assert!(check(&ours, &[offer(&[("b", 2), ("a", 1)])]).is_ok());
        assert!(check(&ours, &[offer(&[("b", 1), ("a", 2)])]).is_err());
        assert!(check(&ours, &ours).is_ok());
    }

    #[test]
    fn a_message_lists_some_names_and_counts_the_others() {
        let names = (0..100).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&names[..3]), "0, 1, 2");
        assert!(listed(&names).ends_with("30, 31 and 68 more"));
        assert_eq!(listed(&names[..LISTED]), names[..LISTED].join(", "));
    }

    #[test]
    fn a_missing_service_lists_what_there_is() {
        let mut other = offer(&[]);
        other.name = "Search".into();
        let Err(found) = check(&[offer(&[])], &[other]) else {
            panic!("accepted")
        };
        assert!(found.to_string().contains("Search"), "{found}");
    }
}
