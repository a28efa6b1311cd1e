//! The result of a method: a value or a stream, alone or with an error type of the method's own.

use syn::spanned::Spanned;
use syn::{ReturnType, Type, parse_quote_spanned};

use crate::owned::{self, Way, items, last_segment, type_arguments};
use crate::refusals::Refusals;

/// A parsed result of a method.
pub(crate) struct Output {
    /// The result as written; `()` if there is none.
    pub(crate) written: Type,
    /// The type on success; the whole result if the method has no error type.
    pub(crate) ok: Type,
    /// The error type.
    pub(crate) error: Option<Type>,
    /// The item type, if success is a stream.
    pub(crate) items: Option<Type>,
}

impl Output {
    /// Parses a result, and rejects types that cannot be serialized. After a rejection the returned value is
    /// meaningless.
    pub(crate) fn parse(output: &ReturnType, refusals: &mut Refusals) -> Self {
        let written = match output {
            ReturnType::Default => parse_quote_spanned!(output.span()=> ()),
            ReturnType::Type(_, ty) => (**ty).clone(),
        };
        let (ok, error) = split(&written, refusals);
        if let Some(error) = &error {
            if items(error).is_some() {
                refusals.refuse(error, "an error is one value: it cannot be a stream");
            } else {
                owned::check(error, Way::Out, refusals);
            }
        }
        let items = items(&ok).cloned();
        owned::check(items.as_ref().unwrap_or(&ok), Way::Out, refusals);
        Self {
            written,
            ok,
            error,
            items,
        }
    }
}

/// Splits `Result<T, E>`. Only the literal form counts: an alias is a value like any other, encoded whole.
fn split(written: &Type, refusals: &mut Refusals) -> (Type, Option<Type>) {
    let Some(segment) = last_segment(written).filter(|segment| segment.ident == "Result") else {
        return (written.clone(), None);
    };
    if let Some([ok, error]) = type_arguments(segment).as_deref() {
        return ((*ok).clone(), Some((*error).clone()));
    }
    refusals.refuse(
        written,
        "write the error out, `Result<T, E>`: the caller must know its type",
    );
    (parse_quote_spanned!(written.span()=> ()), None)
}
