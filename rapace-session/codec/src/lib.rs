//! Values to bytes and back, for processes that do not trust each other's bytes.
//!
//! A type that derives [`facet::Facet`] describes itself. From that description a plan is made, once
//! per type: which bytes of a value are copied, which become numbers, where the next list lies.
//! Encoding and decoding run the plan. On the wire is [postcard]'s format, byte for byte, so that
//! other programs can write and read it.
//!
//! ```
//! use facet::Facet;
//! use rapace_codec::{Blob, from_slice, to_vec};
//!
//! #[derive(Facet, Debug, PartialEq)]
//! struct Photo {
//!     name: String,
//!     size: (u32, u32),
//!     pixels: Blob,
//! }
//!
//! let photo = Photo { name: "fox".into(), size: (640, 480), pixels: Blob::from(vec![0; 921_600]) };
//!
//! // The pixels are not among the bytes: they go beside them, as an attachment.
//! let (bytes, blobs) = to_vec(&photo)?;
//! assert_eq!(bytes, [3, b'f', b'o', b'x', 0x80, 0x05, 0xe0, 0x03, 0]);
//! assert_eq!(blobs.len(), 1);
//!
//! let arrived: Photo = from_slice(&bytes, &blobs)?;
//! assert_eq!(arrived, photo);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! From the lowest to the highest:
//!
//! | file | decides |
//! |---|---|
//! | `guard`, `limits`, `varint` | how panics in user code are caught; how much may be decoded; how numbers are written |
//! | `timestamp`, `deque`, `blob`, `wire` | the types that this crate adds, and which types can be named in a service |
//! | `kind` | what a shape is to the codec |
//! | `check`, `schema` | which part of a type cannot cross; how a type is described to the peer |
//! | `error` | the errors of encoding and decoding |
//! | `output`, `input` | where encoded bytes go, and come from |
//! | `plan` | how the values of a type are encoded and decoded |
//! | `writer`, `reader`, `hash` | the ways in: encode, decode, and hash a schema |
//!
//! # What can cross
//!
//! | type | on the wire |
//! |---|---|
//! | `u8`, `i8`, `f32`, `f64` | as in memory, least significant byte first |
//! | other integers up to 128 bits, `usize`, `isize`, `NonZero` of each | varint; signed ones folded |
//! | `bool`, `char`, `()` | one byte; text of one character; nothing |
//! | `String`, `Box<str>`, `Arc<str>` | length, UTF-8 |
//! | `Vec`, `Box<[T]>`, `Arc<[T]>`, sets; `VecDeque` as [`Deque`] | length, elements |
//! | arrays, tuples, structs | elements or fields |
//! | `HashMap`, `BTreeMap` (and their sets) with the standard hasher | length, key and value in turn |
//! | `Option`; `Result` | a byte 0 or 1; a variant |
//! | enums with a `repr` | number of the variant in order of declaration, its fields |
//! | `Box`, `Arc` | what they point to |
//! | [`Duration`](std::time::Duration) | seconds, nanoseconds |
//! | `SystemTime`, as [`Timestamp`] or `#[facet(opaque)]` | the same, since 1970 |
//! | `PathBuf` | its text; a path that is not UTF-8 cannot be encoded |
//! | [`Blob`] | number of the attachment |
//!
//! Types may be generic and may contain themselves. Attributes that only rename (`rename`,
//! `rename_all`), mark (`sensitive`, `default`) or make transparent have no effect on the bytes. A
//! type's `#[facet(invariants = ..)]` is run on what was decoded.
//!
//! A [`Blob`] borrows: its bytes are not copied, and it keeps their memory alive. References cannot be sent, since facet
//! does not say how long a type borrows.
//!
//! All else is refused: references and `Cow`, which borrow; locks, cells, `Rc` and weak pointers;
//! ranges, `Instant`; unions and types that are opaque to facet; `flatten`, `skip`, `proxy`,
//! `untagged`, `tag` and validators of fields. [`check_shape`] tells which part of a type stands in
//! the way, why, and what to write instead. It is called where services are declared, so that nobody
//! learns of it from a failed call.
//!
//! # What the bytes may do
//!
//! The bytes may come from a compromised peer. For any bytes:
//!
//! - decoding returns a value or a [`DecodeError`]. It does not panic, and what had been built when it failed is
//!   dropped. This holds for your own code that it calls, too: a panic in `invariants`, in the `Hash`, `Eq` or `Ord` of
//!   a key, or in a `Drop`, is caught, and all but the last make the value undecodable
//!   ([`DecodeFault::Panicked`]). See [below](#keys) for what is asked of keys.
//! - time and stack are bounded by the length of the input and the [`Limits`]. Memory is allocated for
//!   what has arrived, never for what was only claimed.
//! - each value has one encoding: numbers in a longer form than needed and trailing bytes are refused.
//!   Maps and sets are the exception, their entries may come in any order and more than once.
//!
//! # Keys
//!
//! facet makes maps and sets in functions with the C interface, where a panic ends the process and cannot be caught.
//! So the functions of keys that hold types of yours are called before that: of ordered keys, every comparison that std
//! then makes; of hashed keys the `Hash` of each key, and `Eq` of each with itself, with all others if there are at
//! most 64, and otherwise with its neighbours in the order of hashes. A function that panics then makes the value undecodable. Two
//! ways remain to end the process by a panic in a key's function: one that panics where it did not a moment before with the
//! same keys, and an `Eq` that panics for some pairs in a table of more than 64 entries, none of which are neighbours.
//! A derived implementation does neither. A key whose functions facet does not know, that of a generic struct for one,
//! is refused as a type that cannot cross.
//!
//! # The unsafe part
//!
//! `unsafe` is denied outside the module of the plans, where values are read and built through raw places, and
//! two implementations of facet's unsafe trait. Why it is sound, in short: a plan is made only from the
//! shape of a type, which `Facet`, an unsafe trait, vouches for; it runs only on that type, which is a
//! parameter of the two functions that lead in; each place is written once before it counts as a
//! value, and when decoding fails, exactly the places that were written are dropped. The rules are
//! numbered at the head of that module and cited where they are used. They rely on nothing but
//! `Facet`'s promise: where facet's own functions are unsound for a type (hash tables
//! with another hasher), the type is refused.
//!
//! [postcard]: https://postcard.jamesmunns.com/wire-format

#![deny(unsafe_code)]

mod blob;
mod blob_bytes;
#[expect(unsafe_code, reason = "facet's trait is unsafe to implement")]
mod blob_facet;
mod blob_mut;
mod check;
mod deque;
#[expect(unsafe_code, reason = "facet's trait is unsafe to implement")]
mod deque_facet;
mod error;
mod guard;
mod hash;
mod input;
mod kind;
mod limits;
mod output;
mod plan;
mod reader;
mod schema;
mod timestamp;
mod varint;
mod wire;
mod writer;

pub use blob::{Blob, BlobStorage};
pub use blob_mut::{BlobMut, BlobStorageMut, BlobWriter};
pub use check::{RefusedType, check_shape};
pub use deque::Deque;
pub use error::{DecodeError, DecodeFault, EncodeError};
pub use guard::{guarded, panic_message};
pub use hash::{SchemaHash, schema_hash};
pub use limits::Limits;
pub use reader::{Reader, from_slice};
pub use schema::{FieldDef, Fields, TypeBody, TypeDef, TypeRef, TypeSchema, VariantDef, describe};
pub use timestamp::Timestamp;
pub use wire::Wire;
pub use writer::{Writer, to_vec};
