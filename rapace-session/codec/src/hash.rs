//! A hash of a type, which is the same on both sides exactly if both sides have the same type.

use std::fmt;

use facet::{Facet, Shape};

use crate::schema::{TypeBody, TypeDef, TypeSchema, describe};
use crate::writer::to_vec;

/// The hash of a type's description.
///
/// It covers the wire format and the names: the kinds of scalars, the order and the names of fields and
/// variants, the names of structs and enums. It does not cover docs, modules, attributes without effect on the wire,
/// or which of several equivalent containers is used. Debug and release builds, and all machines, agree.
///
/// The hash is 128-bit FNV-1a over the postcard encoding of the description without its docs. It detects
/// accidental changes; it is no defence against someone who looks for collisions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Facet)]
pub struct SchemaHash(pub u128);

impl SchemaHash {
    /// The hash of several types in order, such as the arguments and the result of a method.
    pub fn combine(hashes: impl IntoIterator<Item = Self>) -> Self {
        let mut state = Fnv::new();
        for hash in hashes {
            state.add(&hash.0.to_le_bytes());
        }
        Self(state.0)
    }

    /// The hash of a name, to be combined with those of types.
    pub fn of_name(name: &str) -> Self {
        let mut state = Fnv::new();
        state.add(name.as_bytes());
        Self(state.0)
    }
}

impl fmt::Display for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for SchemaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SchemaHash({self})")
    }
}

impl From<&TypeSchema> for SchemaHash {
    fn from(schema: &TypeSchema) -> Self {
        let bare = TypeSchema {
            root: schema.root.clone(),
            types: schema.types.iter().map(without_docs).collect(),
        };
        let (bytes, _) = to_vec(&bare).expect("descriptions nest as deep as types in source code");
        let mut state = Fnv::new();
        state.add(&bytes);
        Self(state.0)
    }
}

/// The hash of a type's description, see [`SchemaHash`].
pub fn schema_hash(shape: &'static Shape) -> SchemaHash {
    SchemaHash::from(&describe(shape))
}

fn without_docs(def: &TypeDef) -> TypeDef {
    let mut def = def.clone();
    def.doc.clear();
    let fields = match &mut def.body {
        TypeBody::Struct(fields) => vec![fields],
        TypeBody::Enum(variants) => variants
            .iter_mut()
            .map(|variant| {
                variant.doc.clear();
                &mut variant.fields
            })
            .collect(),
    };
    for field in fields.into_iter().flat_map(|fields| &mut fields.fields) {
        field.doc.clear();
    }
    def
}

/// Fowler, Noll and Vo's hash, variant 1a, of 128 bits.
struct Fnv(u128);

impl Fnv {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    const fn new() -> Self {
        Self(Self::OFFSET)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u128::from(byte)).wrapping_mul(Self::PRIME);
        }
    }
}
