//! The buffer size that a handshake needs.

use crate::wire::hello::{self, Hello};
use crate::wire::limits::MAX_WINDOW;
use crate::wire::offer::ServiceOffer;

/// Returns the size that the largest buffer of a transport must have for the handshake, in bytes.
/// Each side is given by its name and the services that it provides.
#[must_use]
pub fn room_for_handshake(
    (name, provides): (&str, &[ServiceOffer]),
    (peer, requires): (&str, &[ServiceOffer]),
) -> usize {
    let hello = |name: &str, services: &[ServiceOffer]| {
        let hello = Hello {
            name: name.to_owned(),
            // The longest encoding.
            stream_window: MAX_WINDOW,
            stream_initial_bytes: u32::MAX,
            stream_window_bytes: u32::MAX,
            request_initial_bytes: u32::MAX,
            request_window_bytes: u32::MAX,
            fragment_window_bytes: u32::MAX,
            services: services.to_vec(),
            spin_micros: u32::MAX,
        };
        // A hello that cannot be encoded is another error.
        hello::encode(&hello).map_or(0, |bytes| bytes.len())
    };
    // `Open` carries the name of a service.
    let names = provides
        .iter()
        .chain(requires)
        .map(|service| service.name.len());
    let hellos = [hello(name, provides), hello(peer, requires)];
    hellos.into_iter().chain(names).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::offer::MethodOffer;

    #[test]
    fn a_handshake_needs_room_for_the_longer_hello() {
        let least = room_for_handshake(("", &[]), ("", &[]));
        assert!(least <= 64, "{least}: the smallest slots are too small");
        let service = |methods: usize| ServiceOffer {
            name: "Images".into(),
            methods: (0..methods)
                .map(|nth| MethodOffer {
                    name: format!("method_{nth}"),
                    hash: u64::MAX,
                })
                .collect(),
        };
        let few = room_for_handshake(("host", &[service(3)]), ("", &[]));
        assert!(few > least, "{few}");
        let many = room_for_handshake(("host", &[service(3)]), ("", &[service(50)]));
        assert!(many > 50 * "method_00".len() && many < 4096, "{many}");
        let long_name = ServiceOffer {
            name: "a".repeat(200),
            methods: Vec::new(),
        };
        assert!(room_for_handshake(("", &[]), ("", &[long_name])) > 200);
    }
}
