//! Counts the system calls of a subject and its partners, one by one, by tracing them.
//!
//! - C1: only system calls between the markers count: the work of one round, and nothing around it.
//! - C2: every thread and every process that the subject starts is traced with it.
//! - C3: no traced process outlives the count: the kernel kills it when its tracer ends.
//!
//! Traced processes are slow, so nothing is timed here. With one operation in flight the count is that of an
//! undisturbed run; with many it is lower, since a slow process finds more work at once.

use std::io;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getsid};

use crate::driver::Driver;
use crate::request::Request;

/// A system call without effect that marks, for a tracer, where the work begins and ends. It queries the
/// session of a process that cannot exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// The work begins.
    Begin = 0x7ace_0001,
    /// The work has ended.
    End = 0x7ace_0002,
}

impl Marker {
    /// Makes the call.
    pub(crate) fn leave(self) {
        // There is no such process.
        let _ = getsid(Some(Pid::from_raw(self as i32)));
    }
}

/// The counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// System calls of all threads of all processes.
    pub calls: u64,
    /// Operations.
    pub ops: u64,
}

/// The time limit of a count.
const PATIENCE: Duration = Duration::from_secs(60);

/// System calls in `request`, which has a count, after a round of `warm_up`. It must be the only
/// work of this process, which has no other children.
///
/// # Errors
/// If the system does not allow tracing, or the subject fails.
pub fn count(command: &mut Command, warm_up: &Request, request: &Request) -> Result<Count, String> {
    let mut driver = Driver::start(command).map_err(|why| why.to_string())?;
    driver.ready()?;
    let pid = Pid::from_raw(driver.pid() as i32);
    let said = |why: Errno| format!("tracing: {why}");
    for thread in threads_of_tree(driver.pid()).map_err(|why| why.to_string())? {
        ptrace::seize(thread, options()).map_err(said)?;
        ptrace::interrupt(thread).map_err(said)?;
    }
    driver.ask(warm_up)?;
    driver.ask(request)?;
    driver.end();
    let watchdog = Watchdog::over(pid);
    let counted = trace(pid);
    drop(watchdog);
    // The subject has ended; its output is in the pipe.
    driver.answer(Duration::ZERO)?;
    let ops = driver.answer(Duration::ZERO)?.ops;
    Ok(Count {
        calls: counted?,
        ops,
    })
}

fn options() -> Options {
    Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_EXITKILL
}

/// All threads of a process and of its descendants (C2).
fn threads_of_tree(pid: u32) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    let mut processes = vec![pid];
    while let Some(process) = processes.pop() {
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?.file_name().to_string_lossy().into_owned();
            let children = format!("/proc/{process}/task/{thread}/children");
            let children = std::fs::read_to_string(children)?;
            processes.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<u32>().ok()),
            );
            found.extend(thread.parse().ok().map(Pid::from_raw));
        }
    }
    Ok(found)
}

/// Runs all of them to the end of the subject, and counts (C1).
fn trace(subject: Pid) -> Result<u64, String> {
    let mut count = None;
    let mut over = None;
    loop {
        let (thread, signal) = match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(who, _) | WaitStatus::Signaled(who, ..)) if who == subject => {
                return over.ok_or_else(|| "it ended before its round did".to_owned());
            }
            Ok(WaitStatus::PtraceSyscall(thread)) => {
                match entered(thread) {
                    Some(call) if call.is(Marker::Begin) => count = Some(0),
                    Some(call) if call.is(Marker::End) => over = count.take(),
                    Some(_) => count = count.map(|count: u64| count + 1),
                    None => {}
                }
                (thread, None)
            }
            Ok(WaitStatus::PtraceEvent(thread, ..)) => (thread, None),
            Ok(WaitStatus::Stopped(thread, signal)) => (thread, Some(signal)),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(why) => return Err(format!("tracing: {why}")),
        };
        match ptrace::syscall(thread, signal) {
            // The thread was killed meanwhile; a later wait reports that.
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(why) => return Err(format!("tracing: {why}")),
        }
    }
}

/// A system call that is about to be made.
struct Call {
    number: u64,
    first: u64,
}

impl Call {
    fn is(&self, marker: Marker) -> bool {
        self.number == libc::SYS_getsid as u64 && self.first == marker as u64
    }
}

/// The system call that a stopped thread is about to make; `None` if it has just returned from it.
fn entered(thread: Pid) -> Option<Call> {
    let info = ptrace::syscall_info(thread).ok()?;
    if info.op != libc::PTRACE_SYSCALL_INFO_ENTRY {
        return None;
    }
    // SAFETY: `op` says that the kernel has filled in `entry`, and any bits are numbers.
    let entry = unsafe { info.u.entry };
    Some(Call {
        number: entry.nr,
        first: entry.args[0],
    })
}

/// Ends a subject that does not end by itself. Its sender is dropped when the count is over.
struct Watchdog {
    _calm: mpsc::Sender<()>,
}

impl Watchdog {
    fn over(subject: Pid) -> Self {
        let (calm, wait) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                // The subject may have ended just now.
                let _ = kill(subject, Signal::SIGKILL);
            }
        });
        Self { _calm: calm }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_call_is_a_marker() {
        let call = |number, first| Call { number, first };
        let getsid = libc::SYS_getsid as u64;
        assert!(call(getsid, 0x7ace_0001).is(Marker::Begin));
        assert!(!call(getsid, 0x7ace_0002).is(Marker::Begin));
        assert!(!call(getsid, 0).is(Marker::End));
        assert!(!call(libc::SYS_read as u64, 0x7ace_0002).is(Marker::End));
    }
}
