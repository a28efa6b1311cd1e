//! Decides what a shape is by itself, without regard to the types that it contains.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use facet::{Def, EnumRepr, EnumType, Shape, StructType, Type, UserType};

use super::collections::{list, map, pointer, set};
use super::scalars::{non_zero, owned, scalar_kind};
use super::types::{Kind, Refusal, is, is_opaque, refuse};
use crate::{Blob, Timestamp};

/// Returns what `shape` is, by the shape alone. Whether the functions of keys can be called is not checked
/// here.
pub(super) fn kind_alone(shape: &'static Shape) -> Result<Kind, Refusal> {
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
pub(super) fn is_phantom(shape: &Shape) -> bool {
    shape.type_identifier == "PhantomData" && shape.module_path == Some("core::marker")
}
