//! A peer that keeps the rules of the transport and breaks those of the protocol, against a session whose users go on
//! working.
//!
//! | module | holds |
//! |---|---|
//! | [`part`] | scripts as bytes, both ways |
//! | [`script`], [`body`] | what a script can say |
//! | `frames` | the frames that it names |
//! | `peer`, `account` | the peer, and what it may rely on |
//! | `here`, `service`, `value` | this side: a session, its users and its services |
//! | `transport`, `limits` | sizes, and the most memory that a peer may make this side hold |
//! | `run` | runs a script and checks |
//! | [`allocator`] | counts bytes |
//!
//! Time is paused, and tasks run on one thread. A panic in any task ends the process, since libFuzzer's hook aborts.

pub mod allocator;
pub mod body;
pub mod part;
pub mod script;

mod account;
mod frames;
mod here;
mod limits;
mod peer;
mod run;
mod service;
mod transport;
mod value;

use part::{Input, Part};
use script::Script;

/// Reads a script and runs it.
pub fn run(input: &[u8]) {
    let script = Script::read(&mut Input::new(input));
    if shows_script() {
        eprintln!("{script:#?}");
    }
    run::check(&script);
}

/// Whether a run says what it does.
pub(crate) fn shows_script() -> bool {
    std::env::var_os("SHOW_SCRIPT").is_some()
}
