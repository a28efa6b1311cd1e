//! The end of a process, or of a single thread of one, as a descriptor that becomes readable.
//!
//! - N1: a process that ends tears its memory down first, which takes a sixth of a second for a gibibyte, and is
//!   known to have ended then. Its threads end one by one, and only the last of them has that to do.
//! - N2: the kernel tells of single threads since 6.9. Before, there is no such descriptor.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Readable from the end of the process on.
pub(super) fn of_process(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::NONBLOCK)?)
}

/// Readable from the end of a thread on (N1).
pub(super) fn of_thread(tid: i32) -> io::Result<OwnedFd> {
    let tid = Pid::from_raw(tid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(tid, PidfdFlags::NONBLOCK | THREAD)?)
}

/// The number of a thread of a process, by its name. Whoever can see the threads of a process sees their numbers in
/// its own terms.
pub(super) fn named(pid: i32, name: &str) -> Option<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    threads.flatten().find_map(|thread| {
        let called = fs::read_to_string(thread.path().join("comm")).ok()?;
        let tid = thread.file_name().to_str()?.parse().ok()?;
        (called.trim_end() == name).then_some(tid)
    })
}

/// Makes one of these something to await.
pub(super) fn register(end: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    #[expect(
        deprecated,
        reason = "its successor is unsafe; an OwnedFd stays open and the same, which is all that is asked for"
    )]
    AsyncFd::with_interest(end, Interest::READABLE)
}

/// PIDFD_THREAD, which is O_EXCL. Older kernels refuse it (N2).
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);
