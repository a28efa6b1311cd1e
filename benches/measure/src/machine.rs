//! The machine: what it is, and where on it a process runs.

use std::fs;
use std::io;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The machine: processor, number of processors, kernel, load.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Processors that this process may use.
    pub cpus: usize,
    /// The kernel's release.
    pub kernel: String,
    /// Runnable threads in the last minute, on average. Near 0 is quiet.
    pub load: String,
}

impl Machine {
    /// Describes this machine, now. A property that cannot be read is "unknown".
    #[must_use]
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let processor = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, name)| name);
        let known = |text: &str| match text.trim() {
            "" => "unknown".to_owned(),
            known => known.to_owned(),
        };
        Self {
            processor: processor.to_owned(),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            kernel: known(&read("/proc/sys/kernel/osrelease")),
            load: known(read("/proc/loadavg").split(' ').next().unwrap_or("")),
        }
    }
}

/// Names the processors that a pinned process was allowed before, to those that it starts.
const USABLE: &str = "RAPACE_BENCH_CPUS";

/// The processors that this process may use.
///
/// # Errors
/// If the system refuses.
pub fn usable() -> io::Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    let usable = |cpu: &usize| set.is_set(*cpu).unwrap_or(false);
    Ok((0..CpuSet::count()).filter(usable).collect())
}

/// The processors that this process could use before it or its parent was pinned.
pub(crate) fn usable_at_start() -> io::Result<Vec<usize>> {
    match std::env::var(USABLE) {
        Ok(list) => Ok(list.split(',').filter_map(|cpu| cpu.parse().ok()).collect()),
        Err(_) => usable(),
    }
}

/// The environment variable for child processes that lets them leave the processor of their parent.
///
/// # Errors
/// If the system refuses.
pub fn usable_for_children() -> io::Result<(&'static str, String)> {
    let list = usable_at_start()?
        .iter()
        .map(usize::to_string)
        .collect::<Vec<_>>();
    Ok((USABLE, list.join(",")))
}

/// Keeps this process, and threads that it starts from here on, on one processor.
///
/// # Errors
/// If there is no such processor, or it may not be used.
pub fn pin(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set)?;
    Ok(())
}
