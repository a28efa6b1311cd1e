//! A moment's look for frames behind a burst of them. Plain logic: the clock and the ring are the caller's.
//!
//! - B1: frames come in a burst if several were taken since this side last slept. A lone call and its answer are none, so
//!   nobody looks for what is a round trip away.
//! - B2: before it looks, all other tasks have a turn: what the frames woke is at work, and this side not asleep.
//! - B3: it looks for no longer than a wake-up on another processor takes. While it looks it is not armed, so what is
//!   published meanwhile needs no system call.
//! - B4: looking that finds nothing many times in a row is left out for a while, longer each time: the two sides may
//!   share a processor.

use std::time::Duration;

/// What follows frames that were taken.
#[derive(Debug, Default)]
pub(crate) struct Linger {
    /// Frames since this side last slept (B1).
    taken: usize,
    others_ran: bool,
    in_vain: u32,
    /// Bursts that are let go by (B4).
    skip: u32,
    doublings: u32,
}

/// What to do before going to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behind {
    /// Let all others run, and ask again.
    LetOthersRun,
    /// Look for so long, and say what came of it.
    Look(Duration),
    /// Sleep.
    Nothing,
}

impl Linger {
    /// So many frames were taken.
    pub(crate) fn taken(&mut self, frames: usize) {
        self.taken = self.taken.saturating_add(frames);
        self.others_ran = false;
    }

    /// Nothing is there.
    pub(crate) fn next(&mut self) -> Behind {
        if self.taken < BURST {
            self.taken = 0;
            return Behind::Nothing;
        }
        if !std::mem::replace(&mut self.others_ran, true) {
            return Behind::LetOthersRun;
        }
        if self.skip > 0 {
            self.skip -= 1;
            self.taken = 0;
            return Behind::Nothing;
        }
        Behind::Look(MOMENT)
    }

    /// What came of looking.
    pub(crate) fn looked(&mut self, found: bool) {
        if found {
            self.in_vain = 0;
            self.doublings /= 2;
            return;
        }
        self.taken = 0;
        self.in_vain += 1;
        if self.in_vain == PATIENCE {
            self.in_vain = 0;
            self.skip = FEWEST << self.doublings; // B4
            self.doublings = (self.doublings + 1).min(MOST_DOUBLINGS);
        }
    }
}

/// Frames between two sleeps, from which on they come in a burst.
const BURST: usize = 4;
/// Half of a bare round trip over two eventfds, between two virtual processors that had gone idle.
const MOMENT: Duration = Duration::from_micros(20);
/// Looks in vain, in a row, before the next are left out.
const PATIENCE: u32 = 16;
/// Bursts that are let go by then.
const FEWEST: u32 = 64;
/// So that they are 4096 at most.
const MOST_DOUBLINGS: u32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    /// B1
    #[test]
    fn lone_frames_are_not_looked_behind() {
        let mut linger = Linger::default();
        for _ in 0..100 {
            linger.taken(BURST - 1);
            assert_eq!(linger.next(), Behind::Nothing);
        }
    }

    /// B2
    #[test]
    fn others_run_before_each_look_until_one_is_in_vain() {
        let mut linger = Linger::default();
        (0..BURST).for_each(|_| linger.taken(1));
        for found in [true, true, false] {
            assert_eq!(linger.next(), Behind::LetOthersRun);
            assert_eq!(linger.next(), Behind::Look(MOMENT));
            linger.looked(found);
            if found {
                linger.taken(1);
            }
        }
        assert_eq!(linger.next(), Behind::Nothing);
    }

    /// B4
    #[test]
    fn looks_in_vain_are_left_out_for_longer_each_time() {
        let mut linger = Linger::default();
        let mut left_out = Vec::new();
        let mut row = 0;
        while left_out.len() < 9 {
            linger.taken(64);
            assert_eq!(linger.next(), Behind::LetOthersRun);
            match linger.next() {
                Behind::Nothing => row += 1,
                Behind::Look(_) => {
                    if row > 0 {
                        left_out.push(std::mem::take(&mut row));
                    }
                    linger.looked(false);
                }
                Behind::LetOthersRun => unreachable!("they have just run"),
            }
        }
        assert_eq!(left_out[..3], [64, 128, 256]);
        assert_eq!(left_out[8], 4096);
    }
}
