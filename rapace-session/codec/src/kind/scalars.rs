//! Values without parts, known by their type.

use std::any::TypeId;
use std::num::NonZero;
use std::sync::Arc;

use facet::{ScalarType, Shape, StructType};

use super::types::{Kind, Owner, Refusal, Scalar, is, refuse};

/// Text and bytes that a pointer owns.
pub(super) fn owned(shape: &Shape) -> Option<Kind> {
    if let Some(owner) = owner::<Box<str>, Arc<str>>(shape) {
        return Some(Kind::Text(owner));
    }
    owner::<Box<[u8]>, Arc<[u8]>>(shape).map(Kind::Bytes)
}

fn owner<B: 'static, A: 'static>(shape: &Shape) -> Option<Owner> {
    if is::<B>(shape) {
        Some(Owner::Box)
    } else {
        is::<A>(shape).then_some(Owner::Arc)
    }
}

pub(super) fn scalar_kind(scalar: ScalarType) -> Result<Kind, Refusal> {
    Ok(Kind::Scalar(match scalar {
        ScalarType::Unit => return Ok(Kind::Struct(&StructType::UNIT)),
        ScalarType::String => return Ok(Kind::String),
        ScalarType::Bool => Scalar::Bool,
        ScalarType::Char => Scalar::Char,
        ScalarType::U8 => Scalar::U8,
        ScalarType::U16 => Scalar::U16,
        ScalarType::U32 => Scalar::U32,
        ScalarType::U64 => Scalar::U64,
        ScalarType::U128 => Scalar::U128,
        ScalarType::USize => Scalar::Usize,
        ScalarType::I8 => Scalar::I8,
        ScalarType::I16 => Scalar::I16,
        ScalarType::I32 => Scalar::I32,
        ScalarType::I64 => Scalar::I64,
        ScalarType::I128 => Scalar::I128,
        ScalarType::ISize => Scalar::Isize,
        ScalarType::F32 => Scalar::F32,
        ScalarType::F64 => Scalar::F64,
        ScalarType::Str => return refuse("it borrows text", "send a `String`"),
        ScalarType::CowStr => return refuse("it may borrow text", "send a `String`"),
        _ => {
            return refuse(
                "its encodings differ between formats",
                "send text, bytes or numbers",
            );
        }
    }))
}

pub(super) fn non_zero(shape: &Shape) -> Option<Scalar> {
    let id = shape.id.get();
    macro_rules! find {
        ($($integer:ty => $scalar:ident),*) => {
            $(if id == TypeId::of::<NonZero<$integer>>() {
                return Some(Scalar::$scalar);
            })*
        };
    }
    find!(u8 => U8, u16 => U16, u32 => U32, u64 => U64, u128 => U128, usize => Usize);
    find!(i8 => I8, i16 => I16, i32 => I32, i64 => I64, i128 => I128, isize => Isize);
    None
}
