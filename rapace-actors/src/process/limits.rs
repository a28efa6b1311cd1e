//! Resource limits of a plugin process.
//!
//! - L1: the host sets the limits from outside, right after the start, so that they hold even before the
//!   program runs any of our code. Soft and hard limit are equal: the plugin cannot raise them.
//! - L2: if a limit cannot be set, the start fails. A plugin never runs with fewer limits than requested.
//! - L3: if a core size of one byte cannot be set, because the host itself may dump nothing, it is set to zero.

use std::io;
use std::time::Duration;

use rapace_shm::Unsupported;
// nix sets limits only for the calling process.
use rustix::process::{Pid, Resource, Rlimit, prlimit};

/// Resource limits that the kernel enforces on a plugin process.
///
/// They apply per process: the plugin's children inherit them, but do not share one budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceLimits {
    /// Largest core dump, in bytes. Default `Some(1)`: no dump, since dumping 256 MiB delays the detection of a
    /// crash by up to a second. Zero would only forbid files; 1 is too small for a file, and is also the value
    /// at which the kernel does not pipe the dump to a helper such as systemd-coredump.
    pub core_size: Option<u64>,
    /// Private writable memory in bytes: heap and anonymous mappings. A session's shared segment does not
    /// count. Default `None`.
    pub memory: Option<u64>,
    /// Open file descriptors. Default `None`; at least [`LEAST_OPEN_FILES`](Self::LEAST_OPEN_FILES).
    pub open_files: Option<u64>,
    /// CPU time over the plugin's whole life, rounded up to seconds; then the kernel sends SIGKILL. Default
    /// `None`.
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
    /// The host's own limits, core dumps included.
    pub const INHERITED: Self = Self {
        core_size: None,
        memory: None,
        open_files: None,
        cpu_time: None,
    };

    /// The file descriptors that a plugin with a runtime and a session needs at least. With a lower limit it is
    /// not started.
    pub const LEAST_OPEN_FILES: u64 = 18;

    /// Sets every limit on `pid`, which must be an unreaped child.
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

/// Finds out whether the limit or the system call itself was refused.
fn missing(errno: rustix::io::Errno) -> io::Error {
    // The same call, which changes nothing.
    let may_ask = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_CORE).is_ok();
    match may_ask {
        true => errno.into(),
        false => Unsupported::explain("prlimit64", "2.6.36", errno.into()),
    }
}
