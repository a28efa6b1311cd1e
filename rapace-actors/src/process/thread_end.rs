//! Descriptors that tell of the end of a process, or of a single thread of one.
//!
//! - N1: a process that ends tears its memory down first, which takes a sixth of a second for a gibibyte, and tells
//!   then. Its threads end one by one, and only the last of them has that to do.
//! - N2: the kernel tells of single threads since 6.9. Before, there is no such descriptor.

use std::fs;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

/// Readable from the end of the process on.
pub(super) fn of_process(pid: i32) -> Option<OwnedFd> {
    pidfd_open(Pid::from_raw(pid)?, PidfdFlags::NONBLOCK).ok()
}

/// Readable from the end of a thread on (N1). The thread belongs to process `pid` and is called `name`.
pub(super) fn of_thread_named(pid: i32, name: &str) -> Option<OwnedFd> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let tid = threads.flatten().find_map(|thread| {
        let called = fs::read_to_string(thread.path().join("comm")).ok()?;
        let tid = thread.file_name().to_str()?.parse().ok()?;
        (called.trim_end() == name).then_some(tid)
    })?;
    // Whoever can see the threads of a process sees their numbers in its own terms.
    pidfd_open(Pid::from_raw(tid)?, PidfdFlags::NONBLOCK | THREAD).ok()
}

/// PIDFD_THREAD, which is O_EXCL. Older kernels refuse it (N2).
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);
