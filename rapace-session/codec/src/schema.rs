//! The description of a type's encoding, as a value that can itself be sent.
//!
//! - S1: the description follows the encoding: pointers (`Box`, `Arc`) are described as what they point to, a `HashMap` as
//!   a map like a `BTreeMap`.
//! - S2: structs and enums are listed once, in the order in which they first occur, and referred to by number. So
//!   a type may contain itself.
//! - S3: nothing depends on addresses, type identities, module paths or the order of hash tables.

use std::any::TypeId;
use std::collections::HashMap;

use facet::{Def, Facet, Field, Shape, StructKind};

use crate::kind::{Kind, Scalar, kind_of};

/// The description of a type: itself, and the structs and enums that it is made of.
///
/// ```
/// use facet::Facet;
/// use rapace_codec::{describe, TypeRef};
///
/// /// A tree of names.
/// #[derive(Facet)]
/// struct Tree {
///     name: String,
///     branches: Vec<Tree>,
/// }
///
/// let schema = describe(Tree::SHAPE);
/// assert_eq!(schema.root, TypeRef::Named(0));
/// assert_eq!(schema.types[0].doc, "A tree of names.");
/// # let rapace_codec::TypeBody::Struct(fields) = &schema.types[0].body else { unreachable!() };
/// # assert_eq!(fields.fields[1].ty, TypeRef::List(Box::new(TypeRef::Named(0))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
pub struct TypeSchema {
    /// The described type.
    pub root: TypeRef,
    /// The structs and enums, in the order in which they occur.
    pub types: Vec<TypeDef>,
}

/// A type where it is used.
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
#[repr(u8)]
#[non_exhaustive]
pub enum TypeRef {
    /// A truth value: one byte, 0 or 1.
    Bool,
    /// A character: text of one Unicode scalar value.
    Char,
    /// One byte.
    U8,
    /// A varint of up to 16 bits.
    U16,
    /// A varint of up to 32 bits.
    U32,
    /// A varint of up to 64 bits; `usize` too.
    U64,
    /// A varint of up to 128 bits.
    U128,
    /// One byte, two's complement.
    I8,
    /// A folded varint of up to 16 bits.
    I16,
    /// A folded varint of up to 32 bits.
    I32,
    /// A folded varint of up to 64 bits; `isize` too.
    I64,
    /// A folded varint of up to 128 bits.
    I128,
    /// Four bytes, least significant first.
    F32,
    /// Eight bytes, least significant first.
    F64,
    /// UTF-8 text: its length in bytes, then the bytes.
    String,
    /// Seconds and nanoseconds, as two varints.
    Duration,
    /// The number of an attachment.
    Blob,
    /// An integer that is not zero.
    NonZero(Box<TypeRef>),
    /// A byte 0, or a byte 1 and the value.
    Option(Box<TypeRef>),
    /// The variant 0 and the first, or the variant 1 and the second.
    Result(Box<TypeRef>, Box<TypeRef>),
    /// The number of elements, then the elements.
    List(Box<TypeRef>),
    /// Like a list; no element twice.
    Set(Box<TypeRef>),
    /// A fixed number of elements.
    Array(Box<TypeRef>, u64),
    /// The number of entries, then key and value in turn.
    Map(Box<TypeRef>, Box<TypeRef>),
    /// One after the other. `()` is empty.
    Tuple(Vec<TypeRef>),
    /// The struct or enum of that number in [`TypeSchema::types`].
    Named(u32),
    /// Something that cannot cross, by name; see [`check_shape`](crate::check_shape).
    Refused(String),
    /// A point in time: the duration since the beginning of 1970.
    Time,
}

/// A struct or an enum.
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
pub struct TypeDef {
    /// Its name, without module or parameters; renamed if `#[facet(rename)]` says so.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Its fields or variants.
    pub body: TypeBody,
}

/// The fields of a struct, or the variants of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
#[repr(u8)]
#[non_exhaustive]
pub enum TypeBody {
    /// The fields, one after the other.
    Struct(Fields),
    /// The number of the variant as a varint, then its fields.
    Enum(Vec<VariantDef>),
}

/// The fields of a struct or of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
pub struct Fields {
    /// `true` if the fields have names. Fields without names are named by their numbers.
    pub named: bool,
    /// In order of declaration.
    pub fields: Vec<FieldDef>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
pub struct FieldDef {
    /// Its name; renamed if `#[facet(rename)]` says so.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Its type.
    pub ty: TypeRef,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq, Facet)]
pub struct VariantDef {
    /// Its name; renamed if `#[facet(rename)]` says so.
    pub name: String,
    /// Its doc comment.
    pub doc: String,
    /// Its fields; none for a unit variant.
    pub fields: Fields,
}

/// Describes a type. Parts that cannot cross are named as [`TypeRef::Refused`].
pub fn describe(shape: &'static Shape) -> TypeSchema {
    let mut book = Book {
        types: Vec::new(),
        numbers: HashMap::new(),
    };
    let root = book.refer(shape);
    TypeSchema {
        root,
        types: book.types.into_iter().flatten().collect(),
    }
}

struct Book {
    /// `None` while a type is being described.
    types: Vec<Option<TypeDef>>,
    numbers: HashMap<TypeId, u32>,
}

impl Book {
    fn refer(&mut self, shape: &'static Shape) -> TypeRef {
        let Ok(kind) = kind_of(shape) else {
            return TypeRef::Refused(shape.to_string());
        };
        match kind {
            Kind::Scalar(scalar) => scalar_ref(scalar),
            Kind::NonZero(scalar) => TypeRef::NonZero(Box::new(scalar_ref(scalar))),
            Kind::String | Kind::Text(_) | Kind::Path => TypeRef::String,
            Kind::Bytes(_) => TypeRef::List(Box::new(TypeRef::U8)),
            Kind::Duration => TypeRef::Duration,
            Kind::Time => TypeRef::Time,
            Kind::Blob => TypeRef::Blob,
            Kind::Option(def) => TypeRef::Option(self.boxed(def.t)),
            Kind::Result(def) => TypeRef::Result(self.boxed(def.t), self.boxed(def.e)),
            Kind::List(def) | Kind::Queue(def) => TypeRef::List(self.boxed(def.t)),
            Kind::Slice(_, def) => TypeRef::List(self.boxed(def.t)),
            Kind::Set(def) => TypeRef::Set(self.boxed(def.t)),
            Kind::Array(def) => TypeRef::Array(self.boxed(def.t), def.n as u64),
            Kind::Map(def) => TypeRef::Map(self.boxed(def.k), self.boxed(def.v)),
            Kind::Pointer(_, pointee) => self.refer(pointee),
            Kind::Struct(def)
                if def.kind == StructKind::Tuple || matches!(shape.def, Def::Scalar) =>
            {
                TypeRef::Tuple(
                    def.fields
                        .iter()
                        .map(|field| self.refer(field.shape()))
                        .collect(),
                )
            }
            Kind::Struct(def) => self.named(shape, |book| {
                TypeBody::Struct(book.fields(def.kind, def.fields))
            }),
            Kind::Enum(def) => self.named(shape, |book| {
                let variant = |variant: &facet::Variant| VariantDef {
                    name: variant.effective_name().to_owned(),
                    doc: doc(variant.doc),
                    fields: book.fields(variant.data.kind, variant.data.fields),
                };
                TypeBody::Enum(def.variants.iter().map(variant).collect())
            }),
        }
    }

    fn boxed(&mut self, shape: &'static Shape) -> Box<TypeRef> {
        Box::new(self.refer(shape))
    }

    fn named(
        &mut self,
        shape: &'static Shape,
        body: impl FnOnce(&mut Self) -> TypeBody,
    ) -> TypeRef {
        if let Some(&number) = self.numbers.get(&shape.id.get()) {
            return TypeRef::Named(number);
        }
        let number = self.types.len();
        self.types.push(None);
        let number_sent = u32::try_from(number).expect("a program has fewer types");
        self.numbers.insert(shape.id.get(), number_sent);
        let body = body(self);
        let name = shape.rename.unwrap_or(shape.type_identifier).to_owned();
        self.types[number] = Some(TypeDef {
            name,
            doc: doc(shape.doc),
            body,
        });
        TypeRef::Named(number_sent)
    }

    fn fields(&mut self, kind: StructKind, fields: &'static [Field]) -> Fields {
        let field = |field: &'static Field| FieldDef {
            name: field.effective_name().to_owned(),
            doc: doc(field.doc),
            ty: self.refer(field.shape()),
        };
        Fields {
            named: kind == StructKind::Struct,
            fields: fields.iter().map(field).collect(),
        }
    }
}

fn scalar_ref(scalar: Scalar) -> TypeRef {
    match scalar {
        Scalar::Bool => TypeRef::Bool,
        Scalar::Char => TypeRef::Char,
        Scalar::U8 => TypeRef::U8,
        Scalar::U16 => TypeRef::U16,
        Scalar::U32 => TypeRef::U32,
        Scalar::U64 | Scalar::Usize => TypeRef::U64,
        Scalar::U128 => TypeRef::U128,
        Scalar::I8 => TypeRef::I8,
        Scalar::I16 => TypeRef::I16,
        Scalar::I32 => TypeRef::I32,
        Scalar::I64 | Scalar::Isize => TypeRef::I64,
        Scalar::I128 => TypeRef::I128,
        Scalar::F32 => TypeRef::F32,
        Scalar::F64 => TypeRef::F64,
    }
}

/// Doc comments come line by line, each with the space that follows the slashes.
fn doc(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines
        .iter()
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect();
    lines.join("\n")
}
