//! Whether the other side's executor still runs.
//!
//! - U1: time is counted in heartbeats of our own: a machine that slept, or a host that did not run, makes
//!   nobody unresponsive.
//! - U2: a process that a debugger holds is not unresponsive.

use std::time::Duration;

use rapace_session::Session;

/// Watches the other side's heartbeat.
pub(super) struct Watchdog {
    limit: Option<Duration>,
    session: Session,
    last: Option<u32>,
    silent: Duration,
}

impl Watchdog {
    pub(super) fn new(limit: Option<Duration>, session: Session) -> Self {
        Self {
            limit,
            session,
            last: None,
            silent: Duration::ZERO,
        }
    }

    /// Ends when nothing has moved for too long, and says for how long.
    pub(super) async fn stops(&mut self, pid: u32) -> Duration {
        let Some(limit) = self.limit else {
            return std::future::pending().await;
        };
        loop {
            // Half as often as both beat, so that none of the other side's can fall between two looks. U1
            let passed = self.session.next_heartbeat().await + self.session.next_heartbeat().await;
            let beats = self.session.peer_heartbeats();
            if beats != self.last || beats.is_none() {
                self.last = beats;
                self.silent = Duration::ZERO;
                continue;
            }
            self.silent += passed;
            if self.silent >= limit {
                // U2
                if is_traced(pid) {
                    self.silent = Duration::ZERO;
                    continue;
                }
                return self.silent;
            }
        }
    }
}

/// Whether a debugger is attached.
fn is_traced(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|status| {
        status
            .lines()
            .filter_map(|line| line.strip_prefix("TracerPid:"))
            .any(|tracer| tracer.trim() != "0")
    })
}
