//! Under which deadline a message was sent through a kameo reference.
//!
//! The deadline of the call being handled is known in the sender's task, and the message is taken up in the actor's.
//! Between the two, kameo carries the message, the way back, and the message's name, for which it asks `Message::name`
//! in the sender's task when the request is made. So the name of a message that is sent under a deadline is a *stamp*:
//! a copy of the name, at an address that stands for the deadline.
//!
//! - N1: a stamp reads as the name that it is a copy of.
//! - N2: a stamp stands for one message at a time: from being issued until it is redeemed.
//! - N3: no more than [`MOST`] stamps of one message are ever made. When all are out, the one whose deadline passed
//!   first is used again, since most likely its request was never sent; if none has passed, the next message inherits
//!   no deadline.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Instant;

use rapace_session::CallContext;

use crate::proxy::now;

/// The name for a message that is being sent on this task.
pub(super) fn name(plain: &'static str) -> &'static str {
    let Some(deadline) = CallContext::earliest(None) else {
        return plain;
    };
    ANY.store(true, Ordering::Relaxed);
    let mut stamps = STAMPS.lock().unwrap_or_else(PoisonError::into_inner);
    stamps.issue(plain, deadline, now())
}

/// The deadline under which a message of this name was sent.
pub(super) fn deadline(name: &'static str) -> Option<Instant> {
    // A message that has a stamp came after its stamp was issued.
    if !ANY.load(Ordering::Relaxed) {
        return None;
    }
    let mut stamps = STAMPS.lock().unwrap_or_else(PoisonError::into_inner);
    stamps.redeem(name)
}

/// Whether there was ever a stamp.
static ANY: AtomicBool = AtomicBool::new(false);
static STAMPS: LazyLock<Mutex<Stamps>> = LazyLock::new(Mutex::default);

/// N3: some 100 bytes each.
const MOST: usize = 4096;

#[derive(Default)]
struct Stamps {
    kinds: HashMap<&'static str, Kind>,
    /// By address: of which message, and its place among these.
    places: HashMap<usize, (&'static str, usize)>,
}

/// The stamps of one message.
#[derive(Default)]
struct Kind {
    stamps: Vec<Stamp>,
    free: Vec<usize>,
}

struct Stamp {
    name: &'static str,
    deadline: Option<Instant>,
}

impl Stamps {
    fn issue(&mut self, plain: &'static str, deadline: Instant, now: Instant) -> &'static str {
        let kind = self.kinds.entry(plain).or_default();
        let place = match kind.free.pop() {
            Some(place) => place,
            None if kind.stamps.len() < MOST => {
                let name: &'static str = String::from(plain).leak();
                let place = kind.stamps.len();
                self.places.insert(name.as_ptr().addr(), (plain, place));
                kind.stamps.push(Stamp {
                    name,
                    deadline: None,
                });
                place
            }
            None => match kind.never_sent(now) {
                Some(place) => place,
                None => return plain,
            },
        };
        let stamp = &mut kind.stamps[place];
        stamp.deadline = Some(deadline);
        stamp.name
    }

    fn redeem(&mut self, name: &'static str) -> Option<Instant> {
        let (plain, place) = *self.places.get(&name.as_ptr().addr())?;
        let kind = self.kinds.get_mut(plain)?;
        let deadline = kind.stamps.get_mut(place)?.deadline.take()?;
        kind.free.push(place);
        Some(deadline)
    }
}

impl Kind {
    /// The stamp whose deadline passed first, if any has.
    fn never_sent(&self, now: Instant) -> Option<usize> {
        let stamps = self.stamps.iter().enumerate();
        let (place, first) = stamps.min_by_key(|(_, stamp)| stamp.deadline)?;
        first.deadline.is_none_or(|at| at <= now).then_some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// N1, N2
    #[test]
    fn a_stamp_reads_as_the_name_and_stands_for_one_message() {
        let mut stamps = Stamps::default();
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let first = stamps.issue("Work", now, now);
        let second = stamps.issue("Work", later, now);
        assert_eq!((first, second), ("Work", "Work"));
        assert_eq!(stamps.redeem(second), Some(later));
        assert_eq!(stamps.redeem(second), None, "it was taken");
        assert_eq!(stamps.redeem(first), Some(now));
        assert_eq!(stamps.redeem("Work"), None, "no stamp");
        let third = stamps.issue("Work", later, now);
        assert_eq!(stamps.kinds["Work"].stamps.len(), 2, "one was free");
        assert_eq!(stamps.redeem(third), Some(later));
    }

    /// N3
    #[test]
    fn requests_that_are_never_sent_cost_a_bounded_number_of_stamps() {
        let mut stamps = Stamps::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let most = MOST as u64;
        for n in 0..most {
            stamps.issue("Work", at(n + 1), start);
        }
        let plain = stamps.issue("Work", at(9), start);
        assert_eq!(stamps.redeem(plain), None, "all are under way");
        for n in 0..most {
            let stamp = stamps.issue("Work", at(2 * most + n), at(n + 1));
            if n % 2 == 0 {
                assert_eq!(stamps.redeem(stamp), Some(at(2 * most + n)));
            }
        }
        assert_eq!(stamps.kinds["Work"].stamps.len(), MOST);
    }
}
