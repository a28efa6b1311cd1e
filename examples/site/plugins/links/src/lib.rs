//! Link checking, for the site builder.
//!
//! ```
//! use site_api::links::{Link, LinkedPage};
//!
//! let mut checker = site_links::Checker::new(["a.html".into(), "b.html".into()])?;
//! let link = |target: &str| Link { target: target.into(), written: None, line: 1 };
//! let problems = checker.page(LinkedPage {
//!     path: "a.html".into(),
//!     anchors: vec![],
//!     links: vec![link("b.html"), link("c.html"), link("b.html#start")],
//! });
//!
//! assert_eq!(problems.len(), 1, "c.html is missing; whether b.html has a start is not known yet");
//! # Ok::<(), site_api::links::LinkError>(())
//! ```

mod checker;
mod near;
mod service;
mod target;

pub use checker::Checker;
pub use service::LinkCheck;
