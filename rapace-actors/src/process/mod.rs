//! Plugin processes: how one is started, watched and stopped, and its output read.
//!
//! This is the lowest layer: it uses no sessions, services, restart policies or plugins. A plugin's runner
//! holds one [`PluginProcess`] and one [`Output`] for each incarnation, and combines how they ended into one
//! [`ExitReport`].
//!
//! - P1: every plugin process is started by a thread that lives as long as the host (see [`spawn`]).
//! - P2: exactly one descriptor is passed to the plugin, as stdin: the control socket. All others are closed.
//! - P3: starting a process never copies the host's page tables: `rapace-spawn` makes the child with `vfork`'s flags.
//! - P4: no signal is sent to a process id that may already have been reaped.
//! - P5: a process whose handle is dropped is killed. If the host dies, the kernel kills the process, from
//!   before it runs ([`Leash`]), and once it serves, it also kills itself ([`parent_watchdog`]).
//! - P6: the rest of a plugin's process group ends with the plugin, and is reaped if it becomes the host's.

mod allowance;
mod child;
mod command;
mod dying;
mod exit;
mod exit_report;
mod incarnation;
mod limits;
mod lines;
mod output;
pub mod parent_watchdog;
mod reaper;
mod shutdown;
mod spawn_error;
mod spawner;
mod starts;
mod tail;
mod thread_end;
mod thread_names;
mod transient;
mod unreaped;

pub(crate) use allowance::{Allowance, within};
pub use child::PluginProcess;
pub use command::PluginCommand;
pub(crate) use dying::Threads;
pub use exit::ExitCause;
pub use exit_report::{EndedBy, ExitDetails, ExitReport};
pub use incarnation::Incarnation;
pub use limits::ResourceLimits;
pub use output::Output;
pub use rapace_spawn::{Leash, LeashHold, Unusable};
pub use shutdown::{DrainOutcome, ShutdownStage, ShutdownTimeouts, StopError, Stopped};
pub(crate) use spawn_error::refused;
pub use spawn_error::{HeldUp, SpawnError, SpawnErrorKind};
pub use spawner::{Spawned, spawn};
pub(crate) use spawner::{hanging, queue};
pub use tail::StderrTail;
pub(crate) use transient::{is_shortage, is_transient};
