//! Tests that the files of a crate import each other in one direction, and that the handbook says what the code says.
//!
//! [`imports`] reads the sources of a crate and lists which file uses which other file. [`cycles`] and
//! [`folder_cycles`] find circles in that list, [`upward`] finds imports against a given order of layers. A crate
//! has this as a development dependency and one test, in `tests/layers.rs`:
//!
//! ```
//! # fn main() -> Result<(), rapace_layering::ReadError> {
//! /// From the lowest layer to the highest. Each is a folder or a file of `src`, and imports from those before it.
//! const LAYERS: &[&str] = &["cfg", "scan", "source", "names", "imports", "layers", "cycles", "pages", "rules", "texts"];
//!
//! let imports = rapace_layering::imports(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))?;
//! rapace_layering::assert_acyclic(&imports);
//! rapace_layering::assert_layers(&imports, LAYERS);
//! # Ok(())
//! # }
//! ```
//!
//! The example `circles` prints the circles of any crate:
//!
//! ```text
//! cargo run -p rapace-layering --example circles rapace-session/src benches/src
//! ```
//!
//! # What counts as an import
//!
//! - `use` lines in all their forms (groups, renames, globs, `pub use`), and paths in code: types, calls, patterns,
//!   bounds, and what looks like a path in a macro's arguments. Documentation and `pub(in path)` are not imports.
//! - A path counts as an import of the file that *defines* the item. If `lib.rs` says `pub use calls::Request`,
//!   then `use crate::Request` imports `calls/…`, and not `lib.rs`.
//! - `mod name;` alone is not an import: a `mod.rs` may own its children without using them. A re-export is one: a
//!   `mod.rs` that re-exports from its children defines nothing that they use.
//! - Code that only test builds have may import from anywhere: everything under `#[cfg(test)]`, `#[test]`, and
//!   `cfg`s that name `fuzzing`, `kani`, `loom` or `miri`. Code under `cfg(feature = "…")` counts.
//!
//! # Limits
//!
//! It reads sources, not types. It does not see a method call on a value, a module that a macro declares, or an item
//! from a macro's expansion. `cargo modules dependencies --acyclic` resolves names as the compiler does, and is
//! worth running now and then.
//!
//! # Tables of the handbook
//!
//! A table that describes the code has one source, the code: [`doc_comments`] and [`module_tables`] read it, and
//! [`assert_table`] compares it with the page. `UPDATE=1 cargo test` rewrites the page.
//!
//! # Rule codes
//!
//! [`assert_rule_codes`] checks that each numbered rule of a crate has a code of its own, and that no comment cites one that
//! does not exist.
//!
//! # Texts of errors
//!
//! [`assert_error_texts`] compares what a crate's errors print with a file, so that a changed text shows in a diff.
//!
//! | file | decides |
//! |---|---|
//! | `cfg` | which code only test builds have |
//! | `scan` | which paths a file contains |
//! | `source` | which files make up a crate, and which module each is |
//! | `names` | which file defines the item that a path names |
//! | `imports` | the list of imports |
//! | `layers` | which imports point upwards |
//! | `cycles` | which files and folders form a cycle |
//! | `pages` | whether a page has a table as the code has it |
//! | `rules` | whether each rule code is defined once |
//! | `texts` | whether errors print the texts in a file |
#![forbid(unsafe_code)]

mod cfg;
mod cycles;
mod imports;
mod layers;
mod names;
mod pages;
mod rules;
mod scan;
mod source;
mod texts;

pub use cycles::{Cycle, assert_acyclic, cycles, folder_cycles};
pub use imports::{Import, Imports, imports};
pub use layers::{assert_layers, unlisted, upward};
pub use pages::{assert_table, doc_comments, module_tables};
pub use rules::assert_rule_codes;
pub use source::ReadError;
pub use texts::assert_error_texts;
