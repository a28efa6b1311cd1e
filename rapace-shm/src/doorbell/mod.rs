//! Sleeping and waking: the doorbell, liveness, and the policy for how long to poll before sleeping.
//!
//! Decides how a sleeping peer is woken and how its end is detected. May use `kernel` and `crash_points`, but no
//! ring and no memory: the link decides when there is a reason to wake.

pub(crate) mod idle_policy;
pub(crate) mod liveness;
pub(crate) mod notify;
