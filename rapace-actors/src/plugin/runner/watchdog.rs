//! The watchdog: detects that the plugin's executor no longer runs.
//!
//! - U1: time is counted in our own heartbeats, so that no plugin counts as unresponsive after the machine
//!   slept or the host did not run.
//! - U2: a process that is stopped in a debugger is not unresponsive.

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

    /// Returns when the plugin has sent no heartbeat for too long, with that time.
    pub(super) async fn stops(&mut self, pid: u32) -> Duration {
        let Some(limit) = self.limit else {
            return std::future::pending().await;
        };
        loop {
            // Half as often as both sides beat, so that every beat of the peer shows between two checks (U1).
            let passed = self.session.next_heartbeat().await + self.session.next_heartbeat().await;
            let heartbeats = self.session.peer_heartbeats();
            if heartbeats != self.last || heartbeats.is_none() {
                self.last = heartbeats;
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
