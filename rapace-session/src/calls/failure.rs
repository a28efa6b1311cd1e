//! Why a call has no reply.

use std::any::Any;
use std::sync::Arc;

use crate::link::end::EndReason;
use crate::link::payload_error::too_large;
use crate::transport::StartState;
use crate::wire::remote_error::RemoteError;

/// Why a call has no reply.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallFailure {
    /// The runtime on the other side, or this side's own deadline, ended the call.
    #[error("{0}")]
    Failed(RemoteError),
    /// The session ended first.
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
    /// A payload is larger than the transport's largest buffer.
    #[error("{}", too_large(*len, *max))]
    TooLarge {
        /// Bytes of the payload.
        len: usize,
        /// The most that fits.
        max: usize,
    },
    /// The owner of the unsettled call settled it with its own value, which is here.
    #[error("settled after its session's end")]
    Settled(Arc<dyn Any + Send + Sync>),
}
