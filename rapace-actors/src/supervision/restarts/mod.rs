//! Decides what follows from a failure: a restart now, later, after a long pause, or none.
//!
//! - RC1: a failure that only a correction can remove is not retried.
//! - RC2: the policy is checked first, then the window, then the backoff. Only restarts that happen are
//!   counted.
//! - RC3: the breaker opens when the window is full. Then the plugin is left alone for a pause and tried once
//!   ("half-open"). If that one becomes healthy the breaker closes and earlier failures are forgotten; if it
//!   fails first, the breaker opens again, whatever the window says.
//! - RC4: a plugin without a breaker is given up when the window is full.

use std::time::{Duration, Instant};

use super::{
    Backoff, BackoffConfig, DownReason, Failure, LimitReached, RestartPolicy, RestartWindow,
    calls_for_restart,
};

/// How a plugin is restarted.
#[derive(Clone, Debug)]
pub struct RestartConfig {
    /// Which exits trigger a restart. Default Permanent, as kameo's.
    pub policy: RestartPolicy,
    /// How many restarts are allowed within [`within`](Self::within). Default 5: enough to show a bad
    /// deployment, few enough not to waste CPU time.
    pub limit: usize,
    /// See [`limit`](Self::limit). Default one minute, many times the backoff of five attempts.
    pub within: Duration,
    /// The delays between attempts.
    pub backoff: BackoffConfig,
    /// What happens when the limit is reached. Default: try again every 30 s.
    pub breaker: Breaker,
}

/// What happens when a plugin has reached its restart limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breaker {
    /// The plugin stays down until it is started by hand.
    GiveUp,
    /// The circuit opens for this long; then the plugin is started once as a probe, and so on.
    Probe(Duration),
}

impl Default for RestartConfig {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::Permanent,
            limit: 5,
            within: Duration::from_secs(60),
            backoff: BackoffConfig::default(),
            breaker: Breaker::Probe(Duration::from_secs(30)),
        }
    }
}

/// What follows from a failure.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RestartDecision {
    /// The plugin is restarted at `until`.
    Restart {
        /// The number of the attempt since it was last healthy, from 1.
        attempt: u32,
        /// When to start; not later than now means at once.
        until: Instant,
    },
    /// The circuit is open: the plugin is started once at `until`, and calls fail at once before that.
    Probe {
        /// When to start.
        until: Instant,
        /// The reason that calls fail with meanwhile.
        reason: DownReason,
    },
    /// The plugin is not restarted.
    GiveUp(DownReason),
}

/// The restarts of one plugin, and what they allow next.
#[derive(Clone, Debug)]
pub struct Restarts {
    policy: RestartPolicy,
    window: RestartWindow,
    backoff: Backoff,
    breaker: Breaker,
    /// Set if the breaker has opened, and no start since then has become healthy.
    half_open: Option<LimitReached>,
}

impl Restarts {
    /// Makes the state of a plugin without restarts.
    #[must_use]
    pub fn new(config: RestartConfig) -> Self {
        let backoff = Backoff::new(config.backoff.clone());
        Self::with_backoff(config, backoff)
    }

    /// Makes the same with a given backoff.
    #[must_use]
    pub fn with_backoff(config: RestartConfig, backoff: Backoff) -> Self {
        let window = RestartWindow::new(config.limit, config.within);
        Self {
            policy: config.policy,
            window,
            backoff,
            breaker: config.breaker,
            half_open: None,
        }
    }

    /// Returns the restart policy.
    #[must_use]
    pub fn policy(&self) -> RestartPolicy {
        self.policy
    }

    /// Decides what follows from a failure at `now`, of an incarnation that had been ready for `ready` (zero if
    /// it never was).
    pub fn decide(&mut self, failure: &Failure, ready: Duration, now: Instant) -> RestartDecision {
        if let Some(reason) = self.unwanted(failure) {
            return RestartDecision::GiveUp(reason);
        }
        if self.backoff.is_healthy(ready) {
            self.backoff.reset();
            if self.half_open.take().is_some() {
                self.window.clear();
            }
        }
        let admitted = match self.half_open {
            Some(limit) => Err(limit),
            None => self.window.admit(now),
        };
        match (admitted, self.breaker) {
            (Ok(()), _) => {
                let (attempt, wait) = self.backoff.next_attempt();
                RestartDecision::Restart {
                    attempt,
                    until: later(now, wait),
                }
            }
            (Err(limit), Breaker::GiveUp) => RestartDecision::GiveUp(DownReason::RestartLimit {
                limit,
                last: failure.clone(),
            }),
            (Err(limit), Breaker::Probe(pause)) => {
                self.half_open = Some(limit);
                let reason = DownReason::CircuitOpen {
                    limit,
                    last: failure.clone(),
                    pause,
                };
                RestartDecision::Probe {
                    until: later(now, pause),
                    reason,
                }
            }
        }
    }

    /// Forgets all failures: the plugin was started or restarted by hand.
    pub fn forget(&mut self) {
        self.window.clear();
        self.backoff.reset();
        self.half_open = None;
    }

    /// Returns why there is no restart, if there is none (RC1, RC2).
    fn unwanted(&self, failure: &Failure) -> Option<DownReason> {
        match failure {
            Failure::Died(exit) if calls_for_restart(self.policy, exit) => None,
            Failure::Died(exit) if exit.is_failure() => {
                Some(DownReason::NotRestarted(failure.clone()))
            }
            Failure::Died(exit) if exit.was_requested() => Some(DownReason::Stopped),
            Failure::Died(exit) => Some(DownReason::Completed(exit.clone())),
            Failure::Start(incarnation, error) if !failure.is_transient() => {
                Some(DownReason::StartFailed(*incarnation, error.clone()))
            }
            Failure::Start(..) if self.policy == RestartPolicy::Never => {
                Some(DownReason::NotRestarted(failure.clone()))
            }
            Failure::Start(..) => None,
        }
    }
}

/// Returns `now + wait`, or the far future if the clock cannot represent it.
fn later(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait)
        .or_else(|| now.checked_add(CENTURY))
        .unwrap_or(now)
}

const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
