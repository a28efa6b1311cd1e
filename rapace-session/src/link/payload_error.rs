//! Why a payload could not be made.

use rapace_codec::EncodeError;

use crate::transport::AllocateError;

/// The message for a payload that fits no buffer, with the remedies.
pub(crate) fn too_large(len: usize, max: usize) -> String {
    format!(
        "a payload of {len} bytes exceeds the limit of {max}, the largest slot of this side; send it in pieces, or give \
         the segment a class of larger slots (`SegmentConfig::with_classes`)"
    )
}

/// Why a payload could not be made.
#[derive(Debug)]
pub(crate) enum PayloadError {
    Encode(String),
    TooLarge {
        len: usize,
        max: usize,
    },
    /// No slot is free, and the segment is configured to fail then.
    NoSlot {
        len: usize,
    },
    Closed,
}

/// The message for a payload that finds no slot, with the remedies.
pub(crate) fn no_slot(len: usize) -> String {
    format!(
        "no slot is free for {len} bytes (an eighth of each class is reserved for replies), and the segment is configured \
         to fail then: keep fewer payloads, configure more slots (`SegmentConfig::with_classes`), or send in fragments \
         (`OnExhaustion::Fragment`)"
    )
}

impl From<EncodeError> for PayloadError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error.to_string())
    }
}

impl From<AllocateError> for PayloadError {
    fn from(error: AllocateError) -> Self {
        match error {
            AllocateError::TooLarge { len, max } => Self::TooLarge { len, max },
            AllocateError::Exhausted | AllocateError::Closed => Self::Closed,
        }
    }
}

/// The error of a payload whose encoding ran code of the user that panicked.
#[cold]
pub(crate) fn panicked(message: &str) -> PayloadError {
    PayloadError::Encode(format!("a panic while encoding: {message}"))
}
