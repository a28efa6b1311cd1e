//! The end of a process, or of a single thread of one, as a descriptor that becomes readable.
//!
//! - TE1: a process that ends tears its memory down first, which takes a sixth of a second for a gibibyte, and is
//!   known to have ended then. Its threads end one by one, and only the last of them has that to do.
//! - TE2: the kernel tells of single threads since 6.9. Before, there is no such descriptor.
//! - TE3: nobody reads these descriptors, so they need not be non-blocking, which pidfds can be since 5.10.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rapace_shm::Unsupported;
// nix opens no pidfds, and reads directories through the allocator.
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Readable from the end of the process on.
pub(super) fn of_process(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    pidfd_open(pid, PidfdFlags::empty())
        .map_err(|errno| Unsupported::explain("pidfd_open", "5.3", errno.into())) // TE3
}

/// Readable from the end of a thread on (TE1).
pub(super) fn of_thread(tid: i32) -> io::Result<OwnedFd> {
    let tid = Pid::from_raw(tid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(tid, THREAD)?)
}

/// The number of a thread of a process, by its name. Whoever can see the threads of a process sees their numbers in
/// its own terms.
pub(super) fn named(pid: i32, name: &str) -> Option<i32> {
    let tasks = format!("/proc/{pid}/task");
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(&tasks, directory, Mode::empty()).ok()?;
    // The standard library would take 32 KiB from the allocator, which a plugin's watchdog would keep for good.
    let mut room = [MaybeUninit::uninit(); 1024];
    let mut threads = RawDir::new(directory, &mut room);
    while let Some(Ok(thread)) = threads.next() {
        let Ok(number) = thread.file_name().to_str() else {
            continue;
        };
        let called = fs::read_to_string(format!("{tasks}/{number}/comm"));
        if called.is_ok_and(|called| called.trim_end() == name) {
            return number.parse().ok();
        }
    }
    None
}

/// Makes one of these something to await.
pub(super) fn register(end: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rapace_shm::register(end, Interest::READABLE)
}

/// PIDFD_THREAD, which is O_EXCL. Older kernels refuse it (TE2).
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);
