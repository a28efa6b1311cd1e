//! The facet description of a [`Deque`]: a list whose elements are pushed and iterated one by one.
//!
//! - Q1: facet calls each of these functions on the type whose shape names it, as its documentation of `ListVTable`
//!   and `ListTypeOps` says: on a live [`Deque`], or on a place for one.

use std::collections::{VecDeque, vec_deque};

use facet::{
    Def, Facet, IterVTable, ListDef, ListTypeOps, ListVTable, OxPtrMut, OxPtrUninit, PtrConst,
    PtrMut, PtrUninit, Shape, ShapeBuilder, Type, TypeOpsIndirect, TypeParam, UserType,
    VTableIndirect, Variance, VarianceDep, VarianceDesc,
};

use crate::deque::Deque;

// SAFETY: the shape is that of `Deque<T>` itself: `for_sized` takes size, alignment and identity from the type, the
// tables were made for it, and its elements are described by their own shape.
unsafe impl<'a, T: Facet<'a>> Facet<'a> for Deque<T> {
    const SHAPE: &'static Shape = &const {
        ShapeBuilder::for_sized::<Self>("Deque")
            .module_path("rapace_codec")
            .doc(&[" A queue with two ends."])
            .ty(Type::User(UserType::Opaque))
            .def(Def::List(ListDef::with_type_ops(
                &const {
                    ListVTable {
                        len: len::<T>,
                        get: get::<T>,
                        get_mut: None,
                        as_ptr: None,
                        as_mut_ptr: None,
                        swap: None,
                    }
                },
                &const {
                    ListTypeOps::builder()
                        .init_in_place_with_capacity(with_capacity::<T>)
                        .push(push::<T>)
                        .iter_vtable(IterVTable {
                            init_with_value: Some(iter::<T>),
                            next: iter_next::<T>,
                            next_back: None,
                            size_hint: None,
                            dealloc: iter_end::<T>,
                        })
                        .build()
                },
                T::SHAPE,
            )))
            .type_params(&[TypeParam {
                name: "T",
                shape: T::SHAPE,
            }])
            .variance(VarianceDesc {
                base: Variance::Bivariant,
                deps: &const { [VarianceDep::covariant(T::SHAPE)] },
            })
            .vtable_indirect(&const { VTableIndirect::EMPTY })
            .type_ops_indirect(
                &const {
                    TypeOpsIndirect {
                        drop_in_place: drop_in_place::<T>,
                        default_in_place: Some(default_in_place::<T>),
                        clone_into: None,
                        is_truthy: None,
                    }
                },
            )
            .build()
    };
}

unsafe extern "C" fn len<T>(deque: PtrConst) -> usize {
    // SAFETY: Q1.
    let deque = unsafe { deque.get::<Deque<T>>() };
    deque.0.len()
}

unsafe fn get<T>(deque: PtrConst, index: usize, _: &'static Shape) -> Option<PtrConst> {
    // SAFETY: Q1.
    let deque = unsafe { deque.get::<Deque<T>>() };
    deque
        .0
        .get(index)
        .map(|item| PtrConst::new(std::ptr::from_ref(item)))
}

unsafe extern "C" fn with_capacity<T>(place: PtrUninit, capacity: usize) -> PtrMut {
    // SAFETY: Q1.
    unsafe { place.put(Deque(VecDeque::<T>::with_capacity(capacity))) }
}

unsafe extern "C" fn push<T>(deque: PtrMut, item: PtrMut) {
    // SAFETY: Q1.
    let deque = unsafe { deque.as_mut::<Deque<T>>() };
    // SAFETY: Q1, and the item counts as moved.
    let item = unsafe { item.read::<T>() };
    deque.0.push_back(item);
}

unsafe extern "C" fn iter<T>(deque: PtrConst) -> PtrMut {
    // SAFETY: Q1; the iterator is used only while the deque lives.
    let deque = unsafe { deque.get::<Deque<T>>() };
    PtrMut::new(Box::into_raw(Box::new(deque.0.iter())))
}

unsafe fn iter_next<T>(iter: PtrMut) -> Option<PtrConst> {
    // SAFETY: made by `iter`.
    let iter = unsafe { iter.as_mut::<vec_deque::Iter<'_, T>>() };
    iter.next()
        .map(|item| PtrConst::new(std::ptr::from_ref(item)))
}

unsafe extern "C" fn iter_end<T>(iter: PtrMut) {
    let iter = iter.as_mut_byte_ptr().cast::<vec_deque::Iter<'_, T>>();
    // SAFETY: made by `iter`, and not used again.
    drop(unsafe { Box::from_raw(iter) });
}

unsafe fn drop_in_place<T>(deque: OxPtrMut) {
    let deque = deque.ptr().as_mut_byte_ptr().cast::<Deque<T>>();
    // SAFETY: Q1, and it counts as gone afterwards.
    unsafe { deque.drop_in_place() };
}

unsafe fn default_in_place<T>(place: OxPtrUninit) -> bool {
    // SAFETY: Q1.
    unsafe { place.put(Deque::<T>::default()) };
    true
}
