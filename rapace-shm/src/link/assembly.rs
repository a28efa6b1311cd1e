//! A message whose bytes are not all here yet.
//!
//! - AS1: the payload comes first: of an untrusted peer it is copied. Then its table says what is attached,
//!   and that is copied too. Nothing in the mapping of an untrusted peer's is looked at twice.
//! - AS2: each step copies no more than is left of a turn. All slots are held from the moment that they are
//!   known, so none is copied into while the peer may send it again.
//! - AS3: dropping it returns what it holds.

use std::sync::Arc;

use crate::fault::PeerFault;
use crate::link::attachments::{named, table_len};
use crate::link::received::{Received, ReceivedPayload, ReceivedSlot};
use crate::link::state::LinkState;
use crate::link::turn::Turn;
use crate::ring::descriptor::Header;

/// The message, as far as it is here.
#[derive(Debug)]
pub(crate) struct Assembly {
    message: Received,
    /// Whether the payload begins with a table that was not read yet.
    has_table: bool,
    /// How many attachments are complete.
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

    /// Goes on for as long as the turn allows (AS2). Whether the message is complete.
    pub(crate) fn advance(
        &mut self,
        shared: &Arc<LinkState>,
        turn: &mut Turn,
    ) -> Result<bool, PeerFault> {
        if let ReceivedPayload::Slot(slot) = &mut self.message.payload
            && !slot.copy_more(&shared.peer, turn)
        {
            return Ok(false);
        }
        if std::mem::take(&mut self.has_table) {
            let payload = self.message.payload.as_ref();
            turn.copied(table_len(payload));
            for slot in named(payload)? {
                let slot = ReceivedSlot::hold(shared, slot.check(&shared.layout)?)?;
                self.message.attachments.push(slot);
            }
        }
        let attachments = &mut self.message.attachments;
        for slot in attachments.iter_mut().skip(self.complete) {
            if !slot.copy_more(&shared.peer, turn) {
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
