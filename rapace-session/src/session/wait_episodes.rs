//! Which waits are reported: each group once in an episode.
//!
//! - EP1: an episode of a group begins when one of its waits has become long, and is over when none is long any more. It is
//!   reported once, however many wait, and for how long.
//! - EP2: the same group is reported at most once in [`QUIET`], so that waits that are usual do not fill a log. An episode that
//!   is still going on then is reported.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::session::wait::{Resource, Wait, Waiter};

type Group = (Waiter, Resource);

/// The episodes that were reported, by waiter and [`Resource::group_key`].
#[derive(Debug, Default)]
pub(super) struct Episodes(HashMap<Group, Reported>);

#[derive(Debug)]
struct Reported {
    at: Instant,
    goes_on: bool,
}

impl Episodes {
    /// Returns those of the long waits that are to be reported now.
    pub(super) fn begun(&mut self, waits: Vec<Wait>, now: Instant) -> Vec<Wait> {
        let group = |wait: &Wait| (wait.waiter.clone(), wait.resource.group_key());
        let groups = waits.iter().map(group).collect::<HashSet<_>>();
        self.0.retain(|group, reported| {
            reported.goes_on &= groups.contains(group);
            reported.goes_on || now.saturating_duration_since(reported.at) < QUIET // EP2
        });
        let mut begun = waits;
        begun.retain(|wait| {
            let group = group(wait);
            let is_new = !self.0.contains_key(&group);
            if is_new {
                let reported = Reported {
                    at: now,
                    goes_on: true,
                };
                self.0.insert(group, reported); // EP1
            }
            is_new
        });
        begun
    }
}

/// How long a group is not reported again.
const QUIET: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::wait::Holder;

    fn waits(resources: &[Resource]) -> Vec<Wait> {
        let wait = |&resource| Wait {
            waiter: Waiter::Allocation,
            count: 1,
            waited: Duration::from_secs(1),
            resource,
            holder: Holder::Receiver,
        };
        resources.iter().map(wait).collect()
    }

    /// EP1
    #[test]
    fn each_group_is_reported_once_for_as_long_as_it_waits() {
        let mut episodes = Episodes::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (ring, mailbox) = (Resource::Ring, Resource::Mailbox);
        let mut reported = |resources: &[_], seconds| {
            let begun = episodes.begun(waits(resources), at(seconds));
            begun.iter().map(|wait| wait.resource).collect::<Vec<_>>()
        };
        assert_eq!(reported(&[ring], 0), [ring]);
        assert_eq!(reported(&[ring, mailbox], 1), [mailbox]);
        assert_eq!(reported(&[ring, mailbox], 1000), []);
        assert_eq!(reported(&[ring], 1001), []);
        assert_eq!(reported(&[ring, mailbox], 1002), [mailbox]);
    }

    /// EP2
    #[test]
    fn a_group_that_waits_again_and_again_is_reported_once_a_minute() {
        let mut episodes = Episodes::default();
        let start = Instant::now();
        let mut count = 0;
        for second in 0..600 {
            let waiting: &[_] = match second % 5 {
                0 | 1 => &[Resource::Ring],
                _ => &[],
            };
            let now = start + Duration::from_secs(second);
            count += episodes.begun(waits(waiting), now).len();
        }
        assert_eq!(count, 10);
        // It goes on meanwhile, and is reported as soon as it may be.
        let at = |second| start + Duration::from_secs(second);
        let times = (600..700).filter(|second| {
            let begun = episodes.begun(waits(&[Resource::Ring]), at(*second));
            !begun.is_empty()
        });
        assert_eq!(times.collect::<Vec<_>>(), [600]);
        assert!(episodes.begun(Vec::new(), at(701)).is_empty());
        assert!(episodes.0.is_empty());
    }
}
