//! The guarantees for callers, each tested against real processes that are killed at known points.

mod away;
mod blocking;
mod buffers;
mod builds;
mod callbacks;
mod calls;
mod chaos;
mod door;
mod faults;
mod hangs;
mod host_death;
mod journal;
mod leaving;
#[path = "../common/log_lines.rs"]
mod log_lines;
mod miser;
mod panics;
mod parting;
mod processes;
mod progress;
mod references;
mod requests;
mod restarts;
mod roles;
mod runtimes;
mod shortage;
mod spin;
mod starts;
mod streams;
mod subject;
mod support;
mod unlucky;
mod unresponsive;
mod unsignallable;
mod waits;
mod windows;
