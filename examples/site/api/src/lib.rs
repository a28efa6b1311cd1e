//! The five services that the site builder's plugins offer, and the data that crosses to them.
//!
//! | service | module | shape |
//! |---|---|---|
//! | Markdown to HTML | [`markdown`] | one call per page |
//! | syntax highlighting | [`highlight`] | one call per code block |
//! | images | [`images`] | a few calls per image; pixels travel as blobs |
//! | search index | [`search`] | a stream of pages in, a stream of index chunks out |
//! | link checking | [`links`] | a stream of pages in, a stream of problems out |
//!
//! The host knows this crate and none of the plugins; each plugin knows this crate and not the host.
//!
//! - A1: every method is a pure function of its arguments (and of the stream that it is given), so each can be
//!   asked again after a plugin died, and the answer is the same byte for byte.
//! - A2: paths are relative to the site's root and use `/`; a page's path before rendering ends in `.md`,
//!   after it in `.html`.
//! - A3: lines are counted from 1 in the text that was sent.

pub mod highlight;
pub mod images;
pub mod links;
pub mod markdown;
pub mod search;
