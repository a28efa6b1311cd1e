//! Why a call failed without a reply of its handler.

use std::any::Any;
use std::sync::Arc;

use crate::link::end::EndReason;
use crate::link::payload_error::too_large;
use crate::transport::StartState;
use crate::wire::remote_error::RemoteError;

/// Why a call failed without a reply of its handler.
///
/// Not `non_exhaustive`: the layer above maps each variant to an error of its own, and a new one must not be mapped by
/// accident.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallFailure {
    /// The runtime ended the call: that of the other side, or this side's at the deadline.
    #[error("{0}")]
    Failed(RemoteError),
    /// The session ended before the reply.
    #[error("{reason}; the call {}", match start_state {
        StartState::NotBegun => "had not begun",
        StartState::Begun => "had begun",
        StartState::Unknown => "may have begun",
    })]
    SessionEnded {
        /// Whether the peer had begun the call.
        start_state: StartState,
        /// Why the session ended.
        reason: EndReason,
    },
    /// The arguments or the metadata could not be encoded.
    #[error("the request could not be encoded: {0}")]
    Encode(String),
    /// The request is larger than the transport's largest buffer.
    #[error("{}", too_large(*len, *max))]
    TooLarge {
        /// The length of the payload, in bytes.
        len: usize,
        /// The length of the largest buffer, in bytes.
        max: usize,
    },
    /// The owner of an [`UnsettledCall`](crate::UnsettledCall) settled the call with this value of
    /// its own.
    #[error("the call was settled after its session ended")]
    Settled(Arc<dyn Any + Send + Sync>),
}
