//! Plans: how to read and write the memory of a value, computed once per type.
//!
//! Walking a shape means asking it the same questions for each value: what kind, how many fields, where. A plan holds
//! the answers. It is a table of [`Node`]s, one per type that has structure of its own (an option, a list, an enum);
//! structs become [`Step`]s of the node that contains them, and neighbouring plain bytes and floats become one copy.
//!
//! The unsafe code of this module relies on these rules:
//!
//! - P1: a plan is made by [`compile`] alone, from a shape that `Facet` (an unsafe trait) vouches for. So the place
//!   that a step names lies inside a value of the node's type, and holds what the step says.
//! - P2: a plan runs only on memory of the type it was made for: [`encode::value`] and [`decode::value`] take the
//!   type as a parameter and find the plan by its shape.
//! - P3: while decoding, a place is written exactly once before it counts as a value. When decoding fails, exactly
//!   the places that were written are dropped.
//! - P4: a value that was moved into a container is not touched again.

mod cache;
mod compile;
#[expect(unsafe_code, reason = "builds values through raw places")]
pub(crate) mod decode;
mod empty;
#[expect(unsafe_code, reason = "reads values through raw places")]
pub(crate) mod encode;
#[expect(unsafe_code, reason = "the raw places themselves")]
mod memory;
#[expect(unsafe_code, reason = "allocates by layout")]
mod room;

use std::alloc::Layout;

use facet::{EnumRepr, MapDef, OptionVTable, PointerDef, ResultVTable, SetDef, Shape, SliceDef};

use crate::kind::{Entries, Owner, Scalar};

/// The steps that encode and decode values of one type.
pub(crate) struct Plan {
    /// The first is that of the type itself.
    nodes: Vec<Node>,
}

/// A node's place in its plan.
#[derive(Clone, Copy, PartialEq, Eq)]
struct NodeId(usize);

impl Plan {
    const ROOT: NodeId = NodeId(0);

    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

/// One type.
struct Node {
    shape: &'static Shape,
    layout: Layout,
    /// `true` if the shape has an `invariants` function, which is called on each decoded value.
    checked: bool,
    /// `true` if each value takes at least one byte on the wire.
    never_empty: bool,
    form: Form,
}

/// The structure of a type.
enum Form {
    Steps(Box<[Step]>),
    Enum(EnumForm),
    Option {
        calls: &'static OptionVTable,
        some: NodeId,
    },
    Result {
        calls: &'static ResultVTable,
        ok: NodeId,
        err: NodeId,
    },
    List {
        calls: ListCalls,
        items: Items,
    },
    Queue {
        calls: QueueCalls,
        element: NodeId,
    },
    Array {
        len: usize,
        element: NodeId,
    },
    Map(MapForm),
    Set(SetForm),
    Pointer {
        def: &'static PointerDef,
        pointee: NodeId,
    },
    Slice {
        def: &'static PointerDef,
        slice: &'static SliceDef,
        items: Items,
    },
}

/// The functions of a list that are needed to fill and read it; a shape may lack them, a plan does not.
struct ListCalls {
    len: facet::ListLenFn,
    as_ptr: facet::ListAsPtrFn,
    with_capacity: facet::ListInitInPlaceWithCapacityFn,
    as_mut_ptr: facet::ListAsMutPtrTypedFn,
    capacity: facet::ListCapacityFn,
    reserve: facet::ListReserveFn,
    set_len: facet::ListSetLenFn,
}

/// The functions of a list that gives and takes its elements one by one.
struct QueueCalls {
    len: facet::ListLenFn,
    get: facet::ListGetFn,
    with_capacity: facet::ListInitInPlaceWithCapacityFn,
    push: facet::ListPushFn,
}

/// The elements of a list or a slice.
#[derive(Clone, Copy)]
struct Items {
    node: NodeId,
    elements: Elements,
}

/// A map, and what a pair of its key and value looks like to facet.
struct MapForm {
    def: &'static MapDef,
    from_pairs: facet::MapFromPairSliceFn,
    pair: Layout,
    key: NodeId,
    key_at: usize,
    value: NodeId,
    value_at: usize,
    entries: Entries,
}

/// A set.
struct SetForm {
    def: &'static SetDef,
    from_slice: facet::SetFromSliceFn,
    element: NodeId,
    entries: Entries,
}

/// The way in which the elements of a list are encoded and decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Elements {
    /// All at once: their bytes in memory are their bytes on the wire.
    Copied,
    /// One number after the other, without going through a node.
    Scalars(Scalar),
    /// One node after the other.
    Nodes,
}

/// An enum with a discriminant at its start.
struct EnumForm {
    repr: EnumRepr,
    variants: Box<[VariantForm]>,
    /// `true` if the discriminants are 0, 1, 2 and so on.
    in_order: bool,
}

struct VariantForm {
    discriminant: i64,
    steps: Box<[Step]>,
}

/// One operation at one offset of a value.
struct Step {
    /// The offset from the start of the value.
    at: usize,
    what: What,
}

enum What {
    /// Copies this number of bytes, which are the same in memory and on the wire.
    Copy(usize),
    Scalar(Scalar),
    NonZero(Scalar, usize),
    String,
    Text(Owner),
    Bytes(Owner),
    Duration,
    /// A `SystemTime`, or what is laid out as one.
    Time,
    Path,
    Blob,
    Node(NodeId),
}
