//! The child, from `clone` to `exec`, and three calls without a safe wrapper.
//!
//! The child shares this process's memory until it executes the program. What makes that sound:
//!
//! - V1: the thread that starts it is suspended until the child has executed the program or has ended
//!   (`CLONE_VFORK`). So everything that it lends to the child outlives the use, and does not change meanwhile:
//!   it is borrowed, and other threads write only atomics.
//! - V2: the child has a stack of its own, whose memory belongs to the suspended thread.
//! - V3: no signal handler runs in the child. All signals are blocked in the thread that starts it, the child inherits
//!   that, and lifts it only when all its handlers are reset, which are its own (no `CLONE_SIGHAND`).
//! - V4: the child only makes system calls: it does not allocate, lock, panic, unwind, or return into a frame
//!   that is not its own. It has a copy of the descriptors (no `CLONE_FILES`). It shares `errno` with the
//!   suspended thread, which does not use it.
//! - V5: strings end with NUL and lists of them with a null pointer.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::Pid;

use crate::attempt::Attempt;
use crate::error::Step;

/// The child's orders, from `clone` to `exec`.
pub(crate) struct Orders<'a> {
    pub(crate) program: &'a CStr,
    /// The list of pointers (V5).
    pub(crate) argv: &'a [*const c_char],
    /// The list of pointers (V5).
    pub(crate) envp: &'a [*const c_char],
    pub(crate) directory: Option<&'a CStr>,
    pub(crate) own_group: bool,
    pub(crate) stdio: [RawFd; 3],
    pub(crate) hold: RawFd,
    pub(crate) worn: RawFd,
    pub(crate) attempt: &'a Attempt,
}

/// Makes a child that carries out the orders. Returns when it has executed the program, or has ended.
pub(crate) fn start(orders: &Orders<'_>) -> Result<Pid, Errno> {
    let mut stack = Vec::<u8>::with_capacity(STACK);
    // The stack grows downwards, from an aligned end.
    let end = stack.spare_capacity_mut().as_mut_ptr_range().end;
    let top = end.wrapping_sub(end.addr() % 16).cast::<c_void>();
    let orders = ptr::from_ref(orders).cast_mut().cast::<c_void>();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;

    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?; // V3
    // SAFETY: V1 and V2 for the arguments, V3 and V4 for what `child` does.
    let pid = unsafe { libc::clone(child, top, flags, orders) };
    let cloned = Errno::result(pid);
    // The mask was valid before.
    let _ = before.thread_set_mask();
    Ok(Pid::from_raw(cloned?))
}

/// Runs in the child, which exits with the returned value if it does not execute the program.
extern "C" fn child(orders: *mut c_void) -> c_int {
    let orders = orders.cast::<Orders<'_>>();
    // SAFETY: V1; `start` was given a reference, and only reads go through this one.
    let orders = unsafe { &*orders };
    // Its own id: safe in any process.
    // SAFETY: takes nothing and touches no memory.
    let pid = unsafe { libc::getpid() };
    let step = match orders.attempt.begin(pid) {
        true => become_the_program(orders, pid),
        false => Step::GivenUp,
    };
    orders.attempt.fail(step, Errno::last_raw());
    NOT_EXECUTED
}

/// Returns the step that failed; the error number says why.
fn become_the_program(orders: &Orders<'_>, pid: libc::pid_t) -> Step {
    reset_handlers();
    if orders.own_group {
        // SAFETY: takes two integers and touches no memory.
        if unsafe { libc::setpgid(0, 0) } != 0 {
            return Step::Group;
        }
    }
    if let Err(step) = wear(orders, pid) {
        return step;
    }
    for (place, fd) in (0..).zip(orders.stdio) {
        // SAFETY: V4: the descriptors are this process's own; those that are replaced belong to nobody here.
        if unsafe { libc::dup2(fd, place) } < 0 {
            return Step::Stdio;
        }
    }
    if let Some(directory) = orders.directory {
        // SAFETY: V1, V5.
        if unsafe { libc::chdir(directory.as_ptr()) } != 0 {
            return Step::Directory;
        }
    }
    // Before Linux 5.9 there is no such call; descriptors that are not close-on-exec are inherited then.
    // SAFETY: V4: the descriptors are this process's own, and used by nobody any more.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
    if orders.attempt.is_given_up() {
        return Step::GivenUp;
    }
    // V3: no handler is left. Emptying a mask cannot fail.
    let _ = SigSet::empty().thread_set_mask();
    let (program, argv, envp) = (orders.program, orders.argv, orders.envp);
    // SAFETY: V1, V5. It does not return unless it fails.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    Step::Exec
}

/// Has the kernel kill this process, and its group if it leads one, when the leash is dropped. Fails if it was
/// dropped already, or cannot be worn.
fn wear(orders: &Orders<'_>, pid: libc::pid_t) -> Result<(), Step> {
    // A copy of the parent's end, which would keep the pipe open.
    // SAFETY: V4: it is this process's own, and used by nobody any more.
    unsafe { libc::close(orders.hold) };
    let owner = match orders.own_group {
        true => -pid,
        false => pid,
    };
    // SAFETY: takes integers and touches no memory.
    if unsafe { libc::fcntl(orders.worn, libc::F_SETOWN, owner) } != 0 {
        return Err(Step::Leash);
    }
    // A parent that ended before this has hung up before the kernel knew the receiver.
    let mut look = libc::pollfd {
        fd: orders.worn,
        events: 0,
        revents: 0,
    };
    // SAFETY: one entry, on this stack.
    let hung_up = unsafe { libc::poll(&raw mut look, 1, 0) };
    match hung_up {
        0 => Ok(()),
        1.. => {
            Errno::ESRCH.set();
            Err(Step::Host)
        }
        // The error number says why this cannot be checked.
        _ => Err(Step::Host),
    }
}

/// Resets all signal handlers (V3). Ignored signals stay ignored, except for SIGPIPE.
fn reset_handlers() {
    for signal in 1..=LAST_SIGNAL {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: writes to `action`, which is large enough. Those that the C library keeps to itself are refused.
        if unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } != 0 {
            continue;
        }
        // SAFETY: written above; and all zeroes are valid.
        let mut action = unsafe { action.assume_init() };
        let ignored = action.sa_sigaction == libc::SIG_IGN && signal != libc::SIGPIPE;
        if action.sa_sigaction == libc::SIG_DFL || ignored {
            continue;
        }
        action.sa_sigaction = libc::SIG_DFL;
        action.sa_flags = 0;
        // SAFETY: reads `action`. The handlers are this process's own (V3).
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    }
}

/// Has the kernel send SIGKILL instead of SIGIO to the owner of this description.
pub(crate) fn signal_with_kill(description: &OwnedFd) -> Result<(), Errno> {
    let fd = description.as_raw_fd();
    // SAFETY: takes integers and touches no memory.
    let answer = unsafe { libc::fcntl(fd, F_SETSIG, libc::SIGKILL) };
    Errno::result(answer).map(drop)
}

/// Duplicates a descriptor to at least this number, close-on-exec.
pub(crate) fn duplicate_from(fd: &OwnedFd, least: RawFd) -> Result<OwnedFd, Errno> {
    // SAFETY: takes integers and touches no memory.
    let answer = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) };
    let fd = Errno::result(answer)?;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Finds a child in a process group that has ended and has not been reaped. It stays unreaped.
///
/// Unlike `waitid` in nix, this also finds a process that was killed by a real-time signal; unlike the one in rustix,
/// it returns the process id.
///
/// # Errors
/// `ECHILD` if no child of this process is in the group; `EINTR` after a signal.
pub fn ended_in_group(group: Pid) -> Result<Option<Pid>, Errno> {
    let group = libc::id_t::try_from(group.as_raw()).map_err(|_| Errno::EINVAL)?;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let only_look = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: writes to `info`, which is large enough.
    let answer = unsafe { libc::waitid(libc::P_PGID, group, info.as_mut_ptr(), only_look) };
    Errno::result(answer)?;
    // SAFETY: written above; and all zeroes are valid.
    let info = unsafe { info.assume_init() };
    // SAFETY: `waitid` fills in the process id; where no child has ended, it is 0.
    let pid = unsafe { info.si_pid() };
    Ok((pid != 0).then(|| Pid::from_raw(pid)))
}

/// The child needs a few hundred bytes of stack, and a few KiB without optimisation.
const STACK: usize = 64 * 1024;

/// The exit code of a child that could not execute the program, as shells report it.
const NOT_EXECUTED: c_int = 127;

/// `F_SETSIG`, which `libc` does not have; its value is the same on every architecture.
const F_SETSIG: c_int = 10;

/// The kernel's highest signal number.
const LAST_SIGNAL: c_int = 64;
