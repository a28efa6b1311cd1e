//! Decides which fields can cross, independent of their types.

use facet::{Field, FieldFlags};

use super::types::{Refusal, refuse};

/// Checks whether a field can be sent, independent of its type.
pub(crate) fn check_field(field: &'static Field) -> Result<(), Refusal> {
    if field.is_flattened() {
        return refuse(
            "`flatten` is for formats with field names",
            "let the field be a field",
        );
    }
    let skipped = FieldFlags::SKIP
        .union(FieldFlags::SKIP_SERIALIZING)
        .union(FieldFlags::SKIP_DESERIALIZING);
    if !field.flags.intersection(skipped).is_empty() {
        return refuse(
            "a field that is skipped leaves a hole that the receiver cannot fill",
            "send a type without the field",
        );
    }
    if field.has_any_proxy() {
        return refuse(
            "the field is sent through a proxy",
            "give the field the proxy type",
        );
    }
    if field.is_metadata() {
        return refuse("the field is metadata", "remove the attribute");
    }
    if field.invariants.is_some() || field.attributes.iter().any(|a| a.ns == Some("validate")) {
        return refuse(
            "the field has a validator of its own",
            "put `#[facet(invariants = ...)]` on the type",
        );
    }
    Ok(())
}
