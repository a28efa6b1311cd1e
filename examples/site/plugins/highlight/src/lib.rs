//! Syntax highlighting for the site builder: Sublime's grammars, as collected by `bat`, and syntect.
//!
//! ```
//! let syntect = site_highlight::Syntect::new();
//! let code = syntect.block("let x = 1;\n", "rust")?;
//!
//! assert_eq!(code.language, "Rust");
//! assert!(code.lines[0].starts_with("<span class=\"k\">let</span>"));
//! # Ok::<(), site_api::highlight::HighlightError>(())
//! ```

mod classes;
mod console;
mod highlighter;
mod language;
mod line;

pub use highlighter::Syntect;
