//! What the Criterion benchmarks and `rapace-bench` share: the service that is called, the floors
//! that it is held against, and how samples are taken.
#![deny(unsafe_code)]

pub mod child;
#[expect(unsafe_code, reason = "eventfds that tokio wants vouched for")]
pub mod doorbells;
pub mod local;
pub mod machine;
pub mod mirror;
pub mod sample;
pub mod session_pair;
