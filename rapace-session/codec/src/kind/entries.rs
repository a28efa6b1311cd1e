//! Decides which user code the entries of a map or a set contain: `Hash`, `Eq`, `Ord` and `Drop`.
//!
//! facet makes a collection in a function with the C interface, which ends the process when anything in it panics:
//! `Hash`, `Eq` and `Ord` of a key, and the `Drop` of entries that were sent twice. So what is not std's alone is
//! called beforehand, where a panic can be caught.

use facet::{ScalarType, Shape, StructKind};

use super::collections::is_ordered;
use super::single::{is_phantom, kind_alone};
use super::types::{Kind, Refusal, refuse};

/// Returns what `shape` is. Of the types that it contains, only those of keys are checked: their functions must be callable.
pub(crate) fn kind_of(shape: &'static Shape) -> Result<Kind, Refusal> {
    let kind = kind_alone(shape)?;
    match kind {
        Kind::Map(def) => entries(is_ordered(shape), def.k, Some(def.v))?,
        Kind::Set(def) => entries(is_ordered(shape), def.t, None)?,
        _ => return Ok(kind),
    };
    Ok(kind)
}

/// The checks that entries need before a collection is built from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entries {
    /// Nothing: keys and values are std's and ours, whose functions do not panic.
    Plain,
    /// The keys are std's. A value may have a `Drop`, so there must be no two of one key.
    Dropped,
    /// The keys have a `Hash` and an `Eq` of their own.
    Hashed,
    /// The keys have an `Ord` of their own.
    Ordered,
}

/// Returns the checks for a collection that orders its keys, or hashes them.
pub(crate) fn entries(
    ordered: bool,
    key: &'static Shape,
    value: Option<&'static Shape>,
) -> Result<Entries, Refusal> {
    if !is_users(key) {
        return Ok(match value.is_some_and(is_users) {
            true => Entries::Dropped,
            false => Entries::Plain,
        });
    }
    match ordered {
        true if can_be_called(key, true) => Ok(Entries::Ordered),
        false if can_be_called(key, false) => Ok(Entries::Hashed),
        true => refuse(
            "facet does not know the `Ord` of its keys, and a panic in it would end the process",
            "make the key a struct of its own, without type parameters, that derives `Ord`",
        ),
        false => refuse(
            "facet does not know the `Hash` and `Eq` of its keys, and a panic in them would end the process",
            "make the key a struct of its own, without type parameters, that derives `Hash` and `Eq`",
        ),
    }
}

/// Returns `true` if the type has functions that are neither std's nor this crate's.
fn is_users(shape: &'static Shape) -> bool {
    match kind_of(shape) {
        // The part that cannot cross is reported when that part is visited.
        Err(_) => false,
        Ok(kind) => match kind {
            Kind::Scalar(_)
            | Kind::NonZero(_)
            | Kind::String
            | Kind::Text(_)
            | Kind::Bytes(_)
            | Kind::Duration
            | Kind::Time
            | Kind::Path
            | Kind::Blob => false,
            Kind::Struct(def) => match is_std_struct(shape, def.kind) {
                true => def.fields.iter().any(|field| is_users(field.shape())),
                false => true,
            },
            Kind::Enum(_) => true,
            Kind::Option(def) => is_users(def.t),
            Kind::Result(def) => is_users(def.t) || is_users(def.e),
            Kind::List(def) | Kind::Queue(def) => !is_known_list(shape) || is_users(def.t),
            Kind::Array(def) => is_users(def.t),
            Kind::Map(def) => is_users(def.k) || is_users(def.v),
            Kind::Set(def) => is_users(def.t),
            Kind::Pointer(_, pointee) => is_users(pointee),
            Kind::Slice(_, def) => is_users(def.t),
        },
    }
}

/// Tuples, `()` and phantoms.
fn is_std_struct(shape: &'static Shape, kind: StructKind) -> bool {
    kind == StructKind::Tuple || shape.scalar_type() == Some(ScalarType::Unit) || is_phantom(shape)
}

/// By name, since there is one for each type. Others are described by hand.
fn is_known_list(shape: &Shape) -> bool {
    matches!(
        (shape.type_identifier, shape.module_path),
        ("Vec", Some("alloc::vec")) | ("Deque", Some("rapace_codec"))
    )
}

/// Returns `true` if facet can call every function of a key that a collection calls. The functions of std types call those of their
/// parts, and answer nothing if one of these lacks the function.
fn can_be_called(shape: &'static Shape, ordered: bool) -> bool {
    let calls = &shape.vtable;
    let own = calls.has_partial_eq()
        && match ordered {
            true => calls.has_partial_ord() && calls.has_ord(),
            false => calls.has_hash(),
        };
    let parts = |shape| can_be_called(shape, ordered);
    own && match kind_of(shape) {
        Ok(Kind::Struct(def)) if is_std_struct(shape, def.kind) => {
            def.fields.iter().all(|field| parts(field.shape()))
        }
        Ok(Kind::Option(def)) => parts(def.t),
        Ok(Kind::Array(def)) => parts(def.t),
        Ok(Kind::List(def)) => parts(def.t),
        // facet orders results the other way round than std.
        Ok(Kind::Result(def)) => !ordered && parts(def.t) && parts(def.e),
        _ => true,
    }
}
