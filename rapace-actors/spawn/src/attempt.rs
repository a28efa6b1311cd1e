//! The handle by which another thread can cancel a start.
//!
//! `exec` can hang: it reads the program, and a network file system may not respond. The starting thread is
//! suspended meanwhile, so another one has to cancel.
//!
//! - A1: a cancelled start never runs the program: its child is killed while it is still in `exec`, or before.
//! - A2: a signal is sent only while the starting thread has not reaped the child.
//! - A3: the child stores its id before it checks whether the start was cancelled; the canceller sets that flag
//!   before it reads the id. So one of the two sees the other.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::Step;

/// A start, shared with the threads that may cancel it.
#[derive(Debug, Default)]
pub struct Attempt {
    given_up: AtomicBool,
    pid: AtomicI32,
    /// The step that failed, and the error number. Written by the child.
    step: AtomicU32,
    errno: AtomicI32,
    /// Whether the starting thread runs again (A2).
    over: Mutex<bool>,
}

impl Attempt {
    /// Cancels the start (A1). Returns at once, with the process that is still starting, if there is one.
    pub fn give_up(&self) -> Option<u32> {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        self.given_up.store(true, Ordering::SeqCst); // A3
        let pid = self.pid.load(Ordering::SeqCst);
        if *over || pid <= 0 {
            return None;
        }
        // It is an unreaped child of ours, even if it has ended (A2).
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        Some(pid.unsigned_abs())
    }

    /// Returns `true` if another thread has cancelled the start.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    /// Called in the child, with its id. Returns false if the start was cancelled (A3).
    pub(crate) fn begin(&self, pid: i32) -> bool {
        self.pid.store(pid, Ordering::SeqCst);
        !self.is_given_up()
    }

    /// Called in the child: records why the program is not executed.
    pub(crate) fn fail(&self, step: Step, errno: i32) {
        self.errno.store(errno, Ordering::Relaxed);
        self.step.store(step as u32, Ordering::Release);
    }

    /// Called in the parent, when the child has executed the program or ended.
    pub(crate) fn end(&self) -> Option<(Step, Errno)> {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let step = Step::from_number(self.step.load(Ordering::Acquire))?;
        Some((step, Errno::from_raw(self.errno.load(Ordering::Relaxed))))
    }
}
