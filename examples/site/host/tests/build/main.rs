//! The builder as its users run it: real executables, real directories.

mod chaos;
mod faults;
mod page;
mod support;
