//! Running a plan over a value: its bytes, in order, into an output.

mod entries;
mod enums;
mod rows;

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use facet::{Facet, PtrConst};

use self::entries::Entries;
use super::cache::plan_of;
use super::memory::Value;
use super::{Form, ListCalls, Node, NodeId, Plan, Step, What};
use crate::Blob;
use crate::error::EncodeError;
use crate::kind::Owner;
use crate::limits::Limits;
use crate::output::{Grow, Output, Stop};

type Encoded = Result<(), Stop>;

/// The plan of a type.
///
/// # Errors
/// If the type cannot cross.
#[inline]
pub(crate) fn plan<T: Facet<'static>>() -> Result<PlanOf<T>, EncodeError> {
    match plan_of(T::SHAPE) {
        Ok(plan) => Ok(PlanOf {
            plan,
            of: PhantomData,
        }),
        Err(refused) => Err(refused.clone().into()),
    }
}

/// A plan that was made for `T` (P2).
pub(crate) struct PlanOf<T> {
    plan: &'static Plan,
    of: PhantomData<fn(&T)>,
}

/// Encodes one value, and lists its blobs in `blobs`.
///
/// # Errors
/// If the value exceeds what receivers accept, or the output is full.
#[inline]
pub(crate) fn value<T, S: Output>(
    PlanOf { plan, .. }: PlanOf<T>,
    value: &T,
    output: &mut S,
    blobs: &mut Vec<Blob>,
) -> Encoded {
    let mut run = Run {
        plan,
        output,
        blobs,
    };
    // SAFETY: P2, the root of the plan for `T` is the node of `T`.
    unsafe { run.node(Plan::ROOT, Value::of(value), 0) }
}

/// Appends the encoding of one value in a plan.
///
/// # Safety
/// `value` must be of the node's type.
///
/// # Errors
/// If the value exceeds what receivers accept.
pub(super) unsafe fn part(
    plan: &'static Plan,
    id: NodeId,
    value: Value<'_>,
    bytes: &mut Vec<u8>,
) -> Encoded {
    let mut run = Run {
        plan,
        output: &mut Grow(bytes),
        blobs: &mut Vec::new(),
    };
    // SAFETY: as the caller vouches.
    unsafe { run.node(id, value, 0) }
}

struct Run<'r, S> {
    plan: &'static Plan,
    output: &'r mut S,
    blobs: &'r mut Vec<Blob>,
}

impl<S: Output> Run<'_, S> {
    /// # Safety
    /// `value` must be of the node's type.
    unsafe fn node(&mut self, id: NodeId, value: Value<'_>, depth: u32) -> Encoded {
        let node = self.plan.node(id);
        if let Form::Steps(steps) = &node.form {
            // SAFETY: these are the steps of the value's type.
            return unsafe { self.steps(steps, value, depth) };
        }
        if depth >= Limits::DEPTH {
            return Err(Stop::TooDeep);
        }
        // SAFETY: as the caller vouches.
        unsafe { self.form(node, value, depth + 1) }
    }

    /// # Safety
    /// `value` must be of the node's type.
    unsafe fn form(&mut self, node: &'static Node, value: Value<'_>, depth: u32) -> Encoded {
        match &node.form {
            Form::Steps(steps) => {
                // SAFETY: these are the steps of the value's type.
                unsafe { self.steps(steps, value, depth) }
            }
            Form::Enum(form) => {
                // SAFETY: the value is of that enum.
                unsafe { self.enumeration(form, value, depth) }
            }
            Form::Option { calls, some } => {
                // SAFETY: the value is such an option.
                let inner = unsafe { (calls.get_value)(value.ptr()) };
                if inner.is_null() {
                    return self.output.byte(0);
                }
                self.output.byte(1)?;
                // SAFETY: facet gives the address of the value inside.
                unsafe { self.inner(*some, PtrConst::new_sized(inner), depth) }
            }
            Form::Result { calls, ok, err } => {
                // SAFETY: the value is such a result.
                let inner = unsafe { (calls.get_ok)(value.ptr()) };
                if !inner.is_null() {
                    self.output.byte(0)?;
                    // SAFETY: facet gives the address of the value inside.
                    return unsafe { self.inner(*ok, PtrConst::new_sized(inner), depth) };
                }
                self.output.byte(1)?;
                // SAFETY: the value is such a result, and not `Ok`.
                let inner = unsafe { (calls.get_err)(value.ptr()) };
                // SAFETY: facet gives the address of the value inside.
                unsafe { self.inner(*err, PtrConst::new_sized(inner), depth) }
            }
            Form::Pointer { def, pointee } => {
                let borrow = def
                    .vtable
                    .borrow_fn
                    .expect("kind_of refuses pointers without it");
                // SAFETY: the value is such a pointer.
                let inner = unsafe { borrow(value.ptr()) };
                // SAFETY: facet gives the address of what it points to.
                unsafe { self.inner(*pointee, inner, depth) }
            }
            Form::List { calls, items } => {
                // SAFETY: the value is such a list.
                let (len, first) = unsafe { list_parts(calls, value) };
                self.output.varint(len as u64)?;
                // SAFETY: the list holds `len` elements from `first` on.
                unsafe { self.row(*items, first, len, depth) }
            }
            Form::Queue { calls, element } => {
                // SAFETY: the value is such a list, of the node's shape.
                unsafe { self.queue(node.shape, calls, *element, value, depth) }
            }
            Form::Array { len, element } => {
                // SAFETY: an array is its elements, one after the other.
                unsafe { self.nodes(*element, value, *len, depth) }
            }
            Form::Slice { def, slice, items } => {
                let borrow = def
                    .vtable
                    .borrow_fn
                    .expect("kind_of refuses pointers without it");
                // SAFETY: the value is such a pointer.
                let inner = unsafe { borrow(value.ptr()) };
                // SAFETY: `inner` is the slice that it points to.
                let len = unsafe { (slice.vtable.len)(inner) };
                self.output.varint(len as u64)?;
                // SAFETY: a slice starts with its first element and lives as long as its owner.
                let first = unsafe { Value::from_raw(inner.raw_ptr()) };
                // SAFETY: there are `len` elements.
                unsafe { self.row(*items, first, len, depth) }
            }
            Form::Map(form) => {
                // SAFETY: the value is such a map.
                let len = unsafe { (form.def.vtable.len)(value.ptr()) };
                self.output.varint(len as u64)?;
                // SAFETY: it is not changed meanwhile.
                let mut entries = unsafe { Entries::of(&form.def.vtable.iter_vtable, value.ptr()) };
                while let Some((key, value)) = entries.next() {
                    // SAFETY: facet gives the address of a key.
                    unsafe { self.inner(form.key, key, depth) }?;
                    // SAFETY: facet gives the address of a value.
                    unsafe { self.inner(form.value, value, depth) }?;
                }
                Ok(())
            }
            Form::Set(form) => {
                // SAFETY: the value is such a set.
                let len = unsafe { (form.def.vtable.len)(value.ptr()) };
                self.output.varint(len as u64)?;
                // SAFETY: it is not changed meanwhile.
                let mut entries = unsafe { Entries::of(&form.def.vtable.iter_vtable, value.ptr()) };
                while let Some(entry) = entries.next() {
                    // SAFETY: facet gives the address of an element.
                    unsafe { self.inner(form.element, entry, depth) }?;
                }
                Ok(())
            }
        }
    }

    /// # Safety
    /// `inner` must point to a live value of the node's type.
    #[inline]
    unsafe fn inner(&mut self, id: NodeId, inner: PtrConst, depth: u32) -> Encoded {
        // SAFETY: as the caller vouches; it is used during this call only.
        let value = unsafe { Value::from_raw(inner.raw_ptr()) };
        // SAFETY: as the caller vouches.
        unsafe { self.node(id, value, depth) }
    }

    /// # Safety
    /// `value` must be of the type that the steps were made for.
    unsafe fn steps(&mut self, steps: &'static [Step], value: Value<'_>, depth: u32) -> Encoded {
        for step in steps {
            // SAFETY: P1.
            unsafe { self.step(step, value, depth) }?;
        }
        Ok(())
    }

    /// # Safety
    /// `value` must be of the type that the step was made for.
    #[inline(always)]
    unsafe fn step(&mut self, step: &'static Step, value: Value<'_>, depth: u32) -> Encoded {
        let at = step.at;
        macro_rules! load {
            ($type:ty) => {
                // SAFETY: P1, a value of this type lies there.
                unsafe { value.get::<$type>(at) }
            };
        }
        match step.what {
            What::Copy(len) => {
                // SAFETY: P1, a run of bytes and floats without padding lies there.
                let bytes = unsafe { value.bytes(at, len) };
                self.output.put(bytes)
            }
            What::Scalar(scalar) | What::NonZero(scalar, _) => {
                // SAFETY: P1, inside the value.
                let part = unsafe { value.part(at) };
                // SAFETY: P1, a value of the scalar's type lies there; a `NonZero` is its integer.
                unsafe { self.scalars(scalar, part, 1) }
            }
            What::String => self.octets(load!(String).as_bytes()),
            What::Text(Owner::Box) => self.octets(load!(Box<str>).as_bytes()),
            What::Text(Owner::Arc) => self.octets(load!(Arc<str>).as_bytes()),
            What::Bytes(Owner::Box) => self.octets(load!(Box<[u8]>)),
            What::Bytes(Owner::Arc) => self.octets(load!(Arc<[u8]>)),
            What::Duration => self.duration(*load!(Duration)),
            What::Time => match load!(SystemTime).duration_since(SystemTime::UNIX_EPOCH) {
                Ok(since) => self.duration(since),
                Err(_) => Err(Stop::TimeBeforeEpoch),
            },
            What::Path => match load!(PathBuf).to_str() {
                Some(text) => self.octets(text.as_bytes()),
                None => Err(Stop::PathNotText),
            },
            What::Blob => {
                let index = self.blobs.len() as u64;
                self.blobs.push(load!(Blob).clone());
                self.output.varint(index)
            }
            What::Node(id) => {
                // SAFETY: P1, inside the value.
                let part = unsafe { value.part(at) };
                // SAFETY: P1, a value of the node's type lies there.
                unsafe { self.node(id, part, depth) }
            }
        }
    }

    fn duration(&mut self, duration: Duration) -> Encoded {
        self.output.varint(duration.as_secs())?;
        self.output.varint(duration.subsec_nanos())
    }

    /// Bytes behind their length; text is the same.
    #[inline]
    fn octets(&mut self, bytes: &[u8]) -> Encoded {
        self.output.varint(bytes.len() as u64)?;
        self.output.put(bytes)
    }
}

/// The length of a list, and its first element.
///
/// # Safety
/// `value` must be such a list.
unsafe fn list_parts<'v>(calls: &ListCalls, value: Value<'v>) -> (usize, Value<'v>) {
    // SAFETY: as the caller vouches.
    let len = unsafe { (calls.len)(value.ptr()) };
    // SAFETY: as the caller vouches.
    let first = unsafe { (calls.as_ptr)(value.ptr()) };
    // SAFETY: the elements live as long as the list.
    let first = unsafe { Value::from_raw(first.raw_ptr()) };
    (len, first)
}
