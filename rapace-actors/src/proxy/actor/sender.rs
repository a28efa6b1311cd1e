//! The deadline under which a message was sent through a kameo reference.
//!
//! The deadline of the running call is known in the sender's task, but the message is handled in the actor's.
//! Between the two, kameo carries only the message, the reply channel, and the message's name, for which it
//! calls `Message::name` in the sender's task when the request is made. So the name of a message that is sent
//! under a deadline is a *stamp*: a copy of the name, at an address that stands for the deadline.
//!
//! - DS1: a stamp reads as the name that it is a copy of.
//! - DS2: a stamp stands for one deadline, from when it is issued until each of its messages has redeemed it.
//!   All messages that one call's handler sends have the same deadline.
//! - DS3: at most [`MAX_STAMPS`] stamps of one message are made. When all are in use, the one whose deadline passed
//!   first, a while ago, is reused: most likely its request was never sent.
//! - DS4: if there is no such stamp either, deadlines share the stamp of the nearest one, which then stands for
//!   the earlier of the two. So a message may end before its deadline, but never loses it or gets a later one.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rapace_session::CallContext;

use crate::clock::now;

/// Returns the name for a message that this task sends.
pub(super) fn name(plain: &'static str) -> &'static str {
    let Some(deadline) = CallContext::earliest(None) else {
        return plain;
    };
    ANY.store(true, Ordering::Relaxed);
    let mut stamps = STAMPS.lock().unwrap_or_else(PoisonError::into_inner);
    stamps.issue(plain, deadline, now())
}

/// Returns the deadline under which a message with this name was sent.
pub(super) fn deadline(name: &'static str) -> Option<Instant> {
    // A message with a stamp was sent after its stamp was issued.
    if !ANY.load(Ordering::Relaxed) {
        return None;
    }
    let mut stamps = STAMPS.lock().unwrap_or_else(PoisonError::into_inner);
    stamps.redeem(name)
}

/// Whether a stamp was ever issued.
static ANY: AtomicBool = AtomicBool::new(false);
static STAMPS: LazyLock<Mutex<Stamps>> = LazyLock::new(Mutex::default);

/// The most stamps of one message, some 200 bytes each (DS3). Reached only if so many calls, each with its own
/// deadline, have messages that wait or were never sent.
const MAX_STAMPS: usize = 64 * 1024;

/// How long after its deadline a message may still wait to be received (DS3). This matters only when all stamps
/// are in use.
const LINGERS: Duration = Duration::from_secs(5);

#[derive(Default)]
struct Stamps {
    kinds: HashMap<&'static str, Kind>,
    /// By address: the stamp's message, and its index among that message's stamps.
    places: HashMap<usize, (&'static str, usize)>,
}

/// The stamps of one message.
#[derive(Default)]
struct Kind {
    stamps: Vec<Stamp>,
    /// The stamps in use.
    by_deadline: BTreeMap<Instant, usize>,
    free: Vec<usize>,
}

struct Stamp {
    name: &'static str,
    deadline: Instant,
    /// How many messages have not redeemed it.
    out: usize,
}

impl Stamps {
    fn issue(&mut self, plain: &'static str, deadline: Instant, now: Instant) -> &'static str {
        let kind = self.kinds.entry(plain).or_default();
        let place = match kind.place_for(deadline, now) {
            Some(place) => place,
            None => {
                let name: &'static str = String::from(plain).leak();
                let place = kind.stamps.len();
                self.places.insert(name.as_ptr().addr(), (plain, place));
                kind.stamps.push(Stamp {
                    name,
                    deadline,
                    out: 0,
                });
                kind.by_deadline.insert(deadline, place);
                place
            }
        };
        let stamp = &mut kind.stamps[place];
        stamp.out += 1;
        stamp.name
    }

    fn redeem(&mut self, name: &'static str) -> Option<Instant> {
        let (plain, place) = *self.places.get(&name.as_ptr().addr())?;
        let kind = self.kinds.get_mut(plain)?;
        let stamp = kind.stamps.get_mut(place)?;
        let deadline = stamp.deadline;
        // Zero only if it was reused for another deadline meanwhile, and redeemed by that one's message (DS3).
        if stamp.out > 0 {
            stamp.out -= 1;
            if stamp.out == 0 {
                kind.by_deadline.remove(&deadline);
                kind.free.push(place);
            }
        }
        Some(deadline)
    }
}

impl Kind {
    /// Returns the stamp for this deadline; `None` if a new one is needed.
    fn place_for(&mut self, deadline: Instant, now: Instant) -> Option<usize> {
        if let Some(place) = self.by_deadline.get(&deadline) {
            return Some(*place);
        }
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.stamps.len() < MAX_STAMPS => return None,
            None => match self.never_sent(now) {
                Some(place) => place,
                None => return self.nearest(deadline, now),
            },
        };
        self.stamps[place].deadline = deadline;
        self.by_deadline.insert(deadline, place);
        Some(place)
    }

    /// Reuses the stamp whose deadline passed first, if that was a while ago (DS3).
    fn never_sent(&mut self, now: Instant) -> Option<usize> {
        let first = self.by_deadline.first_entry()?;
        if now.saturating_duration_since(*first.key()) < LINGERS {
            return None;
        }
        let place = first.remove();
        self.stamps[place].out = 0;
        Some(place)
    }

    /// Returns the stamp of the nearest deadline (DS4): the last one before this that has not passed, or else
    /// the first one after it, which stands for this one from now on. If all have passed, any of them: no
    /// message was received for a while.
    fn nearest(&mut self, deadline: Instant, now: Instant) -> Option<usize> {
        let live = now.min(deadline)..=deadline;
        if let Some((_, place)) = self.by_deadline.range(live).next_back() {
            return Some(*place);
        }
        if let Some((later, place)) = self.by_deadline.range(deadline..).next() {
            let (later, place) = (*later, *place);
            self.by_deadline.remove(&later);
            self.by_deadline.insert(deadline, place);
            self.stamps[place].deadline = deadline;
            return Some(place);
        }
        self.by_deadline.last_key_value().map(|(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DS1, DS2
    #[test]
    fn a_stamp_reads_as_the_name_and_stands_for_one_deadline() {
        let mut stamps = Stamps::default();
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let first = stamps.issue("Work", now, now);
        let second = stamps.issue("Work", later, now);
        assert_eq!((first, second), ("Work", "Work"));
        assert_eq!(stamps.redeem(second), Some(later));
        assert_eq!(stamps.redeem(first), Some(now));
        assert_eq!(stamps.redeem("Work"), None, "no stamp");
        let third = stamps.issue("Work", later, now);
        assert_eq!(stamps.kinds["Work"].stamps.len(), 2, "one was free");
        assert_eq!(stamps.redeem(third), Some(later));
    }

    #[test]
    fn any_number_of_messages_under_one_deadline_takes_one_stamp() {
        let mut stamps = Stamps::default();
        let now = Instant::now();
        let at = |millis| now + Duration::from_millis(millis);
        let names = (0..3 * MAX_STAMPS).map(|_| stamps.issue("Work", at(700), now));
        let names = names.collect::<Vec<_>>();
        // While in use it stands for no other deadline.
        let other = stamps.issue("Work", at(800), now);
        for name in names {
            assert_eq!(stamps.redeem(name), Some(at(700)));
        }
        assert_eq!(stamps.redeem(other), Some(at(800)));
        let kind = &stamps.kinds["Work"];
        assert_eq!((kind.stamps.len(), kind.free.len()), (2, 2));
        assert!(kind.by_deadline.is_empty());
    }

    /// DS3
    #[test]
    fn requests_that_are_never_sent_cost_a_bounded_number_of_stamps() {
        let mut stamps = Stamps::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let most = MAX_STAMPS as u64;
        for n in 0..most {
            stamps.issue("Work", at(n + 1), start);
        }
        let long_after = at(2 * most) + LINGERS;
        for n in 0..most {
            let deadline = long_after + Duration::from_millis(n);
            let stamp = stamps.issue("Work", deadline, long_after);
            if n % 2 == 0 {
                assert_eq!(stamps.redeem(stamp), Some(deadline));
            }
        }
        assert_eq!(stamps.kinds["Work"].stamps.len(), MAX_STAMPS);
    }

    /// DS4
    #[test]
    fn past_the_last_stamp_a_message_has_the_nearest_deadline_and_no_later_one() {
        let mut stamps = Stamps::default();
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        // 10, 20, 30 and so on.
        let names = (1..=MAX_STAMPS as u64).map(|n| stamps.issue("Work", at(10 * n), start));
        let names = names.collect::<Vec<_>>();
        for (wanted, now, given) in [(25, 0, 20), (5, 0, 5), (29, 25, 29), (3, 25, 3)] {
            let stamp = stamps.issue("Work", at(wanted), at(now));
            assert_eq!(stamps.redeem(stamp), Some(at(given)), "{wanted}");
        }
        // The first one after each has become earlier for its messages, and none later.
        let redeemed = names.iter().map(|name| stamps.redeem(name));
        let redeemed = redeemed.map(|at| at.unwrap()).collect::<Vec<_>>();
        assert_eq!(redeemed[..4], [at(3), at(20), at(29), at(40)]);
    }

    /// DS4
    #[test]
    fn where_all_deadlines_have_just_passed_the_next_message_is_late_too() {
        let mut stamps = Stamps::default();
        let start = Instant::now();
        for n in 0..MAX_STAMPS as u64 {
            stamps.issue("Work", start + Duration::from_micros(n), start);
        }
        let (now, deadline) = (start + LINGERS / 2, start + 2 * LINGERS);
        let stamp = stamps.issue("Work", deadline, now);
        assert!(stamps.redeem(stamp).is_some_and(|at| at < now));
        let stamp = stamps.issue("Work", deadline, start + LINGERS);
        assert_eq!(stamps.redeem(stamp), Some(deadline));
    }
}
