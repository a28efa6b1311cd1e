//! The receiver: drains the ring, and handles everything else that the doorbell announces.
//!
//! - N1: the receiver never sleeps without having armed and checked once more (A2).
//! - N2: what was published before a peer's death or fault is delivered before the terminal error.
//! - N3: one call takes at most `max` descriptors, and returns their room at once. [`Turn`] and tokio's budget
//!   decide when other tasks run.
//! - N4: the doorbell also announces returned slots and ring room. The receiver collects them and
//!   wakes the waiters, so there is one listener and no wake-up is stolen.
//! - N5: the entries in the ring when the end became known are the last that are delivered. A peer that goes
//!   on publishing cannot postpone the terminal error, and nothing comes after it.
//! - N6: ending the link reclaims the slots that are in flight (H4), since nobody collects them any more.
//! - N7: the doorbell is silenced before arming. A ring after that is for the new epoch, so
//!   it need not be cleared until the task is polled again.
//! - N8: [`Idle`] runs between an empty ring and arming, and leaves both as they are.
//! - N9: a message that takes more than one turn to be copied is delivered next. It counts as
//!   published before a terminal state that is latched meanwhile.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use crate::doorbell::liveness::PeerGone;
use crate::doorbell::liveness::{Liveness, OurEnd};
use crate::doorbell::notify::{Doorbell, DoorbellEvent};
use crate::fault::PeerFault;
use crate::link::assembly::Assembly;
use crate::link::error::{Closed, RecvError};
use crate::link::idle::{Idle, Idled, after_others};
use crate::link::received::{Received, ReceivedPayload};
use crate::link::state::LinkState;
use crate::link::turn::Turn;
use crate::memory::halves::{OwnWord, RingIn};
use crate::ring::armed_flag::Arm;
use crate::ring::descriptor::parse;
use crate::ring::spsc::Consumer;

/// The receiving end of a link. There is one, and it must be polled for the link's senders to be
/// woken (see [`Sender`](crate::Sender)). Dropping it closes the link and, unless there is a
/// [`SocketHold`](crate::SocketHold), hangs up.
pub struct Receiver {
    link_state: Arc<LinkState>,
    consumer: Consumer<RingIn>,
    arm: Arm<OwnWord>,
    doorbell: Doorbell,
    life: Arc<Liveness>,
    /// Dropped after the link is closed.
    end: Arc<OurEnd>,
    idle: Idle,
    turn: Turn,
    /// A message taken from the ring that is not complete yet (N9).
    assembly: Option<Box<Assembly>>,
    terminal: Option<Terminal>,
}

/// The terminal state: nothing more will be received, and why.
#[derive(Clone, Copy, Debug)]
struct Terminal {
    why: RecvError,
    /// Frames that are still delivered before it (N2, N5).
    left: usize,
}

impl Receiver {
    pub(crate) fn new(link_state: Arc<LinkState>, doorbell: Doorbell, life: Arc<Liveness>) -> Self {
        let ring = RingIn {
            own: Arc::clone(&link_state.own),
            peer: Arc::clone(&link_state.peer),
        };
        let armed = OwnWord::receiver(&link_state.own);
        Self {
            consumer: Consumer::new(ring, link_state.layout.ring_capacity),
            arm: Arm::new(armed),
            link_state,
            doorbell,
            end: OurEnd::of(&life),
            life,
            idle: Idle::default(),
            turn: Turn::default(),
            assembly: None,
            terminal: None,
        }
    }

    /// Returns our end of the control socket.
    pub(crate) fn end(&self) -> Arc<OurEnd> {
        Arc::clone(&self.end)
    }

    /// Appends up to `max` frames to `batch` and returns how many, at least one; if there are none, the
    /// task is woken when some arrive. With `max` 0 it returns 0 at once.
    ///
    /// Also collects returned slots, and wakes futures that wait for room or slots.
    ///
    /// Takes part in tokio's cooperative budget. Beside that, it lets all other tasks run after each 256 KiB
    /// that it has copied out of an untrusted peer's slots, in the middle of a message if need be, and after
    /// each 512 frames.
    ///
    /// # Errors
    /// See [`recv`](Self::recv).
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Poll<Result<usize, RecvError>> {
        let polled = self.poll_in_turn(cx, batch, max);
        if polled.is_pending() {
            self.turn = Turn::default();
        }
        polled
    }

    fn poll_in_turn(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Poll<Result<usize, RecvError>> {
        loop {
            if self.link_state.waiters.has_waiters()
                && let Err(fault) = self.link_state.serve_waiters()
            {
                self.latch_fault(fault);
            }
            if self.turn.is_over() {
                return after_others(cx);
            }
            if self.turn.is_long() {
                ready!(self.poll_budget(cx));
            }
            match self.take(batch, max) {
                Ok(0) if max > 0 => {
                    if self.assembly.is_some() {
                        return after_others(cx);
                    }
                }
                answer => {
                    self.arm.disarm();
                    self.idle.frames_taken(answer.unwrap_or_default());
                    return Poll::Ready(answer);
                }
            }
            let idled = self
                .idle
                .turn(&self.link_state, &mut self.consumer, &mut self.arm);
            let pauses = match idled {
                Ok(Idled::Found) => continue,
                Ok(Idled::Yield) => {
                    // After all tasks that can run, and without asking the kernel for events.
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Idled::Pause) => true,
                Ok(Idled::Sleep) => false,
                Err(fault) => {
                    self.fail(fault);
                    continue;
                }
            };
            self.link_state.set_receiver(cx.waker());
            if self.link_state.fault().is_some() {
                continue; // Found before it was known whom to wake.
            }
            if self.link_state.is_peer_dead() {
                return self.poll_after_death(PeerGone::Exited, cx, batch, max);
            }
            // Rings for entries that were taken already are cleared before arming, so that the next ring means new
            // work. From here on a ring wakes the task (N7).
            match self.poll_doorbell(cx) {
                Ok(DoorbellEvent::Ring) => {}
                Ok(DoorbellEvent::HangUp) => {
                    return self.poll_after_death(PeerGone::HungUp, cx, batch, max);
                }
                Err(_) => {
                    self.link_state.end(Closed::ByUs);
                    self.latch(RecvError::RuntimeGone);
                    continue;
                }
            }
            // From here on the peer rings (N1).
            let has_waiters = self.link_state.waiters.arm_for_waiters();
            self.arm.arm();
            let served = if has_waiters {
                self.link_state.serve_waiters()
            } else {
                self.link_state.slab.collect()
            };
            if let Err(fault) = served {
                self.latch_fault(fault);
                continue;
            }
            match self.consumer.refresh_tail() {
                Ok(0) => {}
                Ok(_) => continue,
                Err(fault) => {
                    self.fail(fault);
                    continue;
                }
            }
            match self.life.poll_gone(cx) {
                Poll::Ready(gone) => return self.poll_after_death(gone, cx, batch, max),
                Poll::Pending if pauses => return after_others(cx),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Waits for frames, appends up to `max` of them to `batch`, and returns how many: at least one,
    /// unless `max` is 0.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing: frames are taken only when it is ready.
    ///
    /// # Errors
    /// All are final, and come after everything that the peer had published when the end became known:
    /// [`RecvError::PeerFault`] if it broke a rule, [`RecvError::PeerGone`] if the kernel reports that it
    /// is gone, [`RecvError::RuntimeGone`] if the runtime is shutting down.
    pub async fn recv(
        &mut self,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Result<usize, RecvError> {
        std::future::poll_fn(|cx| self.poll_recv(cx, batch, max)).await
    }

    /// Appends up to `max` frames that have arrived, and returns how many. Needs neither the peer
    /// nor a runtime, so it drains the ring of a dead peer.
    ///
    /// Copies out of an untrusted peer's slots end the call after 256 KiB, but not in the middle of its
    /// first message, however much that has attached: see [`poll_recv`](Self::poll_recv).
    ///
    /// # Errors
    /// See [`recv`](Self::recv). `Ok(0)` means that no frame has arrived.
    pub fn try_recv(&mut self, batch: &mut Vec<Received>, max: usize) -> Result<usize, RecvError> {
        loop {
            self.turn = Turn::default();
            match self.take(batch, max) {
                Ok(0) if max > 0 && self.assembly.is_some() => {}
                answer => return answer,
            }
        }
    }

    /// Consumes tokio's budget if there is something to deliver. For the first few frames of a turn the budget is not
    /// checked.
    #[cold]
    fn poll_budget(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.consumer.has_more() {
            Ok(false) => {}
            Ok(true) => ready!(coop::poll_proceed(cx)).made_progress(),
            Err(fault) => self.fail(fault),
        }
        Poll::Ready(())
    }

    /// Takes up to `max` frames, as far as the turn allows.
    fn take(&mut self, batch: &mut Vec<Received>, max: usize) -> Result<usize, RecvError> {
        let before = batch.len();
        if let Some(fault) = self.link_state.fault() {
            self.latch(RecvError::PeerFault(fault)); // Found by a sender.
        }
        let most = self.terminal.map_or(max, |terminal| terminal.left.min(max));
        let position = self.consumer.position();
        let drained = self.drain(batch, most);
        let taken = batch.len() - before;
        if self.consumer.position() != position {
            self.consumer.commit(); // R6
            self.link_state.peer_waker.made_room();
        }
        if taken > 0 {
            self.turn.delivered(taken);
            let bytes = batch.iter().skip(before).map(Received::bytes).sum();
            self.link_state.counters.received(taken, bytes);
        }
        if let Some(terminal) = &mut self.terminal {
            terminal.left = terminal.left.saturating_sub(taken);
        }
        if let Err(fault) = drained {
            self.fail(fault);
        }
        match self.terminal {
            Some(Terminal { why, left: 0 }) if taken == 0 => Err(why),
            _ => Ok(taken),
        }
    }

    fn drain(&mut self, batch: &mut Vec<Received>, max: usize) -> Result<(), PeerFault> {
        let mut max = max;
        if max > 0
            && let Some(assembly) = self.assembly.take()
        {
            if !self.continue_assembly(*assembly, batch)? {
                return Ok(());
            }
            max -= 1;
        }
        for _ in 0..max {
            let Some(entry) = self.consumer.pop()? else {
                break;
            };
            let (header, payload, has_table) = parse(&entry, &self.link_state.layout)?;
            let payload = ReceivedPayload::of(&self.link_state, payload)?;
            if has_table || payload.is_to_be_copied() {
                let assembly = Assembly::new(header, payload, has_table);
                if !self.continue_assembly(assembly, batch)? || self.turn.is_over() {
                    break;
                }
                continue;
            }
            batch.push(Received {
                header,
                payload,
                attachments: Vec::new(),
            });
        }
        Ok(())
    }

    /// Continues with a message (N9). Returns whether it was delivered.
    fn continue_assembly(
        &mut self,
        mut assembly: Assembly,
        batch: &mut Vec<Received>,
    ) -> Result<bool, PeerFault> {
        let complete = assembly.advance(&self.link_state, &mut self.turn)?;
        if complete {
            batch.push(assembly.finish());
        } else {
            self.assembly = Some(Box::new(assembly));
        }
        Ok(complete)
    }

    /// N2: the death was seen, so everything published before it can be seen too.
    fn poll_after_death(
        &mut self,
        gone: PeerGone,
        cx: &mut Context<'_>,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Poll<Result<usize, RecvError>> {
        if self.terminal.is_none() {
            self.link_state.end(Closed::PeerGone(gone)); // N6
            self.latch(RecvError::PeerGone(gone));
        }
        if self.turn.is_over() {
            return after_others(cx);
        }
        match self.take(batch, max) {
            Ok(0) if max > 0 && self.assembly.is_some() => after_others(cx),
            answer => Poll::Ready(answer),
        }
    }

    /// Clears the doorbell until it is silent, and registers the task to be woken by its next event.
    fn poll_doorbell(&self, cx: &mut Context<'_>) -> std::io::Result<DoorbellEvent> {
        loop {
            match self.doorbell.poll(cx) {
                Poll::Ready(heard) => match heard? {
                    DoorbellEvent::Ring => self.link_state.counters.woke(),
                    DoorbellEvent::HangUp => return Ok(DoorbellEvent::HangUp),
                },
                Poll::Pending => return Ok(DoorbellEvent::Ring),
            }
        }
    }

    /// Latches the first terminal state, which stays (N5).
    fn latch(&mut self, why: RecvError) {
        if self.terminal.is_some() {
            return;
        }
        match self.consumer.refresh_tail() {
            Ok(left) => {
                let left = left as usize + usize::from(self.assembly.is_some());
                self.terminal = Some(Terminal { why, left });
            }
            Err(fault) => self.fail(fault),
        }
    }

    /// Latches a fault found in another ring than this one.
    fn latch_fault(&mut self, fault: PeerFault) {
        let why = self.fail_link(fault);
        self.latch(why);
    }

    /// Latches a fault of this ring: everything published before was delivered, and nothing that
    /// follows can be trusted.
    fn fail(&mut self, fault: PeerFault) {
        let why = self.fail_link(fault);
        let left = usize::from(self.assembly.is_some());
        self.terminal = Some(Terminal { why, left });
    }

    /// Ends the link because of a fault. Everybody gets the first one.
    fn fail_link(&self, fault: PeerFault) -> RecvError {
        self.link_state.fail(fault);
        RecvError::PeerFault(self.link_state.fault().unwrap_or(fault))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.link_state.end(Closed::ByUs);
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

// Miri has no memory objects to map.
#[cfg(all(test, not(miri)))]
mod tests {
    use super::*;
    use crate::config::{Lane, SegmentConfig};
    use crate::link::endpoint::Link;
    use crate::link::sender::Payload;
    use crate::ring::descriptor::Header;

    /// N2, between the last poll of the ring and the terminal error: no other test can stop a peer just there.
    #[tokio::test]
    async fn a_frame_published_after_the_last_poll_comes_before_the_terminal_error() {
        let (a, b) = Link::pair(&SegmentConfig::default()).unwrap();
        let (_, mut inbound, _) = a.split();
        let (out, _b_in, _) = b.split();
        for _ in 0..2 {
            let sent = out.try_publish(&Header::default(), Payload::Empty, &[], Lane::Data);
            assert_eq!(sent, Ok(()));
        }
        let gone = PeerGone::Exited;
        let mut batch = Vec::new();
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let mut after_death = || inbound.poll_after_death(gone, &mut cx, &mut batch, 1);
        for _ in 0..2 {
            assert_eq!(after_death(), Poll::Ready(Ok(1)));
        }
        assert_eq!(after_death(), Poll::Ready(Err(RecvError::PeerGone(gone))));
        assert_eq!(batch.len(), 2);
    }
}
