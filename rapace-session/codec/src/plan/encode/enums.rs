//! Enums: which variant, then its fields.

use facet::EnumRepr;

use super::{Encoded, Run};
use crate::output::Output;
use crate::plan::EnumForm;
use crate::plan::memory::Value;

impl<S: Output> Run<'_, S> {
    /// # Safety
    /// `value` must be of the enum.
    pub(super) unsafe fn enumeration(
        &mut self,
        form: &'static EnumForm,
        value: Value<'_>,
        depth: u32,
    ) -> Encoded {
        // SAFETY: as the caller vouches.
        let discriminant = unsafe { discriminant(form.repr, value) };
        let index = if form.in_order {
            usize::try_from(discriminant).ok()
        } else {
            form.variants
                .iter()
                .position(|variant| variant.discriminant == discriminant)
        };
        let index = index.expect("a live enum has one of its discriminants");
        self.output.varint(index as u64)?;
        // SAFETY: the offsets of a variant's fields are those within the whole enum.
        unsafe { self.steps(&form.variants[index].steps, value, depth) }
    }
}

/// # Safety
/// `value` must be of an enum with that representation.
#[inline]
unsafe fn discriminant(repr: EnumRepr, value: Value<'_>) -> i64 {
    macro_rules! load {
        ($type:ty) => {{
            // SAFETY: such an enum starts with its discriminant.
            let discriminant = unsafe { value.get::<$type>(0) };
            *discriminant as i64
        }};
    }
    match repr {
        EnumRepr::U8 => load!(u8),
        EnumRepr::U16 => load!(u16),
        EnumRepr::U32 => load!(u32),
        EnumRepr::U64 => load!(u64),
        EnumRepr::USize => load!(usize),
        EnumRepr::I8 => load!(i8),
        EnumRepr::I16 => load!(i16),
        EnumRepr::I32 => load!(i32),
        EnumRepr::I64 => load!(i64),
        EnumRepr::ISize => load!(isize),
        EnumRepr::Rust | EnumRepr::RustNPO => unreachable!("kind_of refuses these"),
    }
}
