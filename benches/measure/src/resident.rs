//! The peak memory of a process.

use std::fs;

/// The peak memory of a process up to some moment. Pages that it shares with another process count for both.
#[derive(Clone, Copy, Debug)]
pub struct Peak {
    pid: u32,
    bytes: usize,
}

impl Peak {
    /// Reads the peak so far.
    ///
    /// # Errors
    /// If there is no such process, or the system does not say.
    pub fn of(pid: u32) -> Result<Self, String> {
        let path = format!("/proc/{pid}/status");
        let status = fs::read_to_string(&path).map_err(|why| format!("{path}: {why}"))?;
        let bytes = high_water(&status).ok_or_else(|| format!("{path} has no peak"))?;
        Ok(Self { pid, bytes })
    }

    /// Checks that the peak has grown by at most `bytes` since `self` was read.
    ///
    /// # Errors
    /// If it has grown by more, or the process is gone.
    pub fn grew_by_at_most(&self, bytes: usize) -> Result<(), String> {
        let grown = Self::of(self.pid)?.bytes.saturating_sub(self.bytes);
        if grown <= bytes {
            return Ok(());
        }
        let pid = self.pid;
        Err(format!(
            "process {pid} came to take {grown} bytes more, where {bytes} are allowed"
        ))
    }
}

fn high_water(status: &str) -> Option<usize> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line?.trim().strip_suffix(" kB")?.parse::<usize>().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_counts_even_if_it_was_given_back() {
        let peak = Peak::of(std::process::id()).unwrap();
        peak.grew_by_at_most(16 << 20).unwrap();
        drop(std::hint::black_box(vec![1_u8; 64 << 20]));
        assert!(peak.grew_by_at_most(16 << 20).is_err());
        peak.grew_by_at_most(256 << 20).unwrap();
    }

    #[test]
    fn a_status_without_a_peak_has_none() {
        assert_eq!(
            high_water("Name:\tx\nVmHWM:\t    1234 kB\n"),
            Some(1234 << 10)
        );
        assert_eq!(high_water("Name:\tx\n"), None);
    }
}
