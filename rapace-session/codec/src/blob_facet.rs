//! The facet description of a [`Blob`]: an opaque type that can be dropped, cloned, compared and formatted.
//!
//! Other facet formats cannot carry one; the plans of this crate recognise its type and send it as an attachment.

use facet::{Def, Facet, Shape, ShapeBuilder, Type, TypeOpsDirect, UserType, VTableDirect};
use facet::{type_ops_direct, vtable_direct};

use crate::blob::Blob;

static TYPE_OPS: TypeOpsDirect = type_ops_direct!(Blob => Default, Clone);

static VTABLE: VTableDirect = vtable_direct!(Blob => Debug, PartialEq);

// SAFETY: the shape is that of `Blob` itself: `for_sized` takes size, alignment and identity from the type, and both
// tables were made for it. Nothing is said about what lies inside.
unsafe impl Facet<'_> for Blob {
    const SHAPE: &'static Shape = &const {
        ShapeBuilder::for_sized::<Blob>("Blob")
            .module_path("rapace_codec")
            .doc(&[" Bytes that travel beside the message, without being copied where memory is shared."])
            .ty(Type::User(UserType::Opaque))
            .def(Def::Scalar)
            .vtable_direct(&VTABLE)
            .type_ops_direct(&TYPE_OPS)
            .eq()
            .send()
            .sync()
            .build()
    };
}
