//! What can go wrong, and what to do about it.
//!
//! Encoding fails because of us, decoding because of the peer's bytes, and both because of a type that cannot
//! cross, which no value and no peer can change.

use std::error::Error;
use std::fmt;

use crate::check::RefusedType;

/// Why a value could not be encoded. The output and the attachments are then as long as they were before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too short. A [counting](crate::Writer::counting) writer tells the length beforehand.
    BufferFull {
        /// The length of the buffer in bytes.
        capacity: usize,
    },
    /// The value nests deeper than a receiver accepts.
    TooDeep {
        /// How deep it may nest, see [`Limits::max_depth`](crate::Limits::max_depth).
        limit: u32,
    },
    /// A collection holds more elements that take no bytes than a receiver accepts.
    TooManyEmptyElements {
        /// How many there may be, see [`Limits::max_empty_elements`](crate::Limits::max_empty_elements).
        limit: usize,
    },
    /// A path that is not UTF-8. Send its bytes, as a `Vec<u8>`.
    PathNotText,
    /// A point in time before 1970. Send a `Duration`, and what it is before or after.
    TimeBeforeEpoch,
    /// The type cannot cross, whatever its value.
    Refused(Box<RefusedType>),
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferFull { capacity } => {
                write!(
                    f,
                    "the value does not fit into the {capacity} bytes that were set aside for it"
                )
            }
            Self::TooDeep { limit } => {
                write!(
                    f,
                    "the value nests deeper than {limit} levels; send it as a flat list of nodes"
                )
            }
            Self::TooManyEmptyElements { limit } => {
                write!(
                    f,
                    "a collection holds more than {limit} elements that take no bytes; send their number"
                )
            }
            Self::PathNotText => f.write_str("a path that is not UTF-8; send its bytes"),
            Self::TimeBeforeEpoch => f.write_str("a point in time before 1970; send a `Duration`"),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl Error for EncodeError {}

impl From<RefusedType> for EncodeError {
    fn from(refused: RefusedType) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// Why bytes could not be decoded, and where.
///
/// Nothing is left of the value: what had been built was dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<(usize, DecodeFault)>);

impl DecodeError {
    pub(crate) fn new(offset: usize, fault: DecodeFault) -> Self {
        Self(Box::new((offset, fault)))
    }

    /// What is wrong.
    pub fn fault(&self) -> &DecodeFault {
        &self.0.1
    }

    /// How many bytes had been read when it was noticed.
    pub fn offset(&self) -> usize {
        self.0.0
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeError")
            .field("offset", &self.offset())
            .field("fault", self.fault())
            .finish()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fault() {
            DecodeFault::Refused(refused) => refused.fmt(f),
            fault => write!(f, "{fault} (at byte {})", self.offset()),
        }
    }
}

impl Error for DecodeError {}

/// What can be wrong with the bytes of a message. All but [`Refused`](Self::Refused), [`Panicked`](Self::Panicked) and
/// [`NoOrder`](Self::NoOrder), which are faults of a type, mean that the peer broke a rule or has another
/// idea of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeFault {
    /// The bytes end in the middle of the value, or a length claims more than is left.
    UnexpectedEnd {
        /// How many bytes are needed at the least.
        needed: usize,
        /// How many are left.
        left: usize,
    },
    /// The value is complete and bytes are left.
    TrailingBytes {
        /// How many.
        left: usize,
    },
    /// A number takes more bytes than it needs, or does not fit its type.
    Varint {
        /// The width of the type in bits.
        bits: u32,
    },
    /// A truth value that is neither 0 nor 1.
    Bool(u8),
    /// The tag of an option that is neither 0 nor 1.
    OptionTag(u8),
    /// A character that is not exactly one Unicode scalar value in UTF-8.
    Char,
    /// Text that is not UTF-8.
    Utf8,
    /// Zero, where the type rules it out.
    Zero,
    /// A duration or a point in time whose nanoseconds make up a second or more.
    Nanoseconds(u32),
    /// A point in time that is too many seconds after 1970 for this system.
    TimeTooLate(u64),
    /// An enum has no variant of that number.
    UnknownVariant {
        /// The enum's name.
        type_name: &'static str,
        /// The number that was read.
        index: u32,
        /// How many variants there are.
        variants: u32,
    },
    /// A blob is an attachment that did not come with the message.
    NoSuchAttachment {
        /// The number that was read.
        index: u32,
        /// How many attachments there are.
        attached: usize,
    },
    /// The value nests too deep, see [`Limits::max_depth`](crate::Limits::max_depth).
    TooDeep {
        /// How deep it may nest.
        limit: u32,
    },
    /// Too many elements that take no bytes, see [`Limits::max_empty_elements`](crate::Limits::max_empty_elements).
    TooManyEmptyElements {
        /// How many there may be.
        limit: usize,
    },
    /// The values would take too much memory, see [`Limits::max_memory`](crate::Limits::max_memory).
    TooMuchMemory {
        /// How many bytes they may take.
        limit: usize,
    },
    /// A value that the type's own `invariants` function rejects.
    Invariant {
        /// The type's name.
        type_name: &'static str,
        /// What the function said.
        message: String,
    },
    /// Code of a type's own, which decoding calls, panicked on what was decoded. The panic went no further.
    Panicked {
        /// The type's name.
        type_name: &'static str,
        /// What was called: `invariants`, or for a key `Hash` (with `Eq`) or `Ord`.
        function: &'static str,
        /// The panic's message.
        message: String,
    },
    /// By the `Ord` of a key, no order of the keys that were decoded is right, so no map or set can be made of them.
    NoOrder {
        /// The key's type.
        type_name: &'static str,
    },
    /// The type cannot cross, whatever the bytes.
    Refused(RefusedType),
}

impl fmt::Display for DecodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd { needed, left } => {
                write!(f, "{needed} more bytes are needed and {left} are left")
            }
            Self::TrailingBytes { left } => write!(f, "{left} bytes are left after the value"),
            Self::Varint { bits } => write!(f, "not a shortest-form number of {bits} bits"),
            Self::Bool(byte) => write!(f, "{byte} is not a truth value"),
            Self::OptionTag(byte) => write!(f, "{byte} is not the tag of an option"),
            Self::Char => f.write_str("not a single character in UTF-8"),
            Self::Utf8 => f.write_str("text that is not UTF-8"),
            Self::Zero => f.write_str("zero in a type that excludes it"),
            Self::Nanoseconds(nanos) => {
                write!(
                    f,
                    "{nanos} nanoseconds beyond the seconds, a second or more"
                )
            }
            Self::TimeTooLate(seconds) => {
                write!(f, "a point in time {seconds} seconds after 1970")
            }
            Self::UnknownVariant {
                type_name,
                index,
                variants,
            } => {
                write!(
                    f,
                    "`{type_name}` has {variants} variants and no number {index}"
                )
            }
            Self::NoSuchAttachment { index, attached } => {
                write!(
                    f,
                    "attachment {index} was referred to and {attached} came with the message"
                )
            }
            Self::TooDeep { limit } => write!(f, "the value nests deeper than {limit} levels"),
            Self::TooManyEmptyElements { limit } => {
                write!(f, "more than {limit} elements that take no bytes")
            }
            Self::TooMuchMemory { limit } => {
                write!(f, "the values would take more than {limit} bytes of memory")
            }
            Self::Invariant { type_name, message } => {
                write!(f, "not a valid `{type_name}`: {message}")
            }
            Self::Panicked {
                type_name,
                function,
                message,
            } => write!(f, "`{function}` of `{type_name}` panicked: {message}"),
            Self::NoOrder { type_name } => write!(
                f,
                "the keys cannot be put in order: `Ord` of `{type_name}` contradicts itself"
            ),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}
