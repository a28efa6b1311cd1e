//! Lists, maps, sets and pointers: those that facet gives complete and safe access to.

use std::alloc::Layout;
use std::collections::{HashMap, HashSet};

use facet::{Def, KnownPointer, ListDef, MapDef, PointerDef, SetDef, Shape, ShapeLayout};

use super::types::{Kind, Refusal, refuse};

pub(super) fn list(def: &'static ListDef) -> Result<Kind, Refusal> {
    let filled_in_place = def.init_in_place_with_capacity().is_some()
        && def.as_mut_ptr_typed().is_some()
        && def.set_len().is_some()
        && def.reserve().is_some()
        && def.capacity().is_some()
        && def.vtable.as_ptr.is_some();
    let one_by_one = def.init_in_place_with_capacity().is_some() && def.push().is_some();
    if filled_in_place {
        Ok(Kind::List(def))
    } else if one_by_one {
        Ok(Kind::Queue(def))
    } else {
        refuse("facet offers no way to fill it", "send a `Vec`")
    }
}

/// facet's functions for hash tables are made for the standard hasher and would misread a table with another one,
/// whose layout differs.
pub(super) fn map(shape: &'static Shape, def: &'static MapDef) -> Result<Kind, Refusal> {
    let standard = match shape.type_identifier {
        "HashMap" => same_layout::<HashMap<u8, u8>>(shape),
        "BTreeMap" => true,
        _ => false,
    };
    if standard
        && def.vtable.from_pair_slice.is_some()
        && def.vtable.iter_vtable.init_with_value.is_some()
    {
        Ok(Kind::Map(def))
    } else {
        refuse(
            "it is not a standard map with the standard hasher",
            "send a `HashMap`, a `BTreeMap` or a `Vec` of pairs",
        )
    }
}

pub(super) fn set(shape: &'static Shape, def: &'static SetDef) -> Result<Kind, Refusal> {
    let standard = match shape.type_identifier {
        "HashSet" => same_layout::<HashSet<u8>>(shape),
        "BTreeSet" => true,
        _ => false,
    };
    if standard
        && def.vtable.from_slice.is_some()
        && def.vtable.iter_vtable.init_with_value.is_some()
    {
        Ok(Kind::Set(def))
    } else {
        refuse(
            "it is not a standard set with the standard hasher",
            "send a `HashSet`, a `BTreeSet` or a `Vec`",
        )
    }
}

pub(super) fn pointer(def: &'static PointerDef) -> Result<Kind, Refusal> {
    match def.known {
        Some(KnownPointer::Box | KnownPointer::Arc) => {}
        Some(KnownPointer::Rc | KnownPointer::RcWeak) => {
            return refuse("it cannot leave its thread", "send a `Box` or an `Arc`");
        }
        Some(KnownPointer::Cow) => {
            return refuse("it may borrow what it shows", "send the owned type");
        }
        Some(KnownPointer::SharedReference | KnownPointer::ExclusiveReference) => {
            return refuse(
                "it borrows",
                "send what it points to: `String`, `Vec` or the type itself",
            );
        }
        Some(KnownPointer::ArcWeak) => {
            return refuse(
                "it may point to nothing",
                "send an `Option` of what it points to",
            );
        }
        _ => {
            return refuse(
                "it guards a place in this process's memory",
                "send the value in it",
            );
        }
    }
    let Some(pointee) = def.pointee else {
        return refuse(
            "facet does not know what it points to",
            "send what it points to",
        );
    };
    if def.vtable.borrow_fn.is_none() {
        return refuse("facet cannot look through it", "send what it points to");
    }
    match (&pointee.def, pointee.layout) {
        (Def::Slice(slice), _) if def.vtable.slice_builder_vtable.is_some() => {
            Ok(Kind::Slice(def, slice))
        }
        (_, ShapeLayout::Sized(_)) if def.vtable.new_into_fn.is_some() => {
            Ok(Kind::Pointer(def, pointee))
        }
        _ => refuse(
            "what it points to has no fixed size",
            "send a `Vec`, a `String` or an enum",
        ),
    }
}

/// Returns `true` if a map or a set is ordered by its keys, and not hashed.
pub(crate) fn is_ordered(shape: &Shape) -> bool {
    matches!(shape.type_identifier, "BTreeMap" | "BTreeSet")
}

fn same_layout<T>(shape: &Shape) -> bool {
    matches!(shape.layout, ShapeLayout::Sized(layout) if layout == Layout::new::<T>())
}
