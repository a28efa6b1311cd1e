//! The echo pair: two minimal peers, and what can be observed of the session between them.
//!
//! | module | what it shows |
//! |---|---|
//! | `service` | the service, written once for both sides |
//! | `offer` | serving a peer that is not a plugin |
//! | `round_trips` | round trips with payloads of every size |
//! | `slots` | the states of a slab's slots, from written to returned |
//! | `heartbeat` | whether the peer's executor runs |
//! | `departure` | how the peer's death is detected, and how fast |
//! | `exit` | the exit codes |

mod departure;
mod exit;
mod heartbeat;
mod offer;
mod round_trips;
mod service;
mod slots;

pub use departure::{Departure, KernelsWord, Stamped, stamped};
pub use exit::Problem;
pub use heartbeat::{Heartbeat, Reading};
pub use offer::offer;
pub use round_trips::round_trips;
pub use service::{Echo, EchoProxy, EchoServer, EchoService, Echoing};
pub use slots::{lives_of_slots, show_slots};
