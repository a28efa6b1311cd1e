//! How much a receiver does before other tasks run. Plain logic.
//!
//! - TN1: a turn ends after [`BYTES`] were copied or scanned, or [`FRAMES`] were delivered. The rest is
//!   done in the next turn.
//! - TN2: a receiver that has been idle begins a new turn.

/// The budget of a turn.
#[derive(Debug)]
pub(crate) struct Turn {
    bytes: usize,
    frames: usize,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            bytes: BYTES,
            frames: FRAMES,
        }
    }
}

impl Turn {
    /// Returns whether other tasks are to run now.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes == 0 || self.frames == 0
    }

    /// Returns whether more frames were delivered than a small burst has.
    pub(crate) fn is_long(&self) -> bool {
        self.frames <= FRAMES - FEW
    }

    /// Returns how many bytes may still be copied.
    pub(crate) fn bytes_left(&self) -> usize {
        self.bytes
    }

    /// Counts bytes that were copied or scanned.
    pub(crate) fn copied(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Counts frames that were delivered.
    pub(crate) fn delivered(&mut self, frames: usize) {
        self.frames = self.frames.saturating_sub(frames);
    }
}

/// A tenth of a millisecond of work; letting other tasks run takes some hundredths.
pub(crate) const BYTES: usize = 256 << 10;
/// As many as a ring holds by default. They are counted when they were delivered, a batch at a time.
pub(crate) const FRAMES: usize = 512;
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// TN1
    #[test]
    fn a_turn_is_over_after_so_many_bytes_or_frames() {
        let mut turn = Turn::default();
        turn.copied(BYTES - 1);
        turn.delivered(FRAMES - 1);
        assert!(!turn.is_over() && turn.is_long());
        turn.copied(1);
        assert!(turn.is_over());
        let mut turn = Turn::default();
        turn.delivered(FRAMES + 1);
        assert!(turn.is_over());
        let mut turn = Turn::default();
        turn.delivered(FEW - 1);
        assert!(!turn.is_long());
    }
}
