//! Finds types that cannot cross when a service is declared, and not when the first call fails.

use std::any::TypeId;
use std::collections::HashSet;

use facet::{Field, Shape};

use crate::kind::{Kind, Refusal, check_field, kind_of};

/// A type, or a part of one, that cannot cross.
///
/// ```
/// use facet::Facet;
/// use rapace_codec::check_shape;
///
/// #[derive(Facet)]
/// struct Report {
///     name: String,
///     parts: Vec<std::borrow::Cow<'static, str>>,
/// }
///
/// let refused = check_shape(Report::SHAPE).unwrap_err();
/// assert_eq!(refused.path(), "Report.parts[]");
/// assert_eq!(refused.way_out(), "send a `String`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}`{} cannot be sent to a plugin: {}; {}",
    of_type(.path, .type_name), .refusal.reason, .refusal.way_out
)]
pub struct RefusedType {
    path: String,
    type_name: String,
    refusal: Refusal,
}

impl RefusedType {
    /// The path from the checked type to the part that cannot cross: `Report.saved_to[]`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The type of that part.
    pub fn type_name(&self) -> &str {
        &self.type_name
    }

    /// Why it cannot cross.
    pub fn reason(&self) -> &'static str {
        self.refusal.reason
    }

    /// The remedy: a type to use instead.
    pub fn way_out(&self) -> &'static str {
        self.refusal.way_out
    }
}

/// The type of the part, where the path does not say it.
fn of_type(path: &str, type_name: &str) -> String {
    match path == type_name {
        true => String::new(),
        false => format!(" (`{type_name}`)"),
    }
}

/// Checks whether values of a type can cross; if not, returns which part of the type prevents it.
///
/// # Errors
/// The first part that cannot cross, in the order of declaration.
pub fn check_shape(shape: &'static Shape) -> Result<(), RefusedType> {
    let mut walk = Walk {
        seen: HashSet::new(),
        path: shape.to_string(),
    };
    walk.visit(shape)
}

struct Walk {
    seen: HashSet<TypeId>,
    path: String,
}

impl Walk {
    fn visit(&mut self, shape: &'static Shape) -> Result<(), RefusedType> {
        if !self.seen.insert(shape.id.get()) {
            return Ok(());
        }
        let kind = kind_of(shape).map_err(|refusal| self.refused(shape, refusal))?;
        match kind {
            Kind::Scalar(_)
            | Kind::NonZero(_)
            | Kind::String
            | Kind::Text(_)
            | Kind::Bytes(_)
            | Kind::Duration
            | Kind::Time
            | Kind::Path
            | Kind::Blob => Ok(()),
            Kind::Struct(def) => self.fields("", def.fields),
            Kind::Enum(def) => def
                .variants
                .iter()
                .try_for_each(|variant| self.fields(variant.name, variant.data.fields)),
            Kind::Option(def) => self.part("?", def.t),
            Kind::Result(def) => {
                self.part(".Ok", def.t)?;
                self.part(".Err", def.e)
            }
            Kind::List(def) | Kind::Queue(def) => self.part("[]", def.t),
            Kind::Array(def) => self.part("[]", def.t),
            Kind::Map(def) => {
                self.part("[key]", def.k)?;
                self.part("[value]", def.v)
            }
            Kind::Set(def) => self.part("[]", def.t),
            Kind::Pointer(_, pointee) => self.part("", pointee),
            Kind::Slice(_, def) => self.part("[]", def.t),
        }
    }

    fn fields(&mut self, variant: &str, fields: &'static [Field]) -> Result<(), RefusedType> {
        let start = self.path.len();
        for field in fields {
            if !variant.is_empty() {
                self.path.push_str("::");
                self.path.push_str(variant);
            }
            self.path.push('.');
            self.path.push_str(field.name);
            check_field(field).map_err(|refusal| self.refused(field.shape(), refusal))?;
            self.visit(field.shape())?;
            self.path.truncate(start);
        }
        Ok(())
    }

    fn part(&mut self, step: &str, shape: &'static Shape) -> Result<(), RefusedType> {
        let start = self.path.len();
        self.path.push_str(step);
        self.visit(shape)?;
        self.path.truncate(start);
        Ok(())
    }

    fn refused(&self, shape: &'static Shape, refusal: Refusal) -> RefusedType {
        RefusedType {
            path: self.path.clone(),
            type_name: shape.to_string(),
            refusal,
        }
    }
}
