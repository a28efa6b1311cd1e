//! Dying at a named step: for the tests of this crate and of those above it. Not part of the API; present
//! only with the feature `crash-points`, which no dependency except one of tests may enable.
//!
//! - CR1: every crash point is counted when it begins and when it has ended, from the start of the process.
//! - CR2: an armed process kills itself, with SIGKILL, at the one occurrence that it was armed
//!   for. Nothing runs between that occurrence and the kill except `on_crash`.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::crash_points::point::CrashPoint;
use crate::sync::orderings;

/// On which side of a crash point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum When {
    /// Before the step: no other process can have observed it.
    Before,
    /// After the step: every other process can observe it.
    After,
}

/// Where this process is to die.
#[derive(Debug)]
struct Death {
    point: CrashPoint,
    when: When,
    nth: u64,
    on_crash: fn(),
}

/// Returns the names of all crash points.
pub fn sites() -> impl Iterator<Item = &'static str> {
    CrashPoint::ALL.iter().map(|&(_, name)| name)
}

/// Returns how often this process has passed a site. `None` if there is no site of that name.
#[must_use]
pub fn passed(site: &str, when: When) -> Option<u64> {
    let point = named(site)?;
    Some(counter(point, when)?.load(orderings::RELAXED))
}

/// Returns the current time of a clock that all processes of this machine share.
///
/// # Panics
/// If the kernel has no monotonic clock, which no Linux does without.
#[must_use]
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC);
    now.expect("every Linux has this clock").into()
}

/// Arms this process, once, to die the `nth` time, counted from 1, that it passes a site. `on_crash`
/// is called just before, in whatever context that is: it must not use a link. `None` if there is no such site,
/// or the process is armed already.
pub fn arm(site: &str, when: When, nth: u64, on_crash: fn()) -> Option<()> {
    let point = named(site)?;
    let death = Death {
        point,
        when,
        nth,
        on_crash,
    };
    DEATH.set(death).ok()
}

/// Counts a hit, and dies if it is the one that the process was armed for (CR1, CR2).
pub(crate) fn hit(point: CrashPoint, when: When) {
    let Some(counter) = counter(point, when) else {
        return;
    };
    let nth = counter.fetch_add(1, orderings::RELAXED) + 1;
    let Some(death) = DEATH.get() else {
        return;
    };
    if death.point == point && death.when == when && death.nth == nth {
        (death.on_crash)();
        // SIGKILL: the call does not return.
        let survived = kill(Pid::this(), Signal::SIGKILL);
        unreachable!("{survived:?} of a kill that cannot be refused");
    }
}

fn named(site: &str) -> Option<CrashPoint> {
    let found = CrashPoint::ALL.iter().find(|(_, name)| *name == site);
    found.map(|&(point, _)| point)
}

fn counter(point: CrashPoint, when: When) -> Option<&'static AtomicU64> {
    let [before, after] = PASSED.get(point as usize)?;
    Some(match when {
        When::Before => before,
        When::After => after,
    })
}

static DEATH: OnceLock<Death> = OnceLock::new();
static PASSED: [[AtomicU64; 2]; CrashPoint::ALL.len()] =
    [const { [const { AtomicU64::new(0) }; 2] }; CrashPoint::ALL.len()];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crash_point_has_a_name_and_a_place_of_its_own() {
        for (place, &(point, name)) in CrashPoint::ALL.iter().enumerate() {
            assert_eq!(point as usize, place);
            assert_eq!(named(name), Some(point));
        }
        assert_eq!(named("Nonsense"), None);
        assert!(arm("Nonsense", When::Before, 1, || {}).is_none());
    }

    #[test]
    fn passages_are_counted_on_both_sides() {
        let count = |when| passed("TakeOver", when).unwrap();
        let before = [count(When::Before), count(When::After)];
        CrashPoint::TakeOver.begins();
        assert!(count(When::Before) > before[0]);
        CrashPoint::TakeOver.around(|| {});
        assert!(count(When::After) > before[1]);
    }
}
