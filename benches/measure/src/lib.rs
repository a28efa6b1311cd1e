//! The measuring code of `rapace-bench` and the peers that it is compared with, shared so that all of them are
//! measured alike.
//!
//! A *subject* is a process that does one kind of work. It is started once, sets everything up, and then does a
//! *round* of the work for each line that it reads. A comparison runs the rounds of its subjects in turn, so
//! that a disturbance of the machine affects all of them.
//!
//! | module | what it is |
//! |---|---|
//! | [`request`] | the request for a round, as a line |
//! | [`round`] | the result of a round, as a line |
//! | [`meter`] | takes time and processor time around the work |
//! | [`tasks`] | the work of many tokio tasks at once |
//! | [`window`] | the work of one thread that has many calls under way |
//! | [`subject`] | the main of a subject |
//! | [`partner`] | the other process of a subject |
//! | [`peer`] | the main of a program that is both |
//! | [`setting`] | where and on what they run |
//! | [`driver`] | the other end of the lines |
//! | [`callgrind`] | counts instructions, allocations and the like in one function |
//! | [`syscalls`] | counts system calls of a subject and its partners |
//! | [`payload`] | bytes that can be recognised |
//! | [`resident`] | the peak memory of a process |
//! | [`touch`] | work on every byte, on both sides |
//! | [`machine`] | the description of the machine |
#![deny(unsafe_code)]

pub mod callgrind;
pub mod driver;
pub mod machine;
pub mod meter;
pub mod partner;
pub mod payload;
pub mod peer;
pub mod request;
pub mod resident;
pub mod round;
pub mod setting;
pub mod subject;
#[expect(
    unsafe_code,
    reason = "what the kernel says of a traced thread is a union"
)]
pub mod syscalls;
pub mod tasks;
pub mod touch;
pub mod window;

pub use driver::Driver;
pub use meter::{Meter, Watched};
pub use request::{Limit, Request};
pub use round::{Round, median};
pub use setting::{Runtime, Setting};
