//! Markdown to HTML for the site builder.
//!
//! CommonMark with tables, footnotes, task lists, strikethrough, heading attributes, alerts and a title in YAML
//! front matter; and of mdBook's dialect, `<Listing>` tags and lines hidden in Rust code.
//!
//! ```
//! use site_api::markdown::{PageSource, Part};
//!
//! let page = PageSource { path: "a.md".into(), text: "# Hello\n\nSee [b](b.md).\n".into() };
//! let page = site_markdown::render(&page)?;
//!
//! assert_eq!(page.title.as_deref(), Some("Hello"));
//! assert!(matches!(&page.parts[..], [Part::Html(html)] if html.contains(r#"<a href="b.html">b</a>"#)));
//! # Ok::<(), site_api::markdown::MarkdownError>(())
//! ```

mod anchors;
mod events;
mod fence;
mod footnotes;
mod lines;
mod listing;
mod parts;
mod raw;
mod render;
mod sections;
mod service;
mod tag;
mod target;
mod write;

pub use render::render;
pub use service::CommonMark;
