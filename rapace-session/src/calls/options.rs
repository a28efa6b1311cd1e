//! How a call is made.

use std::time::Instant;

use crate::wire::message_body::Metadata;

/// How a call is to be made.
#[derive(Clone, Debug, Default)]
pub struct CallOptions {
    /// When the answer is of no use any more. Inherited from the call being handled, if earlier.
    pub deadline: Option<Instant>,
    /// Pairs that travel with the call.
    pub metadata: Metadata,
    /// Whether the call may run twice.
    pub idempotent: bool,
}
