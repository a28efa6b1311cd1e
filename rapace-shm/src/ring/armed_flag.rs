//! When a waker rings the peer's doorbell: the armed flag between a sleeper and a waker.
//!
//! | word    | written by | read by | edge                                           |
//! |---------|------------|---------|------------------------------------------------|
//! | `armed` | sleeper    | waker   | E3: the two sequentially consistent fences below |
//!
//! - A1: the word is an epoch. Odd means "ring me", even means "I am awake".
//! - A2: the sleeper stores an odd epoch, fences, and then checks once more for work (E3).
//! - A3: the waker publishes work, fences, and then reads the epoch (E3). So at least one of the two
//!   sees the other: either the sleeper finds the work or the waker finds the word armed.
//! - A4: the waker keeps the epoch that it last rang for in private memory, and rings once for each
//!   epoch. So the word keeps one writer, and a burst costs one system call.
//! - A5: after a ring, the sleeper arms under a new epoch before it sleeps again.

use crate::sync::AtomicU32;
use crate::sync::orderings;

/// Our own armed word.
pub(crate) trait ArmWord {
    /// Stores the epoch, relaxed. The fence that follows orders it.
    fn store(&self, epoch: u32);
}

/// The peer's armed word.
pub(crate) trait PeerArmWord {
    /// Loads the epoch, relaxed. The fence before orders it. Any value may come back.
    fn load(&self) -> u32;
}

/// The sleeper's end.
#[derive(Debug)]
pub(crate) struct Arm<W> {
    word: W,
    epoch: u32,
}

impl<W: ArmWord> Arm<W> {
    pub(crate) fn new(word: W) -> Self {
        Self { word, epoch: 0 }
    }

    /// Arms under a new epoch (A1, A5). The caller must check for work after this and before it sleeps.
    pub(crate) fn arm(&mut self) {
        self.epoch = self.epoch.wrapping_add(2) | 1;
        self.word.store(self.epoch);
        orderings::sleeper(); // A2
    }

    /// Disarms: no ring is needed.
    pub(crate) fn disarm(&mut self) {
        if self.is_armed() {
            self.epoch = self.epoch.wrapping_add(1);
            self.word.store(self.epoch);
        }
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.epoch & 1 == 1
    }
}

/// The waker's end, shared by all threads that publish.
#[derive(Debug)]
pub(crate) struct Ringer<W> {
    word: W,
    /// The epoch that was rung for last (A4); 0 if none was.
    rung: AtomicU32,
}

impl<W: PeerArmWord> Ringer<W> {
    pub(crate) fn new(word: W) -> Self {
        Self {
            word,
            rung: AtomicU32::new(0),
        }
    }

    /// Returns whether the sleeper must be rung now (A3, A4). To be called after every publication. Two
    /// racing threads may both get `true`; it is impossible that neither does.
    pub(crate) fn must_ring(&self) -> bool {
        orderings::waker(); // A3
        let epoch = self.word.load();
        epoch & 1 == 1 && self.rung.swap(epoch, orderings::RELAXED) != epoch
    }
}
