//! How the host performs steps, and the checks of what comes back.

use std::task::{Context, Poll};

use super::harness::Run;
use super::steps::{HostStep, lane};
use super::waits::Served;
use crate::{AllocateError, Closed, Header, Payload, PublishError, Received, RecvError, SlotMut};

impl Run {
    /// Performs a step, with the peer's planned steps in between.
    pub(super) fn host_step(&mut self, step: &HostStep, undisturbed: bool) {
        let out = self.host.out.clone();
        match step {
            HostStep::Recv { max } => self.receive(usize::from(*max), undisturbed),
            HostStep::TryRecv { max } => {
                let mut batch = Vec::new();
                let answer = self.host.inbound.try_recv(&mut batch, usize::from(*max));
                self.receiver_sleeps = false;
                self.received(batch, answer, usize::from(*max));
                if answer == Ok(0) && *max > 0 && undisturbed {
                    self.nothing_there();
                }
            }
            HostStep::DropReceived { nth } => drop(self.received_log.take(*nth)),
            HostStep::Allocate { len, priority } => {
                let len = len.0 as usize;
                let allocated = out.try_allocate(len, lane(*priority));
                self.allocated(allocated, len, out.max_payload());
            }
            HostStep::AllocateFragment { len, priority } => {
                let len = len.0 as usize;
                let allocated = out.try_allocate_fragment(len, lane(*priority));
                self.allocated(allocated, len, out.max_fragment());
            }
            HostStep::Truncate { nth, len } => self.sent_log.truncate(*nth, len.0),
            HostStep::Freeze { nth } => self.sent_log.freeze(*nth),
            HostStep::Abandon { nth } => drop(self.sent_log.abandon(*nth)),
            HostStep::Clone { nth } => self.sent_log.copy(*nth),
            HostStep::Slice { nth, start, end } => self.sent_log.slice(*nth, start.0, end.0),
            HostStep::DropSlot { nth } => drop(self.sent_log.drop_one(*nth)),
            HostStep::SendInline { len, priority } => {
                let bytes = vec![7; usize::from(*len % 32)];
                let payload = Payload::Inline(&bytes);
                let sent = out.try_publish(&Header::default(), payload, &[], lane(*priority));
                assert_eq!(
                    sent == Err(PublishError::InlineTooLong { len: bytes.len() }),
                    bytes.len() > 24 && self.over.is_none()
                );
                self.published(sent);
            }
            HostStep::SendSlot { nth, priority } => {
                let sent = self.sent_log.publish(&out, *nth, None, lane(*priority));
                sent.into_iter().for_each(|sent| self.published(sent));
            }
            HostStep::SendBoth {
                payload,
                attachment,
                priority,
            } => {
                let sent =
                    self.sent_log
                        .publish(&out, *payload, Some(*attachment), lane(*priority));
                sent.into_iter().for_each(|sent| self.published(sent));
            }
            HostStep::WaitForSlot { len, priority } => {
                self.waits
                    .for_slot(&out, len.0 as usize % ((1 << 20) + 1), lane(*priority));
                self.poll_wait(None);
            }
            HostStep::WaitForFragment { len, priority } => {
                let len = len.0 as usize % (out.max_fragment() + 1);
                self.waits.for_fragment(&out, len, lane(*priority));
                self.poll_wait(None);
            }
            HostStep::WaitForRoom { priority } => {
                self.waits.for_room(&out, lane(*priority));
                self.poll_wait(None);
            }
            HostStep::PollWait { nth } => self.poll_wait(Some(*nth)),
            HostStep::DropWait { nth } => drop(self.waits.take(*nth)),
            HostStep::Stats {} => self.count(),
            HostStep::Trim {} => drop(out.trim()),
            HostStep::Heartbeat {} => out.heartbeat(),
            HostStep::MarkStarted { call, generation } => {
                let marked = out.mark_started(call.0, generation.0);
                assert_eq!(marked.is_ok(), call.0 < 4);
            }
            HostStep::ReadMarker { call } => {
                assert_eq!(out.started_generation(call.0).is_some(), call.0 < 4);
                let _ = out.peer_heartbeat();
            }
            HostStep::Turn {} => {}
            HostStep::Close {} => out.close(),
        }
    }

    fn receive(&mut self, max: usize, undisturbed: bool) {
        let mut batch = Vec::new();
        let waker = self.receiver.waker();
        let mut cx = Context::from_waker(&waker);
        match self.host.inbound.poll_recv(&mut cx, &mut batch, max) {
            Poll::Ready(answer) => {
                assert!(answer != Ok(0) || max == 0, "ready for nothing");
                self.receiver_sleeps = false;
                self.received(batch, answer, max);
            }
            Poll::Pending => {
                assert!(batch.is_empty() && self.terminal.is_none());
                if self.receiver.is_up() {
                    // It only lets other tasks run.
                    self.receiver_sleeps = false;
                    return;
                }
                let over = self.host.out.link_state().check_open();
                assert!(
                    matches!(over, Ok(()) | Err(Closed::ByUs)),
                    "sleeps: {over:?}"
                );
                self.receiver_sleeps = true;
                if undisturbed {
                    self.nothing_there();
                }
            }
        }
    }

    fn received(&mut self, batch: Vec<Received>, answer: Result<usize, RecvError>, max: usize) {
        assert_eq!(batch.len(), answer.unwrap_or(0));
        assert!(batch.len() <= max);
        let count = batch.len() as u32;
        self.received = self.received.wrapping_add(count);
        if matches!(self.over, Some(Closed::PeerFault(_) | Closed::PeerGone(_))) {
            self.afterwards += count;
            assert!(self.afterwards <= 8, "frames after the end"); // HA2
        }
        for frame in batch {
            self.received_log.received(&self.host, self.trust, frame);
        }
        match (self.terminal, answer) {
            (None, Ok(_)) => {}
            (None, Err(terminal)) => self.terminal = Some(terminal),
            (Some(terminal), again) => assert_eq!(again, Err(terminal)), // HA2
        }
        if let (Some(RecvError::PeerFault(terminal)), Some(Closed::PeerFault(fault))) =
            (self.terminal, self.over)
        {
            assert_eq!(terminal, fault); // HA2
        }
    }

    /// The host found nothing: the peer's memory must agree.
    fn nothing_there(&self) {
        let peer = self.peer.borrow();
        let tail = peer.mirror.control.load(crate::layout::TAIL);
        assert_eq!(tail, self.received);
    }

    fn allocated(&mut self, allocated: Result<SlotMut, AllocateError>, len: usize, longest: usize) {
        match (allocated, self.over) {
            (Err(AllocateError::TooLarge { .. }), _) => assert!(len > longest),
            (Err(AllocateError::Closed(closed)), Some(over)) => assert_eq!(closed, over),
            (answer, Some(_)) => panic!("{answer:?} after the end"),
            (Ok(slot), None) => self.sent_log.allocated(slot, len),
            (Err(_), None) => {}
        }
    }

    fn published(&mut self, sent: Result<(), PublishError>) {
        if let Some(over) = self.over {
            assert_eq!(sent, Err(PublishError::Closed(over)));
        }
    }

    fn poll_wait(&mut self, nth: Option<u8>) {
        match self.waits.poll(nth) {
            Some(Ok(Served::Slot(slot, len))) => self.sent_log.allocated(slot, len),
            Some(Ok(Served::Room)) | None => {}
            Some(Err(closed)) => assert_eq!(self.host.out.link_state().check_open(), Err(closed)),
        }
    }

    /// HA5: each slot is counted once.
    pub(super) fn count(&mut self) {
        let stats = self.host.out.stats();
        let (mut writing, mut frozen) = (0, 0);
        for class in stats.classes.iter().chain([&stats.fragments]) {
            let used = class.writing + class.held + class.in_flight;
            assert_eq!(class.free + used, class.total, "{class:?}");
            writing += class.writing;
            frozen += class.held + class.in_flight;
        }
        assert_eq!(writing, self.sent_log.writers());
        assert!(frozen >= self.sent_log.frozen());
    }
}
