//! The kinds of shapes, and the refusal of a shape.

use std::any::TypeId;

use facet::{
    ArrayDef, EnumType, ListDef, MapDef, Opaque, OpaqueBorrow, OptionDef, PointerDef, ResultDef,
    SetDef, Shape, SliceDef, StructType,
};

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

pub(super) const fn refuse<T>(reason: &'static str, way_out: &'static str) -> Result<T, Refusal> {
    Err(Refusal { reason, way_out })
}

/// Returns `true` for the shape that `#[facet(opaque)]` gives a field of type `T`. Its layout is that of `T`.
pub(super) fn is_opaque<T: 'static>(shape: &Shape) -> bool {
    is::<OpaqueBorrow<'static, T>>(shape) || is::<Opaque<T>>(shape)
}

pub(super) fn is<T: ?Sized + 'static>(shape: &Shape) -> bool {
    shape.id.get() == TypeId::of::<T>()
}
