//! What happens after a plugin has died: whether it is restarted, when, and which siblings are stopped with it.
//!
//! This folder is plain logic. It has no clock (instants are passed in) and no actors, and starts no processes;
//! the actors that use it report facts to it and carry out its answers. It uses exit reports of `process`, and
//! does not depend on calls, sessions, plugins and supervisors.
//!
//! | question | answered by |
//! |---|---|
//! | does this exit trigger a restart? | [`calls_for_restart`], from a [`RestartPolicy`] |
//! | were there too many restarts? | [`RestartWindow`] |
//! | how long is the wait before the next start? | [`Backoff`] |
//! | what follows from this exit? | [`Restarts`], which holds the three above and a circuit breaker |
//! | which siblings are stopped and started? | [`plan()`], from a [`SupervisionStrategy`] |
//! | which directive does which sibling get next? | `SupervisionGroup`, for the actor of a [`Supervisor`](crate::Supervisor) |
//! | which events are allowed in which state, and what follows? | [`Lifecycle`] |
//! | why is the plugin not restarted? | [`DownReason`] |

mod backoff;
mod down;
mod failure;
#[cfg(test)]
mod fixture;
pub(crate) mod group;
mod lifecycle;
mod plan;
mod policy;
mod restarts;
mod state;
mod window;

pub use backoff::{Backoff, BackoffConfig};
pub use down::{Down, DownReason};
pub use failure::{Failure, StartError};
pub use lifecycle::Lifecycle;
pub use plan::{Child, ChildState, Plan, plan};
pub use policy::{RestartPolicy, SupervisionStrategy, calls_for_restart};
pub use restarts::{Breaker, RestartConfig, RestartDecision, Restarts};
pub use state::{Action, Admission, AfterStop, Event, State, Stay};
pub use window::{LimitReached, RestartWindow};
