//! `rapace-bench`, and the parts that it shares with the Criterion benchmarks: the service under test, and the
//! floors that it is compared with.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the command line, the run, the figures |
//! | [`work`] | the work of the processes that it starts |
//! | [`mirror`] | the service, and the plugin that serves it |
//! | [`doorbells`] | the floor of a round trip |
//! | [`local`] | the floor of the work itself |
//! | [`session_pair`] | two sessions in one process |
//! | [`turns`] | the same in turns, so that the cost of a call can be counted |
#![deny(unsafe_code)]

pub mod cli;
#[expect(unsafe_code, reason = "eventfds that tokio wants vouched for")]
pub mod doorbells;
pub mod local;
pub mod mirror;
pub mod session_pair;
pub mod turns;
pub mod work;
