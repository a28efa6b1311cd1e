//! What the kernel lets a plugin use.
//!
//! - L1: the host sets the limits from outside, right after the start, so that they hold for programs that never run
//!   any of our code. Soft and hard limit are the same: the plugin cannot raise them again.
//! - L2: a limit that cannot be set fails the start. A plugin never runs with fewer limits than were asked for.
//! - L3: where one byte of core dump cannot be allowed, because the host itself may dump none, it is none.

use std::io;
use std::time::Duration;

use rapace_shm::Unsupported;
// nix sets the limits of its own process only.
use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Limits that the kernel enforces on a plugin process.
///
/// They hold for each process on its own; what the plugin starts inherits them, but does not share the same budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Largest core dump, in bytes. Default `Some(1)`: no dump, since dumping 256 MiB delays the news of a crash by up
    /// to a second. Zero would only forbid files; one is too little for a file, and is also the value at which the
    /// kernel does not pipe the dump to a helper such as systemd-coredump.
    pub core_size: Option<u64>,
    /// Private writable memory, in bytes: heap and anonymous mappings. The shared segment of a session does not
    /// count. Default `None`.
    pub memory: Option<u64>,
    /// Open descriptors. Default `None`; at least [`LEAST_OPEN_FILES`](Self::LEAST_OPEN_FILES).
    pub open_files: Option<u64>,
    /// Processor time over the plugin's whole life, rounded up to seconds; SIGKILL follows. Default `None`.
    pub cpu_time: Option<Duration>,
}

impl Default for ResourceLimits {
    fn default() -> Self {
        Self {
            core_size: Some(1),
            memory: None,
            open_files: None,
            cpu_time: None,
        }
    }
}

impl ResourceLimits {
    /// Whatever the host itself is allowed, core dumps included.
    pub const INHERITED: Self = Self {
        core_size: None,
        memory: None,
        open_files: None,
        cpu_time: None,
    };

    /// Open descriptors that a plugin needs which has a runtime, a session, and nothing of its own. With fewer it is not
    /// started.
    pub const LEAST_OPEN_FILES: u64 = 18;

    /// Sets every limit on `pid`, which must be a child of ours that has not been reaped.
    pub(super) fn apply(&self, pid: u32) -> Result<(), (&'static str, io::Error)> {
        let target = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let Some(target) = target else {
            return Err(("process id", io::ErrorKind::InvalidInput.into()));
        };
        let cpu_seconds = self
            .cpu_time
            .map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
        let wanted = [
            ("core size", Resource::Core, self.core_size),
            ("memory", Resource::Data, self.memory),
            ("open files", Resource::Nofile, self.open_files),
            ("cpu time", Resource::Cpu, cpu_seconds),
        ];
        for (name, resource, limit) in wanted {
            if limit.is_some() {
                let limit = Rlimit {
                    current: limit,
                    maximum: limit,
                };
                set(target, resource, limit).map_err(|error| (name, error))?;
            }
        }
        Ok(())
    }
}

fn set(target: Pid, resource: Resource, limit: Rlimit) -> io::Result<()> {
    let no_dump = resource == Resource::Core && limit.maximum == Some(1);
    match prlimit(Some(target), resource, limit) {
        Err(rustix::io::Errno::PERM) if no_dump => {
            let none = Rlimit {
                current: Some(0),
                maximum: Some(0),
            };
            prlimit(Some(target), resource, none).map_err(missing)?; // L3
            Ok(())
        }
        set => set.map(drop).map_err(missing),
    }
}

/// Whether it was the limit that was refused, or the system call.
fn missing(errno: rustix::io::Errno) -> io::Error {
    // The same call, asking for nothing.
    let may_ask = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE).is_ok();
    match may_ask {
        true => errno.into(),
        false => Unsupported::explain("prlimit64", "2.6.36", errno.into()),
    }
}
