//! A static site builder whose work is done by five plugin processes.
//!
//! ```text
//!              content              site
//!                 │                  ▲
//!        ┌────────▼──────────────────┴────────┐
//!        │ host: content, navigation, pages,  │
//!        │ counting, kills, report            │
//!        └─┬───────┬───────┬───────┬───────┬──┘
//!          │calls  │calls  │blobs  │streams│streams
//!      markdown highlight images search  links
//! ```
//!
//! The host needs none of the plugins' dependencies: no Markdown parser, no grammars, no image codecs. It calls
//! the services through the typed proxies of `site_api`, and cannot tell whether a process or an actor in its
//! own process is behind them. `site-in-process` is this same library with the services linked in.

mod assets;
mod build;
mod chaos;
mod cli;
mod content;
mod engine;
mod error;
mod html;
mod navigation;
mod output;
mod path;
mod plugin;
mod problem;
mod progress;
mod report;
mod site;
mod template;
mod workshop;

pub use build::{BuildOptions, Outcome, build};
pub use cli::{Arguments, BuildArguments, Command, run, run_in_process};
pub use engine::Tally;
pub use error::BuildError;
pub use plugin::PluginKind;
pub use problem::{Problem, ProblemKind};
pub use progress::Progress;
pub use workshop::{Services, Workshop};
