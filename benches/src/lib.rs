//! `rapace-bench`, and what the Criterion benchmarks share with it: the service that is called, and
//! the floors that it is held against.
//!
//! | part | what it is |
//! |---|---|
//! | [`cli`] | what was asked for, the run, the figures |
//! | [`work`] | what the processes do that it starts |
//! | [`mirror`] | the service, and the plugin that serves it |
//! | [`doorbells`] | the floor of a round trip |
//! | [`local`] | the floor of the work itself |
//! | [`session_pair`] | two sessions in one process |
//! | [`turns`] | the same in turns, so that what a call costs can be counted |
#![deny(unsafe_code)]

pub mod cli;
#[expect(unsafe_code, reason = "eventfds that tokio wants vouched for")]
pub mod doorbells;
pub mod local;
pub mod mirror;
pub mod session_pair;
pub mod turns;
pub mod work;
