//! Limits on the cost of decoding a message.

/// Bounds on the cost of decoding, for any bytes.
///
/// The length of the input bounds most things by itself: a list that claims more elements than there are bytes left
/// is refused before anything is allocated. These bound the rest.
///
/// ```
/// use rapace_codec::Limits;
///
/// let strict = Limits { max_depth: 16, ..Limits::default() };
/// # let _ = strict;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The deepest nesting of lists, options, enums, maps and pointers.
    ///
    /// Default 128. The stack that one level takes is bounded, and 128 levels of the costliest kind fit several
    /// times into the 2 MiB of a tokio worker, in a debug build too. Encoding obeys the same number, so what was
    /// sent with defaults is accepted with defaults.
    pub max_depth: u32,

    /// The number of elements without bytes on the wire (`()`, for example) in all collections of one message.
    ///
    /// Default 65,536: five bytes can claim four billion of them, and no use for more is known.
    pub max_empty_elements: usize,

    /// The number of bytes of memory that the values of one message may take, not counting [`Blob`](crate::Blob)s and
    /// allocator overhead.
    ///
    /// Default 1 GiB. An element may be much larger in memory than on the wire (`Option<[u64; 512]>` is one byte
    /// when `None`), so the length of the input alone does not bound this. The largest messages are some 64 MiB,
    /// and values seldom take more than sixteen times their encoding.
    pub max_memory: usize,
}

impl Limits {
    /// The default of [`max_depth`](Self::max_depth), and what encoding obeys.
    pub const DEPTH: u32 = 128;

    /// The default of [`max_empty_elements`](Self::max_empty_elements), and what encoding obeys.
    pub const EMPTY_ELEMENTS: usize = 65_536;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: Self::DEPTH,
            max_empty_elements: Self::EMPTY_ELEMENTS,
            max_memory: 1 << 30,
        }
    }
}
