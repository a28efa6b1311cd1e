//! Which types can be written in a service: owned ones, without a stream inside.
//!
//! - O1: a type that borrows, or whose value is an address, is rejected where it is written.
//! - O2: `Streaming<T>` is a whole argument or a whole result; inside another type it is rejected.
//! - O3: properties that tokens do not show (a type that does not derive `Facet`) are left to the compiler.

use syn::visit::{self, Visit};
use syn::{GenericArgument, Lifetime, PathArguments, PathSegment, Type, TypePath};

use crate::refusals::Refusals;

/// The direction in which a type is sent; the error text depends on it.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    In,
    Out,
}

/// Rejects types that cannot be serialized (O1, O2).
pub(crate) fn check(ty: &Type, way: Way, refusals: &mut Refusals) {
    if let Type::Slice(_) = peel(ty) {
        let what = way.crosses();
        refusals.refuse(
            ty,
            format!("{what} an owned value, `Vec<..>` instead of a slice"),
        );
        return;
    }
    Visitor { way, refusals }.visit_type(ty);
}

/// Removes parentheses and the invisible groups of `macro_rules` around a type.
pub(crate) fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => peel(&group.elem),
        Type::Paren(paren) => peel(&paren.elem),
        _ => ty,
    }
}

/// Returns the last segment of a path type: `Result<..>` of `std::result::Result<..>`.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match peel(ty) {
        Type::Path(TypePath {
            qself: None, path, ..
        }) => path.segments.last(),
        _ => None,
    }
}

/// Returns the types in `<..>`; `None` if there is anything else.
pub(crate) fn type_arguments(segment: &PathSegment) -> Option<Vec<&Type>> {
    match &segment.arguments {
        PathArguments::None => Some(Vec::new()),
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().map(type_argument).collect()
        }
        PathArguments::Parenthesized(_) => None,
    }
}

fn type_argument(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    }
}

/// Returns the item type of a `Streaming<T>`; `None` for another type.
pub(crate) fn items(ty: &Type) -> Option<&Type> {
    let segment = last_segment(ty).filter(|segment| segment.ident == "Streaming")?;
    match type_arguments(segment)?.as_slice() {
        [item] => Some(item),
        _ => None,
    }
}

impl Way {
    fn crosses(self) -> &'static str {
        match self {
            Self::In => "a call crosses processes: take",
            Self::Out => "a call crosses processes: give",
        }
    }
}

struct Visitor<'a> {
    way: Way,
    refusals: &'a mut Refusals,
}

impl Visitor<'_> {
    fn refuse(&mut self, ty: &Type, instead: &str) {
        self.refusals
            .refuse(ty, format!("{} {instead}", self.way.crosses()));
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(_) => self.refuse(ty, "an owned value instead of a reference"),
            Type::ImplTrait(_) => self.refuse(
                ty,
                "an owned value of a named type instead of `impl`; for a stream, `Streaming<..>`",
            ),
            Type::TraitObject(_) => {
                self.refuse(ty, "an owned value of a named type instead of `dyn`; an enum, if there are several");
            }
            Type::Ptr(_) => self.refuse(ty, "an owned value, an address means nothing there"),
            Type::FnPtr(_) => self.refuse(
                ty,
                "an owned value, a function's address means nothing there",
            ),
            Type::Infer(_) | Type::Macro(_) | Type::Verbatim(_) => {
                self.refuse(ty, "a type that is written out, both sides must know it");
            }
            Type::Never(_) => self.refuse(ty, "a value: a call that never returns has no result"),
            _ => visit::visit_type(self, ty),
        }
    }

    fn visit_type_path(&mut self, ty: &'ast TypePath) {
        let segments = &ty.path.segments;
        if segments.first().is_some_and(|first| first.ident == "Self") {
            let what = self.way.crosses();
            self.refusals.refuse(
                ty,
                format!("{what} a type that both sides know, `Self` is one side's own"),
            );
        } else if let Some(stream) = segments.last().filter(|last| last.ident == "Streaming") {
            let why = match stream.arguments {
                PathArguments::None => "a stream has items: write `Streaming<T>`",
                _ => {
                    "a stream is a channel of its own and cannot be part of a value: \
                     make `Streaming<T>` an argument or the result by itself"
                }
            };
            self.refusals.refuse(ty, why);
        } else {
            visit::visit_type_path(self, ty);
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        let what = self.way.crosses();
        self.refusals.refuse(
            lifetime,
            format!("{what} an owned value, without a lifetime"),
        );
    }
}
