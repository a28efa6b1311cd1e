//! The limits on hellos, texts, metadata, channels, streams and windows.
//!
//! - LM1: both sides have the same limits. A service is checked against them where it is declared,
//!   so that two well-behaved peers never exceed one in a handshake.
//! - LM2: what the peer sends is measured before it is parsed or copied.

use std::collections::HashSet;
use std::fmt;

use crate::wire::offer::ServiceOffer;
use crate::wire::printable::{is_plain, printable_name};

/// Bytes of a hello.
pub const MAX_HELLO: usize = 256 << 10;
/// Services in a hello, as many as there can be channels to services.
pub const MAX_SERVICES: usize = 256;
/// Channels to services that each side may have open.
pub const MAX_CHANNELS: u32 = 256;
/// Streams that each side may have open. An actor and its queue take some 7 KiB, so a peer that
/// opens streams and leaves them open can cost 28 MiB.
pub const MAX_STREAMS: u32 = 4096;
/// Items in the window of a stream, and calls in the window of a channel.
pub const MAX_WINDOW: u32 = 1 << 16;
/// Methods of one service.
pub const MAX_METHODS: usize = 1024;
/// Bytes of a name: of a peer, a service or a method.
pub const MAX_NAME: usize = 255;
/// Bytes of the metadata of one call, encoded.
pub const MAX_METADATA: usize = 64 << 10;
/// Bytes of a text: the reason for a refusal or an end, or the message of a failed call. Enough for
/// the message of a panic, and little enough to cost nothing.
pub const MAX_TEXT: usize = 4096;

/// The limit that a hello exceeds, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HelloLimit {
    /// The whole hello is too long.
    Bytes {
        /// The bytes of the hello; for services that are only declared, the most that their hello
        /// can have.
        bytes: usize,
    },
    /// There are too many services.
    Services {
        /// The number of them.
        count: u64,
    },
    /// A service has too many methods.
    Methods {
        /// The service.
        service: String,
        /// The number of them.
        count: u64,
    },
    /// A name is empty or too long.
    Name {
        /// What has the name.
        of: String,
        /// The bytes of the name.
        bytes: usize,
    },
    /// A name has control characters, such as line breaks and escape sequences.
    Unprintable {
        /// What has the name.
        of: String,
        /// The name, escaped.
        name: String,
    },
    /// Two services have the same name.
    ServiceTwice {
        /// The name.
        service: String,
    },
    /// Two methods of a service have the same name.
    MethodTwice {
        /// The service.
        service: String,
        /// The method's name.
        method: String,
    },
    /// A stream's window is 0 or too large.
    StreamWindow {
        /// The window.
        items: u32,
    },
    /// A window has no bytes.
    NoWindowBytes {
        /// The field of the [`SessionConfig`](crate::SessionConfig) and of the hello.
        field: &'static str,
    },
}

impl fmt::Display for HelloLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { bytes } => write!(
                f,
                "takes {bytes} bytes; a hello may take at most {MAX_HELLO}"
            ),
            Self::Services { count } => write!(
                f,
                "lists {count} services; a hello may list at most {MAX_SERVICES}"
            ),
            Self::Methods { service, count } => write!(
                f,
                "lists {count} methods of service `{service}`; a service may have at most {MAX_METHODS}"
            ),
            Self::Name { of, bytes } => write!(
                f,
                "has a name of {bytes} bytes for {of}; a name has 1 to {MAX_NAME}"
            ),
            Self::Unprintable { of, name } => write!(
                f,
                "has the name `{name}` for {of}; a name is one line of printable characters"
            ),
            Self::ServiceTwice { service } => write!(
                f,
                "lists two services called `{service}`; give one of them another name"
            ),
            Self::MethodTwice { service, method } => {
                write!(f, "lists two methods `{service}::{method}`")
            }
            Self::StreamWindow { items } => write!(
                f,
                "has a stream window of {items} items; 1 to {MAX_WINDOW} are possible"
            ),
            Self::NoWindowBytes { field } => write!(
                f,
                "has a window of 0 bytes, `{field}`; give it 1 or more, since one item or request may exceed it"
            ),
        }
    }
}

impl std::error::Error for HelloLimit {}

/// Checks services and their methods, by name, against the limits of a hello (LM1).
///
/// # Errors
/// The first limit that they exceed.
pub fn check_services<'a, M: IntoIterator<Item = &'a str>>(
    services: impl IntoIterator<Item = (&'a str, M)>,
) -> Result<(), HelloLimit> {
    let mut names = HashSet::new();
    let mut bytes = BESIDES;
    for (service, methods) in services {
        check_name(service, || "a service".to_owned())?;
        if !names.insert(service) {
            let service = service.to_owned();
            return Err(HelloLimit::ServiceTwice { service });
        }
        bytes += check_methods(service, methods)?;
    }
    let count = names.len();
    if count > MAX_SERVICES {
        let count = count as u64;
        return Err(HelloLimit::Services { count });
    }
    check_bytes(bytes)
}

/// Checks offers, as [`check_services`] does.
///
/// # Errors
/// The first limit that they exceed.
pub fn check_offers(offers: &[ServiceOffer]) -> Result<(), HelloLimit> {
    check_services(offers.iter().map(|offer| {
        let methods = offer.methods.iter().map(|method| &*method.name);
        (&*offer.name, methods)
    }))
}

/// Checks the methods of a service against the limits, and returns the most bytes that the service
/// takes in a hello.
fn check_methods<'a>(
    service: &str,
    methods: impl IntoIterator<Item = &'a str>,
) -> Result<usize, HelloLimit> {
    let mut names = HashSet::new();
    let mut bytes = service.len() + 2 * COUNT;
    for method in methods {
        check_name(method, || format!("a method of service `{service}`"))?;
        if !names.insert(method) {
            return Err(HelloLimit::MethodTwice {
                service: service.to_owned(),
                method: method.to_owned(),
            });
        }
        bytes += method.len() + COUNT + HASH;
    }
    match names.len() {
        0..=MAX_METHODS => Ok(bytes),
        count => Err(HelloLimit::Methods {
            service: service.to_owned(),
            count: count as u64,
        }),
    }
}

pub(crate) fn check_name(name: &str, of: impl Fn() -> String) -> Result<(), HelloLimit> {
    match name.len() {
        1..=MAX_NAME if is_plain(name) => Ok(()),
        1..=MAX_NAME => Err(HelloLimit::Unprintable {
            of: of(),
            name: printable_name(name),
        }),
        bytes => Err(HelloLimit::Name { of: of(), bytes }),
    }
}

pub(crate) fn check_bytes(bytes: usize) -> Result<(), HelloLimit> {
    match bytes <= MAX_HELLO {
        true => Ok(()),
        false => Err(HelloLimit::Bytes { bytes }),
    }
}

pub(crate) fn check_window(items: u32) -> Result<(), HelloLimit> {
    match (1..=MAX_WINDOW).contains(&items) {
        true => Ok(()),
        false => Err(HelloLimit::StreamWindow { items }),
    }
}

pub(crate) fn check_window_bytes(field: &'static str, bytes: u32) -> Result<(), HelloLimit> {
    match bytes {
        0 => Err(HelloLimit::NoWindowBytes { field }),
        _ => Ok(()),
    }
}

/// Makes the name of a peer from any text: escaped, and truncated to the length of a name.
pub(crate) fn truncated_to_name(text: &str) -> String {
    let mut name = printable_name(text);
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
}

/// Most bytes of an encoded count or length within the limits.
const COUNT: usize = 3;
/// Most bytes of an encoded hash of a method.
const HASH: usize = 10;
/// Most bytes of a hello without its services.
const BESIDES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn services(count: usize, methods: usize) -> Vec<ServiceOffer> {
        let method = |number| crate::wire::offer::MethodOffer {
            name: format!("method {number}"),
            hash: u64::MAX,
        };
        let service = |number| ServiceOffer {
            name: format!("service {number}"),
            methods: (0..methods).map(method).collect(),
        };
        (0..count).map(service).collect()
    }

    #[test]
    fn the_limits_can_be_reached_and_not_passed() {
        assert_eq!(check_offers(&services(MAX_SERVICES, 40)), Ok(()));
        assert_eq!(check_offers(&services(4, MAX_METHODS)), Ok(()));
        let over = |offers: Vec<_>| check_offers(&offers).unwrap_err().to_string();
        let text = over(services(MAX_SERVICES + 1, 0));
        assert_eq!(text, "lists 257 services; a hello may list at most 256");
        let text = over(services(1, MAX_METHODS + 1));
        assert!(
            text.contains("1025 methods of service `service 0`"),
            "{text}"
        );
        let text = over(services(MAX_SERVICES, 100));
        assert!(text.contains("a hello may take at most 262144"), "{text}");
    }

    #[test]
    fn names_are_neither_empty_nor_too_long_nor_duplicated() {
        let named = |name: &str| {
            let mut one = services(2, 2);
            one[1].name = name.to_owned();
            check_offers(&one)
        };
        assert_eq!(named(&"x".repeat(MAX_NAME)), Ok(()));
        for wrong in ["", &"x".repeat(MAX_NAME + 1), "service 0"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
        let text = named("\u{1b}[2J").unwrap_err().to_string();
        let why = "has the name `\\u{1b}[2J` for a service; a name is one line";
        assert!(text.starts_with(why), "{text}");
        let mut twice = services(1, 2);
        twice[0].methods[1].name = "method 0".into();
        let text = check_offers(&twice).unwrap_err().to_string();
        assert!(text.contains("`service 0::method 0`"), "{text}");
    }

    #[test]
    fn a_long_name_of_a_peer_is_truncated_between_characters() {
        let long = "ä".repeat(200);
        assert_eq!(truncated_to_name(&long).len(), 254);
        assert_eq!(truncated_to_name("host"), "host");
        assert_eq!(truncated_to_name("two\nlines\tof it"), r"two\nlines\tof it");
    }

    /// The bytes counted for a declaration are never fewer than those that are sent.
    #[test]
    fn services_within_the_limits_when_declared_are_so_when_sent() {
        let counts = (1..=MAX_METHODS).collect::<Vec<_>>();
        let methods = counts.partition_point(|count| check_offers(&services(12, *count)).is_ok());
        let hello = crate::wire::hello::Hello {
            name: "x".repeat(MAX_NAME),
            stream_window: MAX_WINDOW,
            stream_initial_bytes: u32::MAX,
            stream_window_bytes: u32::MAX,
            request_initial_bytes: u32::MAX,
            request_window_bytes: u32::MAX,
            fragment_window_bytes: u32::MAX,
            services: services(12, methods),
            spin_micros: u32::MAX,
        };
        let sent = crate::wire::hello::encode(&hello).unwrap().len();
        assert!(sent <= MAX_HELLO, "{sent}");
        assert!(
            sent > MAX_HELLO * 9 / 10,
            "{sent}: the estimate is too coarse"
        );
    }
}
