//! The end of a process, or of a single thread of one, as a descriptor that becomes readable.
//!
//! - TE1: a process that exits first tears down its memory, which takes a sixth of a second for 1 GiB; only
//!   then is its end reported. Its threads end one by one, and only the last one does that.
//! - TE2: the kernel reports the end of single threads since 6.9. Older kernels have no such descriptor.
//! - TE3: these descriptors are never read, so they need not be non-blocking, which pidfds support since 5.10.

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rapace_shm::Unsupported;
// nix has no pidfds, and reads directories through the allocator.
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Opens a descriptor that becomes readable when the process ends.
pub(super) fn of_process(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    pidfd_open(pid, PidfdFlags::empty())
        .map_err(|errno| Unsupported::explain("pidfd_open", "5.3", errno.into())) // TE3
}

/// Opens a descriptor that becomes readable when a thread ends (TE1).
pub(super) fn of_thread(tid: i32) -> io::Result<OwnedFd> {
    let tid = Pid::from_raw(tid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(tid, THREAD)?)
}

/// Finds the id of a process's thread by name. `/proc` shows ids of the reader's own pid namespace.
pub(super) fn named(pid: i32, name: &str) -> Option<i32> {
    let tasks = format!("/proc/{pid}/task");
    let directory = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::open(&tasks, directory, Mode::empty()).ok()?;
    // The standard library would allocate 32 KiB, which a plugin's watchdog would keep forever.
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

/// Registers such a descriptor with the runtime.
pub(super) fn register(end: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    rapace_shm::register(end, Interest::READABLE)
}

/// PIDFD_THREAD, which is O_EXCL. Older kernels refuse it (TE2).
const THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);
