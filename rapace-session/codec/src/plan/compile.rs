//! From a shape to a plan.
//!
//! - C1: a struct's fields become steps of the node that contains it, unless it has an `invariants` function, which needs
//!   the whole value.
//! - C2: a type that contains itself refers back to its own node, so a plan is finite.

use std::alloc::Layout;
use std::any::TypeId;
use std::collections::HashMap;

use facet::{ArrayDef, EnumType, Field, ListDef, MapDef, Shape, ShapeLayout};

use super::{
    Elements, EnumForm, Form, Items, ListCalls, MapForm, Node, NodeId, Plan, QueueCalls, SetForm,
    Step, VariantForm, What,
};
use crate::check::{RefusedType, check_shape};
use crate::kind::{Kind, Scalar, entries, is_ordered, kind_of};
use crate::plan::empty::find_never_empty;

/// Makes the plan for a type.
///
/// # Errors
/// If values of the type cannot cross.
pub(super) fn compile(shape: &'static Shape) -> Result<Plan, RefusedType> {
    check_shape(shape)?;
    let mut compiler = Compiler {
        nodes: Vec::new(),
        ids: HashMap::new(),
    };
    compiler.node(shape);
    let mut nodes: Vec<Node> = compiler.nodes.into_iter().flatten().collect();
    find_never_empty(&mut nodes);
    Ok(Plan { nodes })
}

struct Compiler {
    /// `None` while a node is being made.
    nodes: Vec<Option<Node>>,
    ids: HashMap<TypeId, NodeId>,
}

impl Compiler {
    fn node(&mut self, shape: &'static Shape) -> NodeId {
        if let Some(&id) = self.ids.get(&shape.id.get()) {
            return id;
        }
        let id = NodeId(self.nodes.len());
        self.ids.insert(shape.id.get(), id);
        self.nodes.push(None);
        let node = Node {
            shape,
            layout: layout(shape),
            checked: is_checked(shape),
            never_empty: false,
            form: self.form(shape),
        };
        self.nodes[id.0] = Some(node);
        id
    }

    fn form(&mut self, shape: &'static Shape) -> Form {
        match kind(shape) {
            Kind::Enum(def) => Form::Enum(self.enumeration(def)),
            Kind::Option(def) => Form::Option {
                calls: def.vtable,
                some: self.node(def.t),
            },
            Kind::Result(def) => Form::Result {
                calls: def.vtable,
                ok: self.node(def.t),
                err: self.node(def.e),
            },
            Kind::List(def) => Form::List {
                calls: list_calls(def),
                items: self.items(def.t),
            },
            Kind::Queue(def) => Form::Queue {
                calls: queue_calls(def),
                element: self.node(def.t),
            },
            Kind::Array(def) if self.is_idle(def) => Form::Steps([].into()),
            Kind::Array(def) => Form::Array {
                len: def.n,
                element: self.node(def.t),
            },
            Kind::Map(def) => Form::Map(self.map(shape, def)),
            Kind::Set(def) => Form::Set(SetForm {
                def,
                from_slice: def
                    .vtable
                    .from_slice
                    .expect("kind_of refuses sets without it"),
                element: self.node(def.t),
                entries: entries(is_ordered(shape), def.t, None)
                    .expect("kind_of refuses keys that cannot be called"),
            }),
            Kind::Pointer(def, pointee) => Form::Pointer {
                def,
                pointee: self.node(pointee),
            },
            Kind::Slice(def, slice) => Form::Slice {
                def,
                slice,
                items: self.items(slice.t),
            },
            Kind::Scalar(_)
            | Kind::NonZero(_)
            | Kind::String
            | Kind::Text(_)
            | Kind::Bytes(_)
            | Kind::Duration
            | Kind::Time
            | Kind::Path
            | Kind::Blob
            | Kind::Struct(_) => {
                let mut steps = Vec::new();
                self.flatten(shape, 0, &mut steps);
                Form::Steps(steps.into())
            }
        }
    }

    fn items(&mut self, element: &'static Shape) -> Items {
        Items {
            node: self.node(element),
            elements: self.elements(element),
        }
    }

    /// facet tells where the value lies in a pair; the key lies at the start, or after the value.
    fn map(&mut self, shape: &'static Shape, def: &'static MapDef) -> MapForm {
        let (k, v) = (layout(def.k), layout(def.v));
        let value_at = def.vtable.value_offset_in_pair;
        let key_at = if value_at >= k.size() {
            0
        } else {
            v.size().next_multiple_of(k.align())
        };
        let size = def.vtable.pair_stride;
        assert!(key_at + k.size() <= size, "a pair holds its key");
        assert!(value_at + v.size() <= size, "a pair holds its value");
        MapForm {
            def,
            from_pairs: def
                .vtable
                .from_pair_slice
                .expect("kind_of refuses maps without it"),
            pair: Layout::from_size_align(size, k.align().max(v.align())).expect("a pair has one"),
            key: self.node(def.k),
            key_at,
            value: self.node(def.v),
            value_at,
            entries: entries(is_ordered(shape), def.k, Some(def.v))
                .expect("kind_of refuses keys that cannot be called"),
        }
    }

    fn enumeration(&mut self, def: &'static EnumType) -> EnumForm {
        let variants: Box<[VariantForm]> = def
            .variants
            .iter()
            .map(|variant| {
                let mut steps = Vec::new();
                self.fields(variant.data.fields, 0, &mut steps);
                let discriminant = variant
                    .discriminant
                    .expect("kind_of refuses enums without them");
                VariantForm {
                    discriminant,
                    steps: steps.into(),
                }
            })
            .collect();
        let in_order = variants
            .iter()
            .zip(0..)
            .all(|(variant, index)| variant.discriminant == index);
        EnumForm {
            repr: def.enum_repr,
            variants,
            in_order,
        }
    }

    fn fields(&mut self, fields: &'static [Field], at: usize, steps: &mut Vec<Step>) {
        for field in fields {
            self.step(field.shape(), at + field.offset, steps);
        }
    }

    /// Adds the steps for a value of `shape` at offset `at`.
    fn step(&mut self, shape: &'static Shape, at: usize, steps: &mut Vec<Step>) {
        if matches!(kind(shape), Kind::Struct(_)) && is_checked(shape) {
            let what = What::Node(self.node(shape)); // C1
            steps.push(Step { at, what });
        } else {
            self.flatten(shape, at, steps);
        }
    }

    fn flatten(&mut self, shape: &'static Shape, at: usize, steps: &mut Vec<Step>) {
        let what = match kind(shape) {
            Kind::Struct(def) => return self.fields(def.fields, at, steps),
            Kind::Array(def) if self.is_idle(def) => return,
            Kind::Array(def) => match self.elements(def.t) {
                Elements::Copied => What::Copy(layout(shape).size()),
                _ => What::Node(self.node(shape)),
            },
            Kind::Scalar(scalar) if is_copied(scalar) => What::Copy(layout(shape).size()),
            Kind::Scalar(scalar) => What::Scalar(scalar),
            Kind::NonZero(scalar) => What::NonZero(scalar, layout(shape).size()),
            Kind::String => What::String,
            Kind::Text(owner) => What::Text(owner),
            Kind::Bytes(owner) => What::Bytes(owner),
            Kind::Duration => What::Duration,
            Kind::Time => What::Time,
            Kind::Path => What::Path,
            Kind::Blob => What::Blob,
            _ => What::Node(self.node(shape)),
        };
        match (&what, steps.last_mut()) {
            (
                What::Copy(more),
                Some(Step {
                    at: start,
                    what: What::Copy(len),
                }),
            ) if *start + *len == at => {
                *len += more;
            }
            _ => steps.push(Step { at, what }),
        }
    }

    /// Whether the elements need no steps, however many there are: they have no bytes, and no function of their type
    /// has to accept them.
    fn is_idle(&mut self, def: &ArrayDef) -> bool {
        if def.n == 0 {
            return true;
        }
        let mut steps = Vec::new();
        if layout(def.t).size() == 0 {
            self.step(def.t, 0, &mut steps);
        }
        layout(def.t).size() == 0 && steps.is_empty()
    }

    /// Decides how consecutive values of this type are encoded and decoded.
    fn elements(&mut self, shape: &'static Shape) -> Elements {
        if let Kind::Scalar(scalar) = kind(shape)
            && !is_copied(scalar)
        {
            return Elements::Scalars(scalar);
        }
        let mut steps = Vec::new();
        self.step(shape, 0, &mut steps);
        match steps.as_slice() {
            [
                Step {
                    at: 0,
                    what: What::Copy(len),
                },
            ] if *len == layout(shape).size() => Elements::Copied,
            _ => Elements::Nodes,
        }
    }
}

/// Scalars whose bytes are sent as they are. Not truth values, which must be checked when they arrive.
const fn is_copied(scalar: Scalar) -> bool {
    let float = matches!(scalar, Scalar::F32 | Scalar::F64);
    matches!(scalar, Scalar::U8 | Scalar::I8) || (float && cfg!(target_endian = "little"))
}

/// Returns `true` if a decoded value has to pass a function of its type. The checks of std types are covered by the steps.
fn is_checked(shape: &'static Shape) -> bool {
    matches!(kind(shape), Kind::Struct(_) | Kind::Enum(_)) && shape.vtable.has_invariants()
}

fn kind(shape: &'static Shape) -> Kind {
    match kind_of(shape) {
        Ok(kind) => kind,
        Err(refusal) => unreachable!("{shape} was checked: {}", refusal.reason),
    }
}

fn layout(shape: &'static Shape) -> Layout {
    match shape.layout {
        ShapeLayout::Sized(layout) => layout,
        ShapeLayout::Unsized => unreachable!("{shape} was checked: it has a size"),
    }
}

fn list_calls(def: &'static ListDef) -> ListCalls {
    let found = || {
        Some(ListCalls {
            len: def.vtable.len,
            as_ptr: def.vtable.as_ptr?,
            with_capacity: def.init_in_place_with_capacity()?,
            as_mut_ptr: def.as_mut_ptr_typed()?,
            capacity: def.capacity()?,
            reserve: def.reserve()?,
            set_len: def.set_len()?,
        })
    };
    found().expect("kind_of refuses lists without them")
}

fn queue_calls(def: &'static ListDef) -> QueueCalls {
    let found = || {
        Some(QueueCalls {
            len: def.vtable.len,
            get: def.vtable.get,
            with_capacity: def.init_in_place_with_capacity()?,
            push: def.push()?,
        })
    };
    found().expect("kind_of refuses lists without them")
}
