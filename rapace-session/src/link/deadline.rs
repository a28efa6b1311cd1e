//! Deadlines, on tokio's clock and in the header of a request.

use std::time::{Duration, Instant};

/// Returns the current time of tokio's clock, which tests can pause.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Returns the remaining time for the header of a request: in milliseconds, at least 1, and 0 for
/// no deadline.
///
/// A time that does not fit is sent as no deadline, so that no call is cut short: the caller keeps
/// the deadline, and cancels the call when it passes.
pub(crate) fn millis_left(deadline: Option<Instant>) -> u32 {
    match deadline {
        None => 0,
        Some(at) => {
            let left = at.saturating_duration_since(now()) + Duration::from_micros(999);
            u32::try_from(left.as_millis()).map_or(0, |left| left.max(1))
        }
    }
}

/// Returns the deadline that a request's header states as `millis`.
pub(crate) fn after_millis(millis: u32) -> Option<Instant> {
    match millis {
        0 => None,
        left => now().checked_add(Duration::from_millis(left.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_remaining_is_rounded_up_and_neither_ended_nor_cut_short() {
        assert_eq!(millis_left(None), 0);
        assert_eq!(millis_left(Some(now() - Duration::from_secs(1))), 1);
        let soon = millis_left(Some(now() + Duration::from_micros(2_100)));
        assert!((2..=3).contains(&soon), "{soon}");
        let longest = Duration::from_millis(u32::MAX.into());
        let late = millis_left(Some(now() + longest));
        assert!(late > u32::MAX - 60_000, "{late}");
        for too_late in [
            longest + Duration::from_secs(60),
            Duration::from_secs(86_400 * 60),
            Duration::from_secs(1 << 40),
        ] {
            assert_eq!(
                millis_left(Some(now() + too_late)),
                0,
                "it is not cut short"
            );
        }
    }
}
