//! What happens after a plugin has died: whether it comes back, when, and who goes down with it.
//!
//! Everything here but the [`Supervisor`] is plain logic. It has no clock (instants are passed in), no actors and no processes; the actors
//! that use it receive facts, ask, and act on the answer.
//!
//! | question | answered by |
//! |---|---|
//! | does this end call for a restart? | [`calls_for_restart`], from a [`RestartPolicy`] |
//! | were there too many? | [`RestartWindow`] |
//! | how long until the next start? | [`Backoff`] |
//! | so what follows from this end? | [`Restarts`], which holds the three above and a circuit breaker |
//! | which siblings are stopped and started? | [`plan()`], from a [`SupervisionStrategy`] |
//! | who of them is told what next? | the [`Supervisor`]'s actor |
//! | what may happen now, and what happens next? | [`Life`] |
//! | why will it not come back? | [`DownReason`] |

mod backoff;
mod down;
pub(crate) mod family;
mod life;
mod plan;
mod policy;
mod restarts;
mod state;
mod window;

pub use backoff::{Backoff, BackoffConfig};
pub use down::{Down, DownReason, Failure, StartError};
pub use life::Life;
pub use plan::{Child, ChildState, Plan, plan};
pub use policy::{RestartPolicy, SupervisionStrategy, calls_for_restart};
pub use restarts::{Breaker, RestartConfig, Restarts, Verdict};
pub use state::{Action, Admission, AfterStop, Event, State, Stay};
pub use window::{LimitReached, RestartWindow};
