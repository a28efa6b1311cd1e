//! A message that is still being copied.
//!
//! - AS1: the payload comes first: an untrusted peer's is copied. Then its table names the attachments,
//!   and those are copied too. Nothing in the mapping of an untrusted peer's is read twice.
//! - AS2: each step copies no more than the turn allows. All slots are leased as soon as they are
//!   known, so none is copied while the peer may send it again.
//! - AS3: dropping an assembly returns the slots that it holds.

use std::sync::Arc;

use crate::fault::PeerFault;
use crate::link::attachments::{named, table_len};
use crate::link::received::{Received, ReceivedPayload, ReceivedSlot};
use crate::link::state::LinkState;
use crate::link::turn::Turn;
use crate::ring::descriptor::Header;

/// The message, as far as it was copied.
#[derive(Debug)]
pub(crate) struct Assembly {
    message: Received,
    /// Whether the payload begins with a table that was not read yet.
    has_table: bool,
    /// Number of attachments that are complete.
    complete: usize,
}

impl Assembly {
    pub(crate) fn new(header: Header, payload: ReceivedPayload, has_table: bool) -> Self {
        Self {
            message: Received {
                header,
                payload,
                attachments: Vec::new(),
            },
            has_table,
            complete: 0,
        }
    }

    /// Copies as much as the turn allows (AS2). Returns whether the message is complete.
    pub(crate) fn advance(
        &mut self,
        link_state: &Arc<LinkState>,
        turn: &mut Turn,
    ) -> Result<bool, PeerFault> {
        if let ReceivedPayload::Slot(slot) = &mut self.message.payload
            && !slot.copy_more(&link_state.peer, turn)
        {
            return Ok(false);
        }
        if std::mem::take(&mut self.has_table) {
            let payload = self.message.payload.as_ref();
            turn.copied(table_len(payload));
            for slot in named(payload)? {
                let slot = ReceivedSlot::hold(link_state, slot.check(&link_state.layout)?)?;
                self.message.attachments.push(slot);
            }
        }
        let attachments = &mut self.message.attachments;
        for slot in attachments.iter_mut().skip(self.complete) {
            if !slot.copy_more(&link_state.peer, turn) {
                return Ok(false);
            }
            self.complete += 1;
        }
        Ok(true)
    }

    pub(crate) fn finish(self) -> Received {
        self.message
    }
}
