//! Plugins: processes behind addresses that survive restarts.
//!
//! Decides how a plugin's process is started, watched, stopped and replaced, and updates its route, which
//! callers use. May use every folder but `supervisor`, which coordinates plugins.
//!
//! | item | what it is |
//! |---|---|
//! | [`PluginSpec`] | how a plugin is started, checked, restarted and stopped |
//! | [`Plugin`] | the host's handle: a stable address whose process is restarted behind it |
//! | [`PluginActor`] | the actor behind it, which carries out what [`Lifecycle`](crate::supervision::Lifecycle) decides |
//! | [`PluginEvent`] | one change of a plugin's state |
//! | [`Wait`] | calls, streams or allocations that have waited for long: who, for what, and who has it |
//! | [`PluginSnapshot`] | statistics of its calls |
//! | [`WindowConfig`] | how much one side may have waiting for the other |
//! | [`WindowConfigError`] | why that cannot be used |
//! | [`serve`], [`PluginServer`] | the plugin's side: what its `main` calls |

pub(crate) mod actor;
pub(crate) mod event;
pub(crate) mod handle;
pub(crate) mod published;
pub(crate) mod runner;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod spec;
pub(crate) mod windows;

pub use crate::route::PluginSnapshot;
pub use actor::{PluginActor, PluginArgs, StopOutcome};
pub use event::{PluginEvent, PluginEventKind};
pub use handle::Plugin;
pub use rapace_session::{CallUnderWay, Holder, MethodName, Resource, Wait, Waiter};
pub use serve::{PluginServer, ServeError, serve};
pub use spec::PluginSpec;
pub use windows::{WindowConfig, WindowConfigError};
