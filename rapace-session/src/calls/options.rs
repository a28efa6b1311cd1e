//! The options of a call.

use std::time::Instant;

use crate::wire::message_body::Metadata;

/// The options of a call.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// The deadline. Within a handler, the deadline of the call being handled applies too,
    /// whichever is earlier.
    pub deadline: Option<Instant>,
    /// Key-value pairs sent along with the call.
    pub metadata: Metadata,
    /// Whether the call may run more than once.
    pub idempotent: bool,
}
