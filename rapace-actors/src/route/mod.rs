//! Routes: they lead a proxy's calls to the current incarnation of a plugin, or from a plugin to its host.
//!
//! Decides, for each call, whether it goes to an incarnation, waits for the next one or fails, and what happens
//! to the unsettled calls of a dead incarnation. Uses exit reports and the reasons of supervision; the plugin
//! actor above updates routes, and routes do not know it.

mod availability;
mod plugin_route;
mod ready;
mod stats;
mod unsettled;

pub(crate) use availability::{Ending, Request, RequestTicket, RouteUpdate};
pub(crate) use plugin_route::PluginRoute;
pub(crate) use ready::{Ready, ReadyChannel, Unready};
pub use stats::PluginSnapshot;
