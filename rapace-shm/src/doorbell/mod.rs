//! Waking and being woken: the doorbell, the kernel's word on whether the peer lives, and when a receiver that finds
//! nothing polls on instead of sleeping.
//!
//! Decides how a sleeping peer is woken and how its end is learned. Knows `kernel` and `crash_points`, no ring and no
//! memory: whether there is anything to wake for is the link's business.

pub(crate) mod idle_policy;
pub(crate) mod interval;
pub(crate) mod liveness;
pub(crate) mod notify;
