//! What a frame's payload begins with, and how a request is to be treated.

/// What a frame's payload begins with, and how a request is to be treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// Nobody waits for the result: a tell.
    pub const ONEWAY: Self = Self(1);
    /// The payload begins with a table of buffers.
    pub const BLOBS: Self = Self(2);
    /// The payload has metadata.
    pub const METADATA: Self = Self(4);
    /// The caller sends items, on a stream of its own.
    pub const CLIENT_STREAM: Self = Self(8);
    /// The callee answers with items, on a stream of its own.
    pub const SERVER_STREAM: Self = Self(16);

    const KNOWN: u8 = 31;

    /// No flag.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// `other` too if `wanted`, nothing else.
    #[must_use]
    pub const fn and_if(self, other: Self, wanted: bool) -> Self {
        if wanted { self.and(other) } else { self }
    }

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the call opens a stream in either direction.
    #[must_use]
    pub const fn streams(self) -> bool {
        self.0 & (Self::CLIENT_STREAM.0 | Self::SERVER_STREAM.0) != 0
    }

    /// The flags as they travel.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The flags in a byte; a bit that this version does not know is refused.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::KNOWN == 0 {
            Some(Self(bits))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_flag_is_refused() {
        assert_eq!(Flags::from_bits(32), None);
        assert_eq!(Flags::from_bits(3), Some(Flags::ONEWAY.and(Flags::BLOBS)));
    }
}
