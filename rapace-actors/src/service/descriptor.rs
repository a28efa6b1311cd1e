//! The description of a service: names, docs, shapes, and the hashes that the two sides compare.

use facet::Shape;
use rapace_codec::RefusedType;
use rapace_session::{HelloLimit, MethodOffer, ServiceOffer};

/// Describes a service, as written in its trait.
#[derive(Debug)]
pub struct ServiceDescriptor {
    /// The name on the wire.
    pub name: &'static str,
    /// The trait's docs, one entry per line.
    pub doc: &'static [&'static str],
    /// The methods; the index of each is its method number.
    pub methods: &'static [MethodDescriptor],
}

/// One method.
#[derive(Debug)]
pub struct MethodDescriptor {
    /// Its name.
    pub name: &'static str,
    /// Its docs, one entry per line.
    pub doc: &'static [&'static str],
    /// Whether it is idempotent: safe to run twice.
    pub idempotent: bool,
    /// Its arguments in order, except for a stream.
    pub arguments: &'static [ArgumentDescriptor],
    /// Its success type; `()` for a stream.
    pub ok: &'static Shape,
    /// Its error type.
    pub error: Option<&'static Shape>,
    /// The item type of the stream that it takes.
    pub items_in: Option<&'static Shape>,
    /// The item type of the stream that it returns.
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

/// Why a service can be neither provided nor called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusedService {
    /// A type in a method's signature cannot be serialized.
    #[error("`{service}::{method}` cannot be called: {why}")]
    Type {
        /// The service.
        service: &'static str,
        /// The method.
        method: &'static str,
        /// The type, and the reason.
        why: RefusedType,
    },
    /// Two services have the same name, or there are more than a handshake can carry.
    #[error("this side's hello {0}")]
    Limit(HelloLimit),
}

impl RefusedService {
    /// The text that a host gets from its plugin, and reads after "the other side refused".
    pub(crate) fn text_for_host(&self) -> String {
        match self {
            Self::Limit(limit) => format!("its hello {limit}"),
            Self::Type { .. } => self.to_string(),
        }
    }
}

impl MethodDescriptor {
    /// Returns every type that the method sends or receives.
    fn shapes(&self) -> impl Iterator<Item = &'static Shape> {
        self.arguments
            .iter()
            .map(|argument| argument.shape)
            .chain([self.ok])
            .chain(self.error)
            .chain(self.items_in)
            .chain(self.items_out)
    }

    /// Returns a hash over everything that determines the bytes on the wire, argument names included: swapping
    /// two arguments of the same type makes another method.
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
    /// Returns the name of the method with this number, for logs and error texts.
    pub(crate) fn method_name(&self, method: u32) -> &'static str {
        let method = self.methods.get(method as usize);
        method.map_or("?", |method| method.name)
    }

    /// Whether the method with this number returns a stream.
    pub(crate) fn gives_items(&self, method: u32) -> bool {
        let method = self.methods.get(method as usize);
        method.is_some_and(|method| method.items_out.is_some())
    }

    /// Returns what the handshake tells the peer about this service.
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

    /// Returns the names of its methods.
    pub(crate) fn method_names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(|method| method.name)
    }

    /// Checks that every type can be serialized. Runs once, when a service is declared to a host or a plugin,
    /// so that no call can fail for this reason.
    ///
    /// # Errors
    /// The first type that cannot be serialized, and why.
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
        // The length distinguishes "ab", "c" from "a", "bc".
        for byte in (bytes.len() as u64).to_le_bytes().iter().chain(bytes) {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn shape(&mut self, shape: &'static Shape) {
        self.write(rapace_codec::schema_hash(shape).to_string().as_bytes());
    }
}
