//! A search index for the site builder: from pages it makes scripts that a page loads when its reader searches.
//!
//! ```
//! use site_api::search::{IndexPage, Section};
//!
//! let mut indexer = site_search::Indexer::new(64 << 10)?;
//! let section = Section { anchor: "a".into(), heading: "Über".into(), text: "Some words.".into() };
//! let page = IndexPage { path: "a.html".into(), title: "A".into(), sections: vec![section] };
//!
//! assert!(indexer.page(&page).is_none(), "the first chunk is not full");
//! let chunk = indexer.finish().expect("the last chunk");
//! assert!(chunk.script.starts_with("siteSearch.add({"));
//! # Ok::<(), site_api::search::SearchError>(())
//! ```

mod indexer;
mod segment;
mod service;
mod words;

pub use indexer::Indexer;
pub use service::Indexing;
