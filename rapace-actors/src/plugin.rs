//! Plugins: processes of their own, behind addresses that outlive them.
//!
//! | part | what it owns |
//! |---|---|
//! | `handle` | what a host holds |
//! | `actor` | the stable actor: carries out what [`Life`](crate::supervision::Life) decides |
//! | `route` | what a proxy asks: is the plugin ready, where is its session, why is it down |
//! | `standing` | how requests, the actor and the runners change what the route says |
//! | `runner` | one incarnation: process, session, the calls that its end left over |
//! | `spec` | how a plugin is started, restarted and stopped |
//! | `stats` | what its callers experienced |
//! | `serve` | the other side: what a plugin's `main` does |

pub(crate) mod actor;
pub(crate) mod event;
pub(crate) mod handle;
pub(crate) mod route;
pub(crate) mod runner;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod spec;
pub(crate) mod standing;
pub(crate) mod stats;

pub use actor::{PluginActor, PluginArgs};
pub use event::{PluginEvent, PluginEventKind};
pub use handle::Plugin;
pub use serve::{PluginMain, ServeError, serve};
pub use spec::PluginSpec;
pub use stats::PluginSnapshot;
