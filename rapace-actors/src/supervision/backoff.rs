//! The delay before the next start.
//!
//! - BO1: the `n`th attempt in a row waits between half and all of `first * factor^(n-1)`, at most `cap`
//!   ("equal jitter"). So plugins that died together do not restart together, and none restarts at once.
//! - BO2: the first attempt may be immediate: a plugin that fails once a day should cost its callers nothing.
//! - BO3: a plugin that was healthy for `healthy_after` starts over with the first attempt.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How the delays grow.
#[derive(Clone, Debug, PartialEq)]
pub struct BackoffConfig {
    /// Whether the first attempt after a healthy run is immediate. Default `true`.
    pub first_is_immediate: bool,
    /// The first delay, before jitter. Default 100 ms: a start takes a few milliseconds.
    pub first: Duration,
    /// The factor between two delays. Default 2; anything below 1 counts as 1.
    pub factor: f64,
    /// The longest delay, before jitter. Default 30 s: a person who has fixed the cause should not wait longer.
    pub cap: Duration,
    /// How long a plugin must be ready until its earlier failures are forgotten. Default 10 s.
    pub healthy_after: Duration,
}

impl Default for BackoffConfig {
    fn default() -> Self {
        Self {
            first_is_immediate: true,
            first: Duration::from_millis(100),
            factor: 2.0,
            cap: Duration::from_secs(30),
            healthy_after: Duration::from_secs(10),
        }
    }
}

/// The backoff state of one plugin.
#[derive(Clone, Debug)]
pub struct Backoff {
    config: BackoffConfig,
    attempt: u32,
    random: SplitMix64,
}

impl Backoff {
    /// Starts at the first attempt, with a jitter seed of its own.
    #[must_use]
    pub fn new(config: BackoffConfig) -> Self {
        Self::with_seed(config, RandomState::new().hash_one(0))
    }

    /// Starts at the first attempt, with this jitter seed.
    #[must_use]
    pub fn with_seed(config: BackoffConfig, seed: u64) -> Self {
        Self {
            config,
            attempt: 0,
            random: SplitMix64(seed),
        }
    }

    /// Whether a plugin that has been ready for this long counts as healthy: then [`reset`](Self::reset). BO3.
    #[must_use]
    pub fn is_healthy(&self, ready: Duration) -> bool {
        ready >= self.config.healthy_after
    }

    /// Forgets all attempts so far.
    pub fn reset(&mut self) {
        self.attempt = 0;
    }

    /// Returns the number of the next attempt, from 1, and the delay before it.
    pub fn next_attempt(&mut self) -> (u32, Duration) {
        self.attempt = self.attempt.saturating_add(1);
        let waits = self.attempt - u32::from(self.config.first_is_immediate);
        let wait = match waits {
            0 => Duration::ZERO,
            n => self.jittered(self.full_wait(n - 1)),
        };
        (self.attempt, wait)
    }

    /// Returns the delay before jitter, after `growths` multiplications. Never more than the cap, whatever the
    /// configuration.
    fn full_wait(&self, growths: u32) -> Duration {
        // `max` also turns a factor that is not a number into 1.
        let factor = self.config.factor.max(1.0);
        let grown = self.config.first.as_secs_f64() * factor.powf(f64::from(growths));
        Duration::try_from_secs_f64(grown).map_or(self.config.cap, |wait| wait.min(self.config.cap))
    }

    fn jittered(&mut self, full: Duration) -> Duration {
        let half = full / 2;
        half + (full - half).mul_f64(self.random.next_unit())
    }
}

/// Steele, Lea and Flood's generator: good enough to keep plugins apart, and one word of state.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 to just below 1.
    fn next_unit(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> BackoffConfig {
        BackoffConfig {
            first_is_immediate: false,
            ..BackoffConfig::default()
        }
    }

    fn waits(config: &BackoffConfig, seed: u64, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::with_seed(config.clone(), seed);
        (0..count).map(|_| backoff.next_attempt().1).collect()
    }

    #[test]
    fn every_wait_lies_between_half_and_all_of_its_step() {
        for seed in 0..500 {
            for (n, wait) in waits(&config(), seed, 40).into_iter().enumerate() {
                let full = Duration::from_millis(100 << n.min(20)).min(Duration::from_secs(30));
                assert!(
                    wait >= full / 2 && wait <= full,
                    "seed {seed}, attempt {n}: {wait:?}"
                );
            }
        }
    }

    #[test]
    fn plugins_that_died_together_do_not_come_back_together() {
        let thirds: Vec<_> = (0..100).map(|seed| waits(&config(), seed, 3)[2]).collect();
        let (low, high) = (thirds.iter().min(), thirds.iter().max());
        let spread = *high.expect("some") - *low.expect("some");
        assert!(
            spread > Duration::from_millis(150),
            "of at most 200 ms: {spread:?}"
        );
        assert_ne!(
            Backoff::new(config()).random.0,
            Backoff::new(config()).random.0
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        assert_eq!(waits(&config(), 42, 10), waits(&config(), 42, 10));
    }

    #[test]
    fn the_first_attempt_may_be_immediate_and_the_others_still_grow() {
        let mut backoff = Backoff::with_seed(BackoffConfig::default(), 1);
        assert_eq!(backoff.next_attempt(), (1, Duration::ZERO));
        let (attempt, wait) = backoff.next_attempt();
        assert_eq!(attempt, 2);
        assert!(wait >= Duration::from_millis(50) && wait <= Duration::from_millis(100));
    }

    #[test]
    fn a_reset_starts_over() {
        let mut backoff = Backoff::with_seed(config(), 1);
        for attempt in 1..=5 {
            assert_eq!(backoff.next_attempt().0, attempt);
        }
        assert!(!backoff.is_healthy(Duration::from_millis(9_999)));
        assert!(backoff.is_healthy(Duration::from_secs(10)));
        backoff.reset();
        let (attempt, wait) = backoff.next_attempt();
        assert!(
            attempt == 1 && wait <= Duration::from_millis(100),
            "{wait:?}"
        );
    }

    #[test]
    fn no_configuration_overflows() {
        for factor in [f64::NAN, f64::INFINITY, -3.0, 0.0, 1e300] {
            let wild = BackoffConfig {
                factor,
                cap: Duration::MAX,
                first: Duration::from_secs(1),
                ..config()
            };
            let mut backoff = Backoff::with_seed(wild, 3);
            backoff.attempt = u32::MAX - 2;
            for _ in 0..5 {
                backoff.next_attempt();
            }
        }
    }
}
