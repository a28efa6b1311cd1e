//! System calls that raise a signal when they fail, made so that they only return an error.
//!
//! A write to a pipe without a reader raises SIGPIPE, and a file that grows beyond `RLIMIT_FSIZE` raises SIGXFSZ. The
//! default action of both ends the process.
//!
//! - SG1: no disposition is changed. It belongs to the whole process, and so to the program's author.
//! - SG2: the kernel sends both signals to the thread that made the call. So it is enough that this thread blocks the
//!   signal during the call, and takes it before the mask is restored.
//! - SG3: a signal that was pending before the call has another cause, and stays pending.

use std::fmt;
use std::io::{self, Write};
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;
use std::sync::atomic::AtomicBool;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd;

use crate::sync::orderings;

/// Makes a call whose failure raises `signal`, without the signal (SG2).
pub(crate) fn without<T>(signal: Signal, call: impl FnOnce() -> nix::Result<T>) -> nix::Result<T> {
    let mut set = SigSet::empty();
    set.add(signal);
    let before = set.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    // Unless it was blocked before, it cannot have been pending here.
    let of_another = before.contains(signal) && is_pending(signal);
    let done = call();
    if done.is_err() && !of_another {
        take(&set); // SG3
    }
    before.thread_set_mask()?;
    done
}

/// Writes a line to stderr. If the reader of stderr is gone, neither SIGPIPE nor a panic follows.
///
/// For a program that has no other way to report, such as a plugin without its host.
pub fn say_on_stderr(text: &impl fmt::Display) {
    let said = without(Signal::SIGPIPE, || {
        writeln!(io::stderr(), "{text}")
            .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
    });
    if let Err(error) = said {
        tracing::debug!(%error, "stderr could not be written to");
    }
}

/// Writes to pipes that may have no reader.
#[derive(Debug, Default)]
pub(crate) struct PipeWriter {
    /// Whether the kernel does not know [`NOSIGNAL`].
    old: AtomicBool,
}

impl PipeWriter {
    /// Writes, with one system call where the kernel has a flag for it, and with three elsewhere.
    pub(crate) fn write(&self, pipe: impl AsFd, bytes: &[u8]) -> nix::Result<usize> {
        if !self.old.load(orderings::RELAXED) {
            match write_nosignal(&pipe, bytes) {
                Err(Errno::EOPNOTSUPP | Errno::EINVAL | Errno::ENOSYS | Errno::EPERM) => {
                    self.old.store(true, orderings::RELAXED);
                }
                done => return done,
            }
        }
        without(Signal::SIGPIPE, || unistd::write(&pipe, bytes))
    }

    /// Creates a writer that behaves as on an old kernel.
    #[cfg(test)]
    pub(crate) fn old() -> Self {
        Self { old: true.into() }
    }
}

fn write_nosignal(pipe: &impl AsFd, bytes: &[u8]) -> nix::Result<usize> {
    let part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    let pipe = pipe.as_fd().as_raw_fd();
    // SAFETY: `part` describes `bytes`, which outlives the call and is only read by it.
    let written = unsafe { libc::pwritev2(pipe, &part, 1, AT_THE_POSITION, NOSIGNAL) };
    Errno::result(written).map(isize::unsigned_abs)
}

fn is_pending(signal: Signal) -> bool {
    let mut pending: libc::sigset_t = *SigSet::empty().as_ref();
    // SAFETY: the set is ours, and valid before and after.
    if unsafe { libc::sigpending(&mut pending) } != 0 {
        return false;
    }
    // SAFETY: it was initialised as empty, and filled by the call above.
    unsafe { SigSet::from_sigset_t_unchecked(pending) }.contains(signal)
}

/// Takes a signal that is pending in this thread, without waiting for one.
fn take(set: &SigSet) {
    const NOW: libc::timespec = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both references are valid, and nothing is stored where a null pointer is given.
    unsafe { libc::sigtimedwait(set.as_ref(), ptr::null_mut(), &NOW) };
}

/// `RWF_NOSIGNAL`, since Linux 6.18.
const NOSIGNAL: libc::c_int = 0x100;

/// A pipe has no offset; this value means the file's position.
const AT_THE_POSITION: libc::off_t = -1;

const _: () = assert!(size_of::<libc::off_t>() == 8);

#[cfg(all(test, not(miri)))]
mod tests {
    use std::os::fd::OwnedFd;
    use std::process::Command;

    use nix::fcntl::OFlag;
    use nix::sys::signal::{SigHandler, raise, signal};

    use super::*;

    /// Returns a pipe without a reader.
    fn broken() -> OwnedFd {
        let (_, end) = unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
        end
    }

    fn blocks_pipe_signals() -> bool {
        SigSet::thread_get_mask().unwrap().contains(Signal::SIGPIPE)
    }

    /// Runs in a process of its own, since a disposition belongs to the process.
    #[test]
    fn a_pipe_without_a_reader_is_an_error_and_no_signal() {
        let this = std::env::current_exe().unwrap();
        let role = "kernel::signals::tests::with_the_default_action";
        let options = ["--exact", "--ignored", "--nocapture"];
        let ran = Command::new(this).arg(role).args(options).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && said.contains("1 passed"), "{ran:?}");
    }

    #[test]
    #[ignore = "changes what a signal does in its whole process; run by the test above"]
    fn with_the_default_action() {
        #[expect(unsafe_code, reason = "the default action runs nothing")]
        // SAFETY: the default action is no handler of ours.
        let before = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
        before.unwrap();
        for writer in [PipeWriter::default(), PipeWriter::old()] {
            for _ in 0..2 {
                assert_eq!(writer.write(broken(), b"1"), Err(Errno::EPIPE));
                assert!(!is_pending(Signal::SIGPIPE) && !blocks_pipe_signals());
            }
            let (reader, end) = unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
            assert_eq!(writer.write(&end, b"1"), Ok(1));
            assert_eq!(unistd::read(&reader, &mut [0; 8]), Ok(1));
        }
    }

    /// SG3
    #[test]
    fn a_signal_that_was_pending_before_stays_pending() {
        let mut set = SigSet::empty();
        set.add(Signal::SIGPIPE);
        set.thread_block().unwrap();
        raise(Signal::SIGPIPE).unwrap();
        assert_eq!(PipeWriter::old().write(broken(), b"1"), Err(Errno::EPIPE));
        assert!(is_pending(Signal::SIGPIPE) && blocks_pipe_signals());
        take(&set);
        assert!(!is_pending(Signal::SIGPIPE));
        set.thread_unblock().unwrap();
    }
}
