//! Starts a child process without `fork`, and ties its life to this process's before it runs.
//!
//! The standard library's `Command` starts children with `posix_spawn`, which cannot run a step of ours in the child,
//! or with `fork`, which copies the page tables of the parent: 178 ms for 2 GiB. This crate does what `posix_spawn`
//! does inside, `clone(CLONE_VM | CLONE_VFORK)`, with one step more: the child is tied to a [`Leash`].
//!
//! ```no_run
//! use std::fs::File;
//!
//! use rapace_spawn::{Attempt, Launch, Leash};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let launch = Launch::new("/bin/sleep").args(["600"]).own_group(true);
//! let leash = Leash::new()?;
//! let null = || File::options().read(true).write(true).open("/dev/null").map(Into::into);
//! let (pid, leash) = launch.start([null()?, null()?, null()?], leash, &Attempt::default())?;
//! # let _ = pid;
//! drop(leash); // The kernel kills the process and its group.
//! # Ok(())
//! # }
//! ```
//!
//! - N1: none of the parent's memory is copied, however large it is.
//! - N2: a child either runs the requested program, or is gone and reaped, and the error names the step that
//!   failed.
//! - N3: the child has its three standard descriptors and no other, whether or not those of the parent are
//!   close-on-exec.
//! - N4: the program starts with no signal blocked and no handler; ignored signals stay ignored, except for
//!   SIGPIPE, which Rust programs ignore.
//!
//! The only module with unsafe code is `raw`; it numbers the rules that the child follows until it has executed
//! the program.

#![deny(unsafe_code)]
#![deny(missing_docs)]

mod attempt;
mod error;
mod launch;
mod leash;
#[expect(
    unsafe_code,
    reason = "the child runs in our memory until it has become another program"
)]
mod raw;

pub use attempt::Attempt;
pub use error::{LaunchError, Step, Unusable};
pub use launch::Launch;
pub use leash::{Leash, LeashHold};
pub use raw::ended_in_group;
