//! The flags of a frame: which parts its payload has, and which kind of call a request makes.

/// The flags of a frame: which parts its payload has, and which kind of call a request makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The caller waits for no result: a tell.
    pub const ONEWAY: Self = Self(1);
    /// The payload begins with a table of buffers.
    pub const BLOBS: Self = Self(2);
    /// The payload has metadata.
    pub const METADATA: Self = Self(4);
    /// The caller sends items, on a stream that the request opens.
    pub const CLIENT_STREAM: Self = Self(8);
    /// The callee sends items, on a stream that the request opens.
    pub const SERVER_STREAM: Self = Self(16);
    /// The payload, or buffers in its table, came before this frame, in fragments.
    pub const FRAGMENTED: Self = Self(32);

    const KNOWN: u8 = 63;

    /// Returns the empty set.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// Returns the union of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the flags of `self` that `other` does not have.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns the union of both sets if `wanted`, and `self` otherwise.
    #[must_use]
    pub const fn and_if(self, other: Self, wanted: bool) -> Self {
        if wanted { self.and(other) } else { self }
    }

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the call opens a stream in either direction.
    #[must_use]
    pub const fn streams(self) -> bool {
        self.0 & (Self::CLIENT_STREAM.0 | Self::SERVER_STREAM.0) != 0
    }

    /// The flags as a byte of the wire format.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Reads the flags from a byte; `None` if a bit is set that this version does not know.
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
        assert_eq!(Flags::from_bits(64), None);
        assert_eq!(Flags::from_bits(3), Some(Flags::ONEWAY.and(Flags::BLOBS)));
    }
}
