//! Decides what a shape is to this codec. Plans, schemas and checks all use this module, so they never disagree about which
//! types are accepted.
//!
//! It knows facet's shapes, [`Blob`](crate::Blob) and [`Timestamp`](crate::Timestamp), and nothing of bytes. From the lowest to
//! the highest:
//!
//! | file | decides |
//! |---|---|
//! | `types` | what a shape can be |
//! | `scalars` | which types are values without parts |
//! | `collections` | which lists, maps, sets and pointers can cross |
//! | `single` | what a shape is by itself |
//! | `entries` | whether keys can be called, and so what a shape is |
//! | `fields` | which fields can cross |

mod collections;
mod entries;
mod fields;
mod scalars;
mod single;
mod types;

pub(crate) use collections::is_ordered;
pub(crate) use entries::{Entries, entries, kind_of};
pub(crate) use fields::check_field;
pub(crate) use types::{Kind, Owner, Refusal, Scalar};
