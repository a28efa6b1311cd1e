//! The five services that the site builder's plugins provide, and their data types.
//!
//! | service | module | shape |
//! |---|---|---|
//! | Markdown to HTML | [`markdown`] | one call per page |
//! | syntax highlighting | [`highlight`] | one call per code block |
//! | images | [`images`] | a few calls per image; pixels travel as blobs |
//! | search index | [`search`] | a stream of pages in, a stream of index chunks out |
//! | link checking | [`links`] | a stream of pages in, a stream of problems out |
//!
//! The host depends on this crate and on none of the plugins; each plugin depends on this crate and not on the
//! host.
//!
//! - A1: every method is a pure function of its arguments (and its stream), so it can be called again after a
//!   plugin died, and the answer is the same byte for byte.
//! - A2: paths are relative to the site's root and use `/`; a page's path before rendering ends in `.md`,
//!   after it in `.html`.
//! - A3: lines are counted from 1 in the text that was sent.

pub mod highlight;
pub mod images;
pub mod links;
pub mod markdown;
pub mod search;
