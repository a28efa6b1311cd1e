//! A thread that kills one plugin repeatedly.

use std::time::{Duration, Instant};

use rapace::Plugin;
use rapace::plugin::{PluginEvent, PluginEventKind};
use rapace::process::Incarnation;
use rustix::process::Signal;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use crate::random::Random;
use crate::target::Target;
use crate::violation::{Outcome, Violation};

/// Kills one plugin at random moments. Runs on a thread of its own, and reports each kill.
pub(super) struct Killer {
    plugin: Plugin,
    events: broadcast::Receiver<PluginEvent>,
    random: Random,
    kills: watch::Sender<usize>,
    /// The incarnation killed last.
    last: Option<Incarnation>,
}

/// The moment of a kill.
enum Moment {
    /// This long after the start: before, in or after the handshake.
    Starting(Duration),
    /// This long after an answer.
    Ready(Duration),
}

impl Killer {
    pub(super) fn new(plugin: Plugin, random: Random) -> (Self, watch::Receiver<usize>) {
        let (kills, struck) = watch::channel(0);
        let killer = Self {
            events: plugin.events(),
            plugin,
            random,
            kills,
            last: None,
        };
        (killer, struck)
    }

    pub(super) fn kill_repeatedly(&mut self, count: usize) -> Outcome {
        let mut ready = true;
        for nth in 1..=count {
            loop {
                match (self.moment(), ready) {
                    (Moment::Starting(after), false) => {
                        self.wait_for(|kind| matches!(kind, PluginEventKind::Starting { .. }))?;
                        std::thread::sleep(after);
                    }
                    (Moment::Starting(after) | Moment::Ready(after), _) => {
                        if !ready {
                            self.wait_for(|kind| matches!(kind, PluginEventKind::Ready { .. }))?;
                        }
                        std::thread::sleep(after);
                    }
                }
                ready = false;
                if self.kill() {
                    break;
                }
                // There was no process any more, or not yet.
            }
            self.wait_for(|kind| {
                matches!(
                    kind,
                    PluginEventKind::Died(_) | PluginEventKind::NotStarted(_)
                )
            })?;
            self.kills.send_replace(nth);
        }
        Ok(())
    }

    fn moment(&mut self) -> Moment {
        match self.random.within(0..10) {
            0 | 1 => Moment::Starting(self.random.below(Duration::from_millis(4))),
            2 => Moment::Ready(Duration::ZERO),
            3..=7 => Moment::Ready(self.random.below(Duration::from_millis(1))),
            _ => Moment::Ready(self.random.below(Duration::from_millis(8))),
        }
    }

    /// Kills the current process; returns false if there is none.
    fn kill(&mut self) -> bool {
        let until = Instant::now() + Duration::from_secs(1);
        while Instant::now() < until {
            // Read in this order: if the incarnation is the same twice, the process id belongs to it.
            let incarnation = self.plugin.incarnation();
            let pid = self.plugin.pid().filter(|_| incarnation > self.last);
            if let Some(pid) = pid.filter(|_| self.plugin.incarnation() == incarnation) {
                self.last = incarnation;
                if self.random.within(0..10) == 0 {
                    self.plugin.kill();
                    return true;
                }
                return Target::child(pid).is_some_and(|target| target.signal(Signal::KILL));
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        false
    }

    fn wait_for(&mut self, wanted: impl Fn(&PluginEventKind) -> bool) -> Outcome {
        loop {
            match self.events.blocking_recv() {
                Ok(event) if wanted(&event.kind) => return Ok(()),
                Ok(event) => {
                    if let PluginEventKind::Down(_) = event.kind {
                        return Err(Violation::new(event.to_string()));
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(Violation::new("a plugin's actor ended")),
            }
        }
    }
}
