//! What a shape is to this codec. Everything that looks at shapes asks here, so that what can be planned, what is
//! described to the peer and what is refused can never disagree.

mod collections;
mod entries;
mod scalars;

use std::any::TypeId;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use facet::{
    ArrayDef, Def, EnumRepr, EnumType, Field, FieldFlags, ListDef, MapDef, Opaque, OpaqueBorrow,
    OptionDef, PointerDef, ResultDef, SetDef, Shape, SliceDef, StructType, Type, UserType,
};

pub(crate) use self::collections::is_ordered;
use self::collections::{list, map, pointer, set};
pub(crate) use self::entries::{Entries, entries};
use self::scalars::{non_zero, owned, scalar_kind};
use crate::{Blob, Timestamp};

/// A shape, as something that can cross.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Scalar(Scalar),
    NonZero(Scalar),
    String,
    /// `Box<str>` or `Arc<str>`.
    Text(Owner),
    /// `Box<[u8]>` or `Arc<[u8]>`.
    Bytes(Owner),
    Duration,
    Time,
    Path,
    Blob,
    Struct(&'static StructType),
    Enum(&'static EnumType),
    Option(&'static OptionDef),
    Result(&'static ResultDef),
    List(&'static ListDef),
    /// A list that gives and takes its elements one by one.
    Queue(&'static ListDef),
    Array(&'static ArrayDef),
    Map(&'static MapDef),
    Set(&'static SetDef),
    /// `Box<T>` or `Arc<T>`.
    Pointer(&'static PointerDef, &'static Shape),
    /// `Box<[T]>` or `Arc<[T]>`.
    Slice(&'static PointerDef, &'static SliceDef),
}

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Char,
    U8,
    U16,
    U32,
    U64,
    U128,
    Usize,
    I8,
    I16,
    I32,
    I64,
    I128,
    Isize,
    F32,
    F64,
}

/// A pointer that owns what it points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    Box,
    Arc,
}

/// Why a shape cannot cross, and what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: &'static str,
    pub(crate) way_out: &'static str,
}

const fn refuse<T>(reason: &'static str, way_out: &'static str) -> Result<T, Refusal> {
    Err(Refusal { reason, way_out })
}

/// Says what `shape` is, looking no further than the shape itself.
pub(crate) fn kind_of(shape: &'static Shape) -> Result<Kind, Refusal> {
    if is::<Blob>(shape) {
        return Ok(Kind::Blob);
    }
    if is::<Duration>(shape) {
        return Ok(Kind::Duration);
    }
    if is::<Timestamp>(shape) || is_opaque::<SystemTime>(shape) {
        return Ok(Kind::Time);
    }
    if is::<PathBuf>(shape) {
        return Ok(Kind::Path);
    }
    if is_opaque::<Instant>(shape) {
        return refuse(
            "it means nothing outside this process",
            "send a `Timestamp`, or a `Duration` since a moment both sides know",
        );
    }
    if let Some(owned) = owned(shape) {
        return Ok(owned);
    }
    if let Some(scalar) = non_zero(shape) {
        return Ok(Kind::NonZero(scalar));
    }
    attributes(shape)?;
    if let Some(scalar) = shape.scalar_type() {
        return scalar_kind(scalar);
    }
    match &shape.def {
        Def::Option(def) => Ok(Kind::Option(def)),
        Def::Result(def) => Ok(Kind::Result(def)),
        Def::List(def) => list(def),
        Def::Array(def) => Ok(Kind::Array(def)),
        Def::Map(def) => map(shape, def),
        Def::Set(def) => set(shape, def),
        Def::Pointer(def) => pointer(def),
        Def::Scalar if is_phantom(shape) => Ok(Kind::Struct(&StructType::UNIT)),
        Def::Undefined => user(shape),
        Def::Scalar => foreign(shape),
        Def::Slice(_) | Def::NdArray(_) | Def::DynamicValue(_) => refuse(
            "it has no fixed description",
            "send a `Vec`, or an enum of what it may be",
        ),
        _ => refuse(
            "facet describes it in a way that is not known here",
            "wrap what it holds in a struct",
        ),
    }
}

/// Attributes that change what is on the wire, or what may be in memory, in ways that postcard cannot express.
fn attributes(shape: &'static Shape) -> Result<(), Refusal> {
    if shape.is_untagged() || shape.is_numeric() || shape.tag.is_some() || shape.content.is_some() {
        return refuse(
            "the attributes `untagged`, `tag`, `content` and `is_numeric` are for self-describing formats",
            "remove the attribute; a variant's number is sent",
        );
    }
    if shape.has_any_proxy() {
        return refuse("it is sent through a proxy", "send the proxy type itself");
    }
    if shape.has_opaque_adapter() {
        return refuse(
            "only its own adapter knows what it holds",
            "send a `Blob` or a described type",
        );
    }
    if shape.is_metadata_container() {
        return refuse(
            "it carries metadata beside its value",
            "send the value, or a plain struct",
        );
    }
    if shape.builder_shape.is_some() {
        return refuse(
            "it is built through another type",
            "send a `Blob` or a `Vec`",
        );
    }
    Ok(())
}

/// Whether a field can be part of what crosses, whatever its type.
pub(crate) fn check_field(field: &'static Field) -> Result<(), Refusal> {
    if field.is_flattened() {
        return refuse(
            "`flatten` is for formats with field names",
            "let the field be a field",
        );
    }
    let skipped = FieldFlags::SKIP
        .union(FieldFlags::SKIP_SERIALIZING)
        .union(FieldFlags::SKIP_DESERIALIZING);
    if !field.flags.intersection(skipped).is_empty() {
        return refuse(
            "a field that is skipped leaves a hole that the receiver cannot fill",
            "send a type without the field",
        );
    }
    if field.has_any_proxy() {
        return refuse(
            "the field is sent through a proxy",
            "give the field the proxy type",
        );
    }
    if field.is_metadata() {
        return refuse("the field is metadata", "remove the attribute");
    }
    if field.invariants.is_some() || field.attributes.iter().any(|a| a.ns == Some("validate")) {
        return refuse(
            "the field has a validator of its own",
            "put `#[facet(invariants = ...)]` on the type",
        );
    }
    Ok(())
}

fn user(shape: &'static Shape) -> Result<Kind, Refusal> {
    match &shape.ty {
        Type::User(UserType::Struct(def)) if def.repr.packed => {
            refuse("its fields are not aligned", "remove `repr(packed)`")
        }
        Type::User(UserType::Struct(def)) => Ok(Kind::Struct(def)),
        Type::User(UserType::Enum(def)) if def.is_cow => {
            refuse("it may borrow what it shows", "send the owned type")
        }
        Type::User(UserType::Enum(def)) => enumeration(def),
        Type::User(UserType::Union(_)) => {
            refuse("a union does not say what it holds", "send an enum")
        }
        Type::Pointer(_) => refuse(
            "a reference or function pointer means nothing in another process",
            "send what it points to; for a callback, call a service of the other side",
        ),
        _ => refuse(
            "facet cannot see into it",
            "derive `Facet` for it without `opaque`, or send a `Blob`; for a `VecDeque`, a `Deque`",
        ),
    }
}

fn enumeration(def: &'static EnumType) -> Result<Kind, Refusal> {
    if matches!(def.enum_repr, EnumRepr::Rust | EnumRepr::RustNPO) {
        return refuse("its discriminant has no fixed place", "add `#[repr(u8)]`");
    }
    if def.variants.is_empty() {
        return refuse("it has no values", "send `()`");
    }
    if def
        .variants
        .iter()
        .any(|variant| variant.discriminant.is_none())
    {
        return refuse(
            "facet does not know its discriminants",
            "use literals for them",
        );
    }
    Ok(Kind::Enum(def))
}

fn foreign(shape: &'static Shape) -> Result<Kind, Refusal> {
    match shape.type_identifier {
        "Range" => refuse("facet cannot build it", "send the two ends as fields"),
        "Infallible" => refuse(
            "it has no values",
            "leave it out; send an `Ok` without its `Result`",
        ),
        _ => refuse(
            "facet cannot see into it",
            "send text, bytes or a struct that holds the same",
        ),
    }
}

/// By name, since there is one for each type. Other scalars without fields are not to be made up:
/// facet describes `Infallible` like a unit struct.
fn is_phantom(shape: &Shape) -> bool {
    shape.type_identifier == "PhantomData" && shape.module_path == Some("core::marker")
}

/// What `#[facet(opaque)]` makes of a field of type `T`; laid out as a `T`.
fn is_opaque<T: 'static>(shape: &Shape) -> bool {
    is::<OpaqueBorrow<'static, T>>(shape) || is::<Opaque<T>>(shape)
}

fn is<T: ?Sized + 'static>(shape: &Shape) -> bool {
    shape.id.get() == TypeId::of::<T>()
}
