//! One start, seen from the threads that do not carry it out.
//!
//! `exec` can hang: it reads the program, and a network file system may not answer. The thread that starts is
//! suspended then, so somebody else has to give up.
//!
//! - A1: a start that was given up never runs the program: its child is killed while it is still in `exec`, or does not
//!   come that far.
//! - A2: a signal is sent only as long as the starting thread has not reaped the child.
//! - A3: the child stores its id before it looks whether the start was given up; whoever gives up says so before
//!   looking for the id. So one of the two sees the other.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::error::Step;

/// One start. Shared with whoever may give it up.
#[derive(Debug, Default)]
pub struct Attempt {
    given_up: AtomicBool,
    pid: AtomicI32,
    /// The step that failed, and the error number. Written by the child.
    step: AtomicU32,
    errno: AtomicI32,
    /// The starting thread is not suspended any more (A2).
    over: Mutex<bool>,
}

impl Attempt {
    /// Gives the start up (A1). Returns at once, with the process that is still starting, if there is one.
    pub fn give_up(&self) -> Option<u32> {
        let over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        self.given_up.store(true, Ordering::SeqCst); // A3
        let pid = self.pid.load(Ordering::SeqCst);
        if *over || pid <= 0 {
            return None;
        }
        // It is our child; if it has ended already it was not reaped (A2).
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        Some(pid.unsigned_abs())
    }

    /// Returns `true` if another thread has given the start up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    /// In the child: it has an id. False if nobody wants it any more (A3).
    pub(crate) fn begin(&self, pid: i32) -> bool {
        self.pid.store(pid, Ordering::SeqCst);
        !self.is_given_up()
    }

    /// In the child: why it does not become the program.
    pub(crate) fn fail(&self, step: Step, errno: i32) {
        self.errno.store(errno, Ordering::Relaxed);
        self.step.store(step as u32, Ordering::Release);
    }

    /// In the parent, when the child has become the program, or has ended.
    pub(crate) fn end(&self) -> Option<(Step, Errno)> {
        *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        let step = Step::from_number(self.step.load(Ordering::Acquire))?;
        Some((step, Errno::from_raw(self.errno.load(Ordering::Relaxed))))
    }
}
