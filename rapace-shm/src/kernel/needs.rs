//! The kernel features that this crate requires, and the error texts where one is missing.
//!
//! | needed for               | since Linux |
//! |--------------------------|-------------|
//! | a segment: `memfd_create` with seals | 3.17 |
//! | a segment that its peer cannot write: `F_SEAL_FUTURE_WRITE` | 5.1 |
//! | doorbells: `eventfd2`, for untrusted peers `pipe2` | 2.6.27 |
//! | the peer's control socket: `socketpair`, `socket`, `accept4` | 2.6.28 |
//! | heartbeats: `timerfd_create` | 2.6.25 |
//! | keeping a segment out of forks and core dumps: `MADV_DONTFORK`, `MADV_DONTDUMP` | 3.4 |
//! | the size of a segment: `ftruncate` | 2.2 |
//! | knowing who speaks: `SO_PASSCRED` | 2.2 |
//!
//! Every other feature has a fallback: see the handbook, *Platforms*.
//!
//! - ND1: a refusal that has nothing to do with the arguments names the call, the kernel that has it, and the remedy.
//! - ND2: a shortage of resources may pass, and is not the peer's fault.

use std::io;

use nix::errno::Errno;

/// A system call that this crate cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    call: &'static str,
    since: &'static str,
}

const fn need(call: &'static str, since: &'static str) -> Need {
    Need { call, since }
}

pub(crate) const MEMFD: Need = need("memfd_create", "3.17");
pub(crate) const SEALS: Need = need("fcntl(F_ADD_SEALS)", "3.17");
pub(crate) const FUTURE_WRITE: Need = need("fcntl(F_ADD_SEALS, F_SEAL_FUTURE_WRITE)", "5.1");
pub(crate) const DONT_FORK: Need = need("madvise(MADV_DONTFORK)", "2.6.16");
pub(crate) const DONT_DUMP: Need = need("madvise(MADV_DONTDUMP)", "3.4");
pub(crate) const EVENTFD: Need = need("eventfd2", "2.6.27");
pub(crate) const PIPE: Need = need("pipe2", "2.6.27");
pub(crate) const SOCKET: Need = need("socket", "2.6.27");
pub(crate) const SOCKETPAIR: Need = need("socketpair", "2.6.27");
pub(crate) const PASSCRED: Need = need("setsockopt(SO_PASSCRED)", "2.2");
pub(crate) const SOCKET_TYPE: Need = need("getsockopt(SO_TYPE)", "2.2");
pub(crate) const SEND: Need = need("sendmsg", "2.2");
pub(crate) const RECEIVE: Need = need("recvmsg", "2.2");
pub(crate) const DUP: Need = need("dup2", "2.2");
pub(crate) const TRUNCATE: Need = need("ftruncate", "2.2");
pub(crate) const ACCEPT: Need = need("accept4", "2.6.28");

/// A system call that rapace needs and that is not available to this process.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} is not available here ({source}). Linux has it since {}: on an older kernel, upgrade; on a newer one a sandbox \
     forbids it (a seccomp filter, a container's profile), and has to allow it",
    need.call, need.since
)]
pub struct Unsupported {
    need: Need,
    source: Errno,
}

impl Need {
    /// Explains an error if it means that the call does not exist here (ND1). Any other error is returned unchanged.
    pub(crate) fn refused(self, error: impl Into<io::Error>) -> io::Error {
        let error = error.into();
        match error.raw_os_error().map(Errno::from_raw) {
            Some(
                source @ (Errno::ENOSYS
                | Errno::EPERM
                | Errno::EACCES
                | Errno::EINVAL
                | Errno::EOPNOTSUPP),
            ) => io::Error::new(error.kind(), Unsupported { need: self, source }),
            _ => error,
        }
    }
}

impl Unsupported {
    /// Wraps an error of a system call if it means that the call does not exist here: the kernel is older than `since`,
    /// or a sandbox forbids it. Any other error is returned unchanged.
    #[must_use]
    pub fn explain(call: &'static str, since: &'static str, error: io::Error) -> io::Error {
        Need { call, since }.refused(error)
    }

    /// Returns the name of the call, as `man 2` spells it.
    #[must_use]
    pub fn call(&self) -> &'static str {
        self.need.call
    }

    /// Returns the first version of Linux that has it.
    #[must_use]
    pub fn since(&self) -> &'static str {
        self.need.since
    }
}

/// Returns whether an error means that this process, or the machine, lacks a resource at present (ND2):
/// descriptors, memory, watches.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    // ENOMEM, with or without the number.
    let no_memory = error.kind() == io::ErrorKind::OutOfMemory;
    no_memory
        || matches!(
            error.raw_os_error().map(Errno::from_raw),
            Some(
                Errno::EMFILE
                    | Errno::ENFILE
                    | Errno::ENOBUFS
                    | Errno::ENOSPC
                    | Errno::EAGAIN
                    | Errno::ETOOMANYREFS
            )
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_call_is_named_with_its_kernel_and_the_remedy() {
        for errno in [Errno::ENOSYS, Errno::EPERM, Errno::EACCES, Errno::EINVAL] {
            let refused = MEMFD.refused(errno);
            let said = refused.to_string();
            let unsupported = refused.downcast::<Unsupported>().expect("it is not there");
            assert_eq!(unsupported.call(), "memfd_create");
            assert_eq!(unsupported.since(), "3.17");
            for part in ["memfd_create", "3.17", "seccomp", errno.desc()] {
                assert!(said.contains(part), "{part:?} is missing in {said:?}");
            }
        }
    }

    #[test]
    fn any_other_refusal_is_returned_unchanged() {
        for errno in [Errno::EMFILE, Errno::ENOMEM, Errno::EBADF] {
            let error = MEMFD.refused(errno);
            assert_eq!(error.raw_os_error(), Some(errno as i32));
            assert!(error.downcast::<Unsupported>().is_err());
        }
    }
}
