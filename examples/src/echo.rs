//! The echo pair: the smallest two peers, and what there is to see of a session between them.
//!
//! | part | what it shows |
//! |---|---|
//! | `service` | the service, written once for both sides |
//! | `offer` | a service offered to a peer that nobody started as a plugin |
//! | `round_trips` | payloads of every size, there and back |
//! | `slots` | where the slots of a slab are, from being written to being given back |
//! | `heartbeat` | whether the peer's executor runs |
//! | `departure` | how the other side's end is learned of, and how fast |
//! | `exit` | what an exit code says |

mod departure;
mod exit;
mod heartbeat;
mod offer;
mod round_trips;
mod service;
mod slots;

pub use departure::{Departure, KernelsWord, Stamped, stamped};
pub use exit::Problem;
pub use heartbeat::{Heartbeat, Look};
pub use offer::offer;
pub use round_trips::round_trips;
pub use service::{Echo, EchoProxy, EchoServer, EchoService, Echoing};
pub use slots::{lives_of_slots, show_slots};
