//! The peer's heartbeat: whether its executor runs, which is another question than whether it lives.

use std::fmt;
use std::time::{Duration, Instant};

use rapace_session::Session;

/// A silence after which something is wrong: four beats of a session's default.
const STUCK: Duration = Duration::from_secs(1);

/// What has been seen of the peer's heartbeat.
#[derive(Debug)]
pub struct Heartbeat {
    session: Session,
    beats: u32,
    changed: Instant,
}

/// What was seen in one look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Beats since the look before.
    pub new: u32,
    /// How long ago the count was first seen as it is.
    pub silence: Duration,
}

impl Heartbeat {
    /// Listens to the peer of this session.
    #[must_use]
    pub fn of(session: &Session) -> Self {
        Self {
            session: session.clone(),
            beats: session.peer_heartbeats().unwrap_or(0),
            changed: Instant::now(),
        }
    }

    /// Beats since the session began, as of the last look.
    #[must_use]
    pub fn beats(&self) -> u32 {
        self.beats
    }

    /// Looks again. How often one looks is how exact the silence is.
    pub fn look(&mut self) -> Look {
        let beats = self.session.peer_heartbeats().unwrap_or(0);
        let new = beats.wrapping_sub(self.beats);
        if new > 0 {
            self.beats = beats;
            self.changed = Instant::now();
        }
        Look {
            new,
            silence: self.changed.elapsed(),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.silence >= STUCK {
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
