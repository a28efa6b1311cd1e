//! A service described: names, docs, shapes, and the hashes that two sides compare.

use facet::Shape;
use rapace_codec::RefusedType;
use rapace_session::{HelloLimit, MethodOffer, ServiceOffer};

/// A service, as its trait was written.
#[derive(Debug)]
pub struct ServiceDescriptor {
    /// The name on the wire.
    pub name: &'static str,
    /// The trait's docs, a line each.
    pub doc: &'static [&'static str],
    /// The methods; the position of each is its number.
    pub methods: &'static [MethodDescriptor],
}

/// One method.
#[derive(Debug)]
pub struct MethodDescriptor {
    /// Its name.
    pub name: &'static str,
    /// Its docs, a line each.
    pub doc: &'static [&'static str],
    /// Whether it may run twice.
    pub idempotent: bool,
    /// Its arguments in order, without a stream among them.
    pub arguments: &'static [ArgumentDescriptor],
    /// What it gives; `()` for a stream.
    pub ok: &'static Shape,
    /// Its own error.
    pub error: Option<&'static Shape>,
    /// Items of the stream that it takes.
    pub items_in: Option<&'static Shape>,
    /// Items of the stream that it gives.
    pub items_out: Option<&'static Shape>,
}

/// One argument.
#[derive(Debug)]
pub struct ArgumentDescriptor {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub shape: &'static Shape,
}

/// Why services cannot be offered or called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusedService {
    /// A type in a service's methods cannot cross.
    #[error("`{service}::{method}` cannot be called: {why}")]
    Type {
        /// The service.
        service: &'static str,
        /// The method.
        method: &'static str,
        /// Which type, and why.
        why: RefusedType,
    },
    /// Two of one name, or more than a handshake can say.
    #[error("this side's hello {0}")]
    Limit(HelloLimit),
}

impl MethodDescriptor {
    /// Every type that the method sends or receives.
    fn shapes(&self) -> impl Iterator<Item = &'static Shape> {
        self.arguments
            .iter()
            .map(|argument| argument.shape)
            .chain([self.ok])
            .chain(self.error)
            .chain(self.items_in)
            .chain(self.items_out)
    }

    /// A hash over everything that changes the bytes on the wire, argument names included: who
    /// swaps two arguments of one type means another method.
    #[must_use]
    pub fn hash(&self) -> u64 {
        let mut hash = Fnv::new();
        for argument in self.arguments {
            hash.write(b"a");
            hash.write(argument.name.as_bytes());
            hash.shape(argument.shape);
        }
        for (tag, shape) in [
            (b"o", Some(self.ok)),
            (b"e", self.error),
            (b"i", self.items_in),
            (b"s", self.items_out),
        ] {
            if let Some(shape) = shape {
                hash.write(tag);
                hash.shape(shape);
            }
        }
        hash.0
    }
}

impl ServiceDescriptor {
    /// The name of the method of that number, for messages to humans.
    pub(crate) fn method_name(&self, method: u32) -> &'static str {
        let method = self.methods.get(method as usize);
        method.map_or("?", |method| method.name)
    }

    /// Whether the method of that number answers with a stream.
    pub(crate) fn gives_items(&self, method: u32) -> bool {
        let method = self.methods.get(method as usize);
        method.is_some_and(|method| method.items_out.is_some())
    }

    /// What is told to the other side at the handshake.
    #[must_use]
    pub fn offer(&self) -> ServiceOffer {
        ServiceOffer {
            name: self.name.to_owned(),
            methods: self
                .methods
                .iter()
                .map(|method| MethodOffer {
                    name: method.name.to_owned(),
                    hash: method.hash(),
                })
                .collect(),
        }
    }

    /// The names of its methods.
    pub(crate) fn method_names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(|method| method.name)
    }

    /// Checks that every type can cross; done once, where a service is declared to a host or a
    /// plugin, so that no call can fail for it.
    ///
    /// # Errors
    /// The first type that cannot, and why.
    pub fn check(&self) -> Result<(), RefusedService> {
        for method in self.methods {
            for shape in method.shapes() {
                rapace_codec::check_shape(shape).map_err(|why| RefusedService::Type {
                    service: self.name,
                    method: method.name,
                    why,
                })?;
            }
        }
        Ok(())
    }
}

/// FNV-1a, 64 bits: short, well known, the same everywhere.
struct Fnv(u64);

impl Fnv {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, bytes: &[u8]) {
        // The length keeps "ab", "c" apart from "a", "bc".
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn shape(&mut self, shape: &'static Shape) {
        self.write(rapace_codec::schema_hash(shape).to_string().as_bytes());
    }
}
