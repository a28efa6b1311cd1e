//! What a handler can know of the call that it handles, and what its own calls inherit.

use std::time::Instant;

use rapace_codec::BlobMut;

use crate::envelope::Metadata;
use crate::session::Session;

tokio::task_local! {
    static CURRENT: CallContext;
}

/// The call being handled on this task.
#[derive(Clone, Debug)]
pub struct CallContext {
    /// When the answer is of no use to the caller any more.
    pub deadline: Option<Instant>,
    /// Pairs that the caller sent along.
    pub metadata: Metadata,
    /// The session that the call came over; `None` for a call from within this process.
    pub session: Option<Session>,
}

impl CallContext {
    /// Runs `future` as the handling of this call.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// The call being handled on this task, if it is handling one. Clones the metadata;
    /// [`with`](Self::with) does not.
    #[must_use]
    pub fn current() -> Option<Self> {
        Self::with(Clone::clone)
    }

    /// Looks at the call being handled on this task, if it is handling one.
    pub fn with<R>(look: impl FnOnce(&Self) -> R) -> Option<R> {
        CURRENT.try_with(look).ok()
    }

    /// The context for what goes on after the answer: the same call's metadata and session, and no deadline.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self {
            deadline: None,
            ..self.clone()
        }
    }

    /// The deadline of a call made now: what was asked for, or the handled call's if earlier.
    #[must_use]
    pub fn earliest(asked: Option<Instant>) -> Option<Instant> {
        let inherited = Self::with(|context| context.deadline).flatten();
        match (asked, inherited) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (one, other) => one.or(other),
        }
    }
}

/// A buffer of `len` bytes, zeroes or left-overs of this side's, for the result of the call being
/// handled: it lies in the caller's session, so that sending it copies nothing. Outside a call, or
/// when the session has no such buffer, it lies on the heap.
///
/// # Cancel safety
/// Dropping the future gives up its turn.
pub async fn allocate(len: usize) -> BlobMut {
    let session = CallContext::with(|context| context.session.clone()).flatten();
    match session {
        Some(session) => session.allocate_for_reply(len).await,
        None => BlobMut::zeroed(len),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_call_made_by_a_handler_inherits_the_earlier_deadline() {
        let now = Instant::now();
        let soon = now + Duration::from_secs(1);
        let later = now + Duration::from_secs(2);
        assert_eq!(CallContext::earliest(None), None);
        let context = CallContext {
            deadline: Some(soon),
            metadata: Metadata::new(),
            session: None,
        };
        context
            .scope(async {
                assert_eq!(CallContext::earliest(None), Some(soon));
                assert_eq!(CallContext::earliest(Some(later)), Some(soon));
                assert_eq!(CallContext::earliest(Some(now)), Some(now));
            })
            .await;
    }
}
