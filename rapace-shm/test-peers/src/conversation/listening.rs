//! The receiving part of a side, and its checks.

use std::time::Duration;

use rapace_shm::{PeerWatch, Received, ReceivedPayload, Receiver, RecvError};

use super::kind::Kind;
use super::{GENERATIONS, Notes, Role, Side, fill, is_filled};

impl<N: Notes> Side<'_, N> {
    /// Receives until the other side is gone, or asks us to leave.
    pub(super) async fn listen(
        &self,
        inbound: &mut Receiver,
        watch: &mut PeerWatch,
    ) -> Option<RecvError> {
        let mut batch = Vec::new();
        let mut retained = Vec::new();
        for number in 0.. {
            if let Err(end) = inbound.recv(&mut batch, 1).await {
                return Some(end);
            }
            let frame = batch.pop().expect("recv says that there is one");
            let kind = self.check(&frame, number);
            match kind {
                Kind::Plain => {}
                Kind::Call(call) => {
                    self.notes.will_mark(call);
                    let marked = self.out.mark_started(call, frame.header.generation);
                    marked.expect("the call table has an entry for each call");
                    self.notes.ran(call);
                }
                Kind::Attached => {
                    assert_eq!(frame.attachments.len(), 2);
                    for slot in &frame.attachments {
                        assert!(is_filled(slot, fill(self.role.other(), number)));
                    }
                }
                Kind::Hold => retained.push(frame.payload),
                Kind::StopUntilHeartbeat(heartbeats) => {
                    self.answer();
                    self.wait_for_heartbeat(heartbeats, watch).await;
                    retained.clear();
                }
                Kind::Question => self.answer(),
                Kind::Answer => self.observe(|observed| observed.answers += 1),
                Kind::Turn => {
                    self.observe(|observed| observed.turns += 1);
                    if self.leaves && self.role == Role::Host {
                        self.notes.received(number);
                        return None;
                    }
                }
                Kind::Leave => {
                    if self.leaves {
                        self.notes.received(number);
                        return None;
                    }
                }
            }
            self.notes.received(number);
        }
        None
    }

    fn check(&self, frame: &Received, number: u32) -> Kind {
        let header = &frame.header;
        let kind = Kind::decode(header.frame_type, header.call);
        assert_eq!(header.channel, number, "a frame is missing, or came twice");
        assert_eq!(header.generation, header.call + GENERATIONS);
        let bytes = frame.payload.as_ref();
        assert_eq!(bytes.len(), header.credits as usize);
        let in_slot = matches!(frame.payload, ReceivedPayload::Slot(_));
        assert_eq!(in_slot, bytes.len() > rapace_shm::INLINE_MAX);
        let filled = is_filled(bytes, fill(self.role.other(), number));
        assert!(kind == Kind::Attached || filled, "frame {number} is torn");
        kind
    }

    async fn wait_for_heartbeat(&self, heartbeats: u32, watch: &mut PeerWatch) {
        let has_reached = async {
            while self.out.peer_heartbeat() < heartbeats {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            () = has_reached => {}
            _ = watch.gone() => {}
        }
    }
}
