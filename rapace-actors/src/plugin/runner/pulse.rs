//! Whether the other side's executor still runs.
//!
//! - U1: time is counted in looks of our own: a machine that slept, or a host that did not run, makes
//!   nobody stuck.
//! - U2: a process that a debugger holds is not stuck.

use std::time::Duration;

use rapace_session::Session;
use tokio::time::{Interval, MissedTickBehavior};

/// How often the heartbeat is looked at: half as often as it beats.
const LOOK: Duration = Duration::from_millis(500);

/// Watches the other side's heartbeat.
pub(super) struct Pulse {
    limit: Option<Duration>,
    session: Session,
    look: Interval,
    last: Option<u32>,
    looks: u32,
}

impl Pulse {
    pub(super) fn new(limit: Option<Duration>, session: Session) -> Self {
        let mut look = tokio::time::interval(LOOK);
        // U1
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            limit,
            session,
            look,
            last: None,
            looks: 0,
        }
    }

    /// Ends when nothing has moved for too long, and says for how long.
    pub(super) async fn stops(&mut self, pid: u32) -> Duration {
        let Some(limit) = self.limit else {
            return std::future::pending().await;
        };
        loop {
            self.look.tick().await;
            let beats = self.session.peer_beats();
            if beats != self.last || beats.is_none() {
                self.last = beats;
                self.looks = 0;
                continue;
            }
            self.looks += 1;
            let silent = LOOK * self.looks;
            if silent >= limit {
                // U2
                if is_traced(pid) {
                    self.looks = 0;
                    continue;
                }
                return silent;
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
