//! Plugins: processes of their own, behind addresses that outlive them.
//!
//! Decides how a plugin's process is started, watched, stopped and replaced, and tells its route what that means for
//! callers. Knows every room but `supervisor`, which coordinates plugins.
//!
//! | item | what it is |
//! |---|---|
//! | [`PluginSpec`] | how a plugin is started, checked, restarted and stopped |
//! | [`Plugin`] | what a host holds: a stable address under which processes come and go |
//! | [`PluginActor`] | the actor behind it, which carries out what [`Lifecycle`](crate::supervision::Lifecycle) decides |
//! | [`PluginEvent`] | one change of a plugin's state |
//! | [`PluginSnapshot`] | what its callers experienced, in numbers |
//! | [`serve`], [`PluginServer`] | the other side: what a plugin's `main` does |

pub(crate) mod actor;
pub(crate) mod event;
pub(crate) mod handle;
pub(crate) mod published;
pub(crate) mod runner;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod spec;

pub use crate::route::PluginSnapshot;
pub use actor::{PluginActor, PluginArgs, StopOutcome};
pub use event::{PluginEvent, PluginEventKind};
pub use handle::Plugin;
pub use serve::{PluginServer, ServeError, serve};
pub use spec::PluginSpec;
