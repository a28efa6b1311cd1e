//! What both processes of a test run: here, so that the tests and the processes that they start play by one script.
//!
//! The binaries are the other processes. They are in a crate of their own, which is not published, so that whoever
//! installs rapace-shm installs none of them.

pub mod conversation;
pub mod follower;
