//! The parts that both processes of a test run, shared so that the tests and the processes that they start follow one
//! script.
//!
//! The binaries are the other processes. They are in a crate of their own, which is not published, so that
//! installing rapace-shm installs none of them.

pub mod conversation;
pub mod follower;
#[cfg(feature = "crash-points")]
pub mod victim;
