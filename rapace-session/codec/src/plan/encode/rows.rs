//! Values of one type that lie one after the other.

use facet::Shape;

use super::{Encoded, Run};
use crate::kind::Scalar;
use crate::limits::Limits;
use crate::output::{Output, Stop};
use crate::plan::memory::Value;
use crate::plan::{Elements, Items, NodeId, QueueCalls};
use crate::varint::Signed;

impl<S: Output> Run<'_, S> {
    /// # Safety
    /// `len` values of the items' type must lie from `first` on, one after the other.
    pub(super) unsafe fn row(
        &mut self,
        items: Items,
        first: Value<'_>,
        len: usize,
        depth: u32,
    ) -> Encoded {
        let node = self.plan.node(items.node);
        match items.elements {
            Elements::Copied => {
                // SAFETY: their bytes are those on the wire, so there is no padding.
                let bytes = unsafe { first.bytes(0, len * node.layout.size()) };
                self.output.put(bytes)
            }
            Elements::Scalars(scalar) => {
                // SAFETY: they are of that scalar's type.
                unsafe { self.scalars(scalar, first, len) }
            }
            Elements::Nodes if !node.never_empty && len > Limits::EMPTY_ELEMENTS => {
                Err(Stop::TooManyEmptyElements)
            }
            Elements::Nodes => {
                // SAFETY: as the caller vouches.
                unsafe { self.nodes(items.node, first, len, depth) }
            }
        }
    }

    /// # Safety
    /// `value` must be a list of that shape.
    pub(super) unsafe fn queue(
        &mut self,
        shape: &'static Shape,
        calls: &'static QueueCalls,
        element: NodeId,
        value: Value<'_>,
        depth: u32,
    ) -> Encoded {
        // SAFETY: as the caller vouches.
        let len = unsafe { (calls.len)(value.ptr()) };
        if len > Limits::EMPTY_ELEMENTS && !self.plan.node(element).never_empty {
            return Err(Stop::TooManyEmptyElements);
        }
        self.output.varint(len as u64)?;
        for index in 0..len {
            // SAFETY: as the caller vouches.
            let item = unsafe { (calls.get)(value.ptr(), index, shape) };
            let item = item.expect("a list has as many elements as it says");
            // SAFETY: facet gives the address of an element.
            unsafe { self.inner(element, item, depth) }?;
        }
        Ok(())
    }

    /// # Safety
    /// `len` values of the node's type must lie from `first` on, one after the other.
    pub(super) unsafe fn nodes(
        &mut self,
        id: NodeId,
        first: Value<'_>,
        len: usize,
        depth: u32,
    ) -> Encoded {
        let size = self.plan.node(id).layout.size();
        for index in 0..len {
            // SAFETY: one of the `len` values.
            let element = unsafe { first.part(index * size) };
            // SAFETY: it is of the node's type.
            unsafe { self.node(id, element, depth) }?;
        }
        Ok(())
    }

    /// # Safety
    /// `len` values of the scalar's type must lie from `first` on.
    #[inline(always)]
    pub(super) unsafe fn scalars(
        &mut self,
        scalar: Scalar,
        first: Value<'_>,
        len: usize,
    ) -> Encoded {
        macro_rules! each {
            ($type:ty, |$value:ident| $encode:expr) => {
                for index in 0..len {
                    // SAFETY: one of the `len` values, all of this type.
                    let $value = unsafe { first.get::<$type>(index * size_of::<$type>()) };
                    $encode?;
                }
            };
        }
        match scalar {
            Scalar::Bool => each!(bool, |v| self.output.byte(u8::from(*v))),
            Scalar::Char => each!(char, |v| self.octets(v.encode_utf8(&mut [0; 4]).as_bytes())),
            Scalar::U8 => each!(u8, |v| self.output.byte(*v)),
            Scalar::I8 => each!(i8, |v| self.output.byte(v.cast_unsigned())),
            Scalar::U16 => each!(u16, |v| self.output.varint(*v)),
            Scalar::U32 => each!(u32, |v| self.output.varint(*v)),
            Scalar::U64 => each!(u64, |v| self.output.varint(*v)),
            Scalar::U128 => each!(u128, |v| self.output.varint(*v)),
            Scalar::Usize => each!(usize, |v| self.output.varint(*v as u64)),
            Scalar::I16 => each!(i16, |v| self.output.varint(v.fold())),
            Scalar::I32 => each!(i32, |v| self.output.varint(v.fold())),
            Scalar::I64 => each!(i64, |v| self.output.varint(v.fold())),
            Scalar::I128 => each!(i128, |v| self.output.varint(v.fold())),
            Scalar::Isize => each!(isize, |v| self.output.varint((*v as i64).fold())),
            Scalar::F32 => each!(f32, |v| self.output.put(&v.to_le_bytes())),
            Scalar::F64 => each!(f64, |v| self.output.put(&v.to_le_bytes())),
        }
        Ok(())
    }
}
