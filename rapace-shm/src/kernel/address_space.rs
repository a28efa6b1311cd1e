//! A mapping that exceeds this process's limit on address space.

use std::io;

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

/// This process's address space is limited, and a mapping did not fit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a memory object of the segment takes {needed} bytes of address space, as does that of the other direction, and \
     RLIMIT_AS allows this process {limit} in all: raise it (`ulimit -v unlimited`, LimitAS=infinity in a systemd unit), or give the \
     SegmentConfig fewer or smaller slots"
)]
struct NoAddressSpace {
    needed: u64,
    limit: u64,
}

/// Adds to an error of mapping `len` bytes the limit that caused it, if there is one.
pub(crate) fn explain(len: usize, error: io::Error) -> io::Error {
    match getrlimit(Resource::RLIMIT_AS) {
        Ok((limit, _)) if limit < RLIM_INFINITY && error.kind() == io::ErrorKind::OutOfMemory => {
            let needed = len as u64;
            io::Error::new(error.kind(), NoAddressSpace { needed, limit })
        }
        _ => error,
    }
}
