//! The peer's heartbeat: it shows whether the peer's executor runs, not only whether the process lives.

use std::fmt;
use std::time::{Duration, Instant};

use rapace_session::Session;

/// The silence after which the peer counts as unresponsive: four beats at a session's default.
const UNRESPONSIVE_AFTER: Duration = Duration::from_secs(1);

/// Observes the peer's heartbeat.
#[derive(Debug)]
pub struct Heartbeat {
    session: Session,
    beats: u32,
    changed: Instant,
}

/// One observation.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Beats since the previous observation.
    pub new: u32,
    /// How long ago the count last changed.
    pub silence: Duration,
}

impl Heartbeat {
    /// Starts observing the peer of this session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self {
            session: session.clone(),
            beats: session.peer_heartbeats().unwrap_or(0),
            changed: Instant::now(),
        }
    }

    /// Returns the number of beats since the session began, as last observed.
    #[must_use]
    pub fn beats(&self) -> u32 {
        self.beats
    }

    /// Observes again. The silence is as exact as the calls are frequent.
    pub fn read(&mut self) -> Reading {
        let beats = self.session.peer_heartbeats().unwrap_or(0);
        let new = beats.wrapping_sub(self.beats);
        if new > 0 {
            self.beats = beats;
            self.changed = Instant::now();
        }
        Reading {
            new,
            silence: self.changed.elapsed(),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.silence >= UNRESPONSIVE_AFTER {
            write!(
                f,
                "no heartbeat for {:.1} s: the peer lives, and its executor is unresponsive or stopped",
                self.silence.as_secs_f64()
            )
        } else {
            write!(f, "heartbeat: the peer's executor runs")
        }
    }
}
