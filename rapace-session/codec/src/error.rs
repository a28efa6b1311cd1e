//! The errors of encoding and decoding, with remedies.
//!
//! Encoding fails because of us, decoding because of the peer's bytes, and both because of a type that cannot
//! cross, which no value and no peer can change.

use std::fmt;

use thiserror::Error;

use crate::check::RefusedType;

/// Why a value could not be encoded. The output and the attachments are then as long as they were before.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The buffer is too short. A [counting](crate::Writer::counting) writer tells the length beforehand.
    #[error("the value does not fit into the {capacity} bytes that were set aside for it")]
    BufferFull {
        /// The length of the buffer in bytes.
        capacity: usize,
    },
    /// The value nests deeper than a receiver accepts.
    #[error("the value nests deeper than {limit} levels; send it as a flat list of nodes")]
    TooDeep {
        /// The deepest nesting that is accepted, see [`Limits::max_depth`](crate::Limits::max_depth).
        limit: u32,
    },
    /// A collection holds more elements that take no bytes than a receiver accepts.
    #[error("a collection holds more than {limit} elements that take no bytes; send their number")]
    TooManyEmptyElements {
        /// The largest number that is accepted, see [`Limits::max_empty_elements`](crate::Limits::max_empty_elements).
        limit: usize,
    },
    /// A path that is not UTF-8. Send its bytes, as a `Vec<u8>`.
    #[error("a path that is not UTF-8; send its bytes")]
    PathNotText,
    /// A point in time before 1970. Send a `Duration`, and what it is before or after.
    #[error("a point in time before 1970; send a `Duration`")]
    TimeBeforeEpoch,
    /// The type cannot cross, whatever its value.
    #[error(transparent)]
    Refused(Box<RefusedType>),
}

impl From<RefusedType> for EncodeError {
    fn from(refused: RefusedType) -> Self {
        Self::Refused(Box::new(refused))
    }
}

/// Why bytes could not be decoded, and where.
///
/// All parts of the value that were decoded have been dropped.
#[derive(Clone, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct DecodeError(Box<Located>);

/// Boxed, so that results stay small.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}{}", place(.fault, *.offset))]
struct Located {
    offset: usize,
    fault: DecodeFault,
}

/// The end of an error's text: the position, except for a fault of the type, which other bytes would not avoid.
fn place(fault: &DecodeFault, offset: usize) -> String {
    match fault {
        DecodeFault::Refused(_) => String::new(),
        _ => format!(" (at byte {offset})"),
    }
}

impl DecodeError {
    pub(crate) fn new(offset: usize, fault: DecodeFault) -> Self {
        Self(Box::new(Located { offset, fault }))
    }

    /// The fault.
    pub fn fault(&self) -> &DecodeFault {
        &self.0.fault
    }

    /// The number of bytes that were read before the fault was found.
    pub fn offset(&self) -> usize {
        self.0.offset
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

/// The faults that decoding finds in the bytes of a message. All but [`Refused`](Self::Refused), [`Panicked`](Self::Panicked) and
/// [`NoOrder`](Self::NoOrder), which are faults of a type, mean that the peer broke a rule or has another
/// definition of the type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeFault {
    /// The bytes end in the middle of the value, or a length claims more than is left.
    #[error("{needed} more bytes are needed and {left} are left")]
    UnexpectedEnd {
        /// The number of bytes that are needed at least.
        needed: usize,
        /// The number of unread bytes.
        left: usize,
    },
    /// The value is complete and bytes are left.
    #[error("{left} bytes are left after the value")]
    TrailingBytes {
        /// The number of unread bytes.
        left: usize,
    },
    /// A number takes more bytes than it needs, or does not fit its type.
    #[error("not a shortest-form number of {bits} bits")]
    Varint {
        /// The width of the type in bits.
        bits: u32,
    },
    /// A truth value that is neither 0 nor 1.
    #[error("{0} is not a truth value")]
    Bool(u8),
    /// The tag of an option that is neither 0 nor 1.
    #[error("{0} is not the tag of an option")]
    OptionTag(u8),
    /// A character that is not exactly one Unicode scalar value in UTF-8.
    #[error("not a single character in UTF-8")]
    Char,
    /// Text that is not UTF-8.
    #[error("text that is not UTF-8")]
    Utf8,
    /// Zero, where the type rules it out.
    #[error("zero in a type that excludes it")]
    Zero,
    /// A duration or a point in time whose nanoseconds make up a second or more.
    #[error("{0} nanoseconds beyond the seconds, a second or more")]
    Nanoseconds(u32),
    /// A point in time that is too many seconds after 1970 for this system.
    #[error("a point in time {0} seconds after 1970")]
    TimeTooLate(u64),
    /// An enum has no variant of that number.
    #[error("`{type_name}` has {variants} variants and no number {index}")]
    UnknownVariant {
        /// The enum's name.
        type_name: &'static str,
        /// The number that was read.
        index: u32,
        /// The number of variants.
        variants: u32,
    },
    /// A blob is an attachment that did not come with the message.
    #[error("attachment {index} was referred to and {attached} came with the message")]
    NoSuchAttachment {
        /// The number that was read.
        index: u32,
        /// The number of attachments.
        attached: usize,
    },
    /// The value nests too deep, see [`Limits::max_depth`](crate::Limits::max_depth).
    #[error("the value nests deeper than {limit} levels")]
    TooDeep {
        /// The deepest nesting that is accepted.
        limit: u32,
    },
    /// Too many elements that take no bytes, see [`Limits::max_empty_elements`](crate::Limits::max_empty_elements).
    #[error("more than {limit} elements that take no bytes")]
    TooManyEmptyElements {
        /// The largest number that is accepted.
        limit: usize,
    },
    /// The values would take too much memory, see [`Limits::max_memory`](crate::Limits::max_memory).
    #[error("the values would take more than {limit} bytes of memory")]
    TooMuchMemory {
        /// The number of bytes that are accepted.
        limit: usize,
    },
    /// A value that the type's own `invariants` function rejects.
    #[error("not a valid `{type_name}`: {message}")]
    Invariant {
        /// The type's name.
        type_name: &'static str,
        /// The message that the function returned.
        message: String,
    },
    /// A function of a type, called during decoding, panicked on a decoded value. The panic was caught.
    #[error("`{function}` of `{type_name}` panicked: {message}")]
    Panicked {
        /// The type's name.
        type_name: &'static str,
        /// The function that panicked: `invariants`, or for a key `Hash` (with `Eq`) or `Ord`.
        function: &'static str,
        /// The panic's message.
        message: String,
    },
    /// By the `Ord` of a key, no order of the keys that were decoded is right, so no map or set can be made of them.
    #[error("the keys cannot be put in order: `Ord` of `{type_name}` contradicts itself")]
    NoOrder {
        /// The key's type.
        type_name: &'static str,
    },
    /// The type cannot cross, whatever the bytes.
    #[error(transparent)]
    Refused(RefusedType),
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use facet::Facet;

    use super::*;
    use crate::check_shape;

    fn refused() -> RefusedType {
        check_shape(<Option<std::rc::Rc<u8>>>::SHAPE).unwrap_err()
    }

    #[test]
    fn a_fault_of_the_bytes_says_where_and_one_of_the_type_does_not() {
        let error = DecodeError::new(7, DecodeFault::Bool(2));
        assert_eq!(error.to_string(), "2 is not a truth value (at byte 7)");
        let error = DecodeError::new(7, DecodeFault::Refused(refused()));
        assert_eq!(error.to_string(), refused().to_string());
        let debug = format!("{:?}", DecodeError::new(7, DecodeFault::Zero));
        assert_eq!(debug, "DecodeError { offset: 7, fault: Zero }");
    }

    #[test]
    fn a_text_that_an_error_shows_is_not_shown_again_as_its_source() {
        let encode = EncodeError::from(refused());
        assert_eq!(encode.to_string(), refused().to_string());
        assert!(encode.source().is_none());
        let decode = DecodeError::new(0, DecodeFault::Refused(refused()));
        assert!(decode.source().is_none());
        assert!(decode.fault().source().is_none());
    }

    #[test]
    fn values_that_an_error_carries_are_in_its_text() {
        let fault = DecodeFault::UnknownVariant {
            type_name: "Colour",
            index: 9,
            variants: 3,
        };
        assert_eq!(fault.to_string(), "`Colour` has 3 variants and no number 9");
        let fault = DecodeFault::Panicked {
            type_name: "Key",
            function: "Ord",
            message: "odd".to_owned(),
        };
        assert_eq!(fault.to_string(), "`Ord` of `Key` panicked: odd");
        let error = EncodeError::BufferFull { capacity: 16 };
        let text = "the value does not fit into the 16 bytes that were set aside for it";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn an_error_is_as_small_as_a_pointer() {
        assert_eq!(size_of::<DecodeError>(), size_of::<usize>());
    }
}
