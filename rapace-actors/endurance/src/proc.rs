//! Figures from `/proc` about a process. A process or thread that has ended counts as zero.

use std::fs;
use std::os::unix::fs::MetadataExt;

/// The process that started this one.
pub(crate) fn parent_of(pid: u32) -> Option<u32> {
    field(&status(&format!("/proc/{pid}/status")), "PPid:")?
        .try_into()
        .ok()
}

/// Open descriptors of this process, except for the one that reads them.
pub(crate) fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, |found| found.count().saturating_sub(1))
}

/// Threads of a process.
pub(crate) fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// Mappings of session memory in this process.
pub(crate) fn mappings() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter(|line| line.contains(MEMORY)).count()
}

/// Private memory of a process that is resident, in bytes.
pub(crate) fn private(pid: u32) -> u64 {
    field(&status(&format!("/proc/{pid}/status")), "RssAnon:").unwrap_or(0) * 1024
}

/// Session memory of a process that is resident, in bytes.
pub(crate) fn shared(pid: u32) -> u64 {
    let maps = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap_or_default();
    let mut of_session = false;
    let mut sum = 0;
    for line in maps.lines() {
        if line
            .split(' ')
            .next()
            .is_some_and(|first| first.contains('-'))
        {
            of_session = line.contains(MEMORY);
        } else if of_session && let Some(rss) = value(line, "Rss:") {
            sum += rss * 1024;
        }
    }
    sum
}

/// Bytes that the session memory which a process has open takes, mapped or not.
pub(crate) fn committed(pid: u32) -> u64 {
    let open = fs::read_dir(format!("/proc/{pid}/fd"));
    let open = open
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path());
    open.filter(|path| {
        let target = fs::read_link(path);
        target.is_ok_and(|target| target.to_string_lossy().contains(MEMORY))
    })
    .filter_map(|path| Some(fs::metadata(path).ok()?.blocks() * 512))
    .sum()
}

/// Processes with this in their environment.
pub(crate) fn marked(variable: &str, value: &str) -> Vec<u32> {
    let wanted = format!("{variable}={value}");
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|one| one == wanted.as_bytes())
        })
        .collect()
}

/// Describes a process in a few words.
pub(crate) fn describe(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let status = status(&format!("/proc/{pid}/status"));
    let state = status.lines().find(|line| line.starts_with("State:"));
    format!("{pid} `{}` ({})", line.trim(), state.unwrap_or("gone"))
}

/// How often threads of a process have blocked: each of these ends with a wake-up.
pub(crate) fn waits(pid: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let threads = threads.into_iter().flatten().flatten();
    threads
        .map(|thread| status(&thread.path().join("status").display().to_string()))
        .filter_map(|status| field(&status, "voluntary_ctxt_switches:"))
        .sum()
}

fn status(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| value(line, name))
}

fn value(line: &str, name: &str) -> Option<u64> {
    line.strip_prefix(name)?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// The name of a session's memory objects in `/proc`.
const MEMORY: &str = "memfd:rapace";
