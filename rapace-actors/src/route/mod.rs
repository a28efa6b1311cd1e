//! Routes: what leads a proxy's calls to the current incarnation of a plugin, or to a plugin's host.
//!
//! Decides, for each call, whether it goes to an incarnation, waits for the next one or fails, and what happens to
//! calls that a dead incarnation left. Knows processes' deaths and the reasons of supervision; it is told what to do
//! by the plugin above it, which it does not know.

mod plugin_route;
mod ready;
mod standing;
mod stats;
mod unsettled;

pub(crate) use plugin_route::PluginRoute;
pub(crate) use ready::{Ready, ReadyChannel, Unready};
pub(crate) use standing::{Asked, Request, RouteUpdate, Surprise};
pub use stats::PluginSnapshot;
