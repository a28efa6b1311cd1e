//! The number that tells one process of a plugin from the next.

use std::fmt;

/// One life of a plugin: which of its successive processes is meant.
///
/// Numbers start at one, rise with every start, and are never used twice for the same plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(u64);

impl Incarnation {
    /// The first process of a plugin.
    pub const FIRST: Self = Self(1);

    /// The one that comes after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        // One start a nanosecond would take five centuries to wrap.
        Self(self.0.wrapping_add(1))
    }

    /// The number itself, from one.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
