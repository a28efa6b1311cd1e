//! Which system errors are transient.
//!
//! - TR1: a shortage may pass: descriptors, memory, processes, space, a server's response. The restart policy
//!   retries these.
//! - TR2: what is forbidden, missing in this kernel, or a wrong request needs a correction.
//! - TR3: an unknown error is retried: backoff and circuit breaker bound the cost.

use std::io;

use nix::errno::Errno;
use rapace_shm::NoRuntime;

/// Whether the same request may succeed later without a correction.
pub(crate) fn is_transient(error: &io::Error) -> bool {
    match error.raw_os_error().map(Errno::from_raw) {
        // TR2
        Some(
            Errno::EPERM
            | Errno::EACCES
            | Errno::ENOSYS
            | Errno::EOPNOTSUPP
            | Errno::EAFNOSUPPORT
            | Errno::EPROTONOSUPPORT
            | Errno::EINVAL
            | Errno::EFAULT
            | Errno::EBADF
            | Errno::E2BIG
            | Errno::ENAMETOOLONG
            | Errno::ELOOP
            | Errno::ENOENT
            | Errno::ENOTDIR
            | Errno::EISDIR
            | Errno::ENOEXEC
            | Errno::ELIBBAD
            | Errno::EROFS,
        ) => false,
        // TR1, TR3
        Some(_) => true,
        // Not from the system: a missing or forbidden call, the runtime, or the standard library.
        None => match error.kind() {
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported => false,
            _ => NoRuntime::within(error).is_none(),
        },
    }
}

/// Whether the error is a shortage of something that all processes share.
pub(crate) fn is_shortage(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error().map(Errno::from_raw),
        Some(
            Errno::EAGAIN
                | Errno::ENOMEM
                | Errno::EMFILE
                | Errno::ENFILE
                | Errno::ENOBUFS
                | Errno::ENOSPC
                | Errno::EDQUOT
                | Errno::EUSERS
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_passes_and_what_is_wrong_does_not() {
        let table = [
            (Errno::EMFILE, true, true),
            (Errno::ENFILE, true, true),
            (Errno::ENOMEM, true, true),
            (Errno::EAGAIN, true, true),
            (Errno::ENOBUFS, true, true),
            (Errno::ENOSPC, true, true),
            (Errno::EDQUOT, true, true),
            (Errno::EINTR, true, false),
            (Errno::ETXTBSY, true, false),
            (Errno::EBUSY, true, false),
            (Errno::EIO, true, false),
            (Errno::ESTALE, true, false),
            (Errno::ETIMEDOUT, true, false),
            (Errno::EHOSTDOWN, true, false),
            (Errno::ECANCELED, true, false),
            (Errno::EPERM, false, false),
            (Errno::EACCES, false, false),
            (Errno::ENOSYS, false, false),
            (Errno::EOPNOTSUPP, false, false),
            (Errno::EINVAL, false, false),
            (Errno::E2BIG, false, false),
            (Errno::ENAMETOOLONG, false, false),
            (Errno::ENOENT, false, false),
            (Errno::ENOEXEC, false, false),
        ];
        for (errno, passes, is_short) in table {
            let error = io::Error::from(errno);
            assert_eq!(is_transient(&error), passes, "{errno}");
            assert_eq!(is_shortage(&error), is_short, "{errno}");
        }
        assert!(is_transient(&io::Error::other("the runtime shuts down")));
        assert!(!is_transient(&io::ErrorKind::InvalidInput.into()));
    }
}
