//! The receiving end: drains the ring, and does what else the doorbell may mean.
//!
//! - N1: nobody sleeps without having armed and looked once more (A2).
//! - N2: what was published before a peer's death or fault is delivered before the news of it.
//! - N3: one call takes at most `max` descriptors, and gives their room back at once.
//! - N4: the doorbell also stands for returned slots and ring room. The receiver collects them and
//!   wakes who waits, so there is one listener and no wake-up is stolen.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::arm::Arm;
use crate::bell::{Bell, Heard};
use crate::descriptor::parse;
use crate::error::{Closed, PeerGone, RecvError};
use crate::fault::PeerFault;
use crate::half::{OwnWord, RingIn};
use crate::liveness::Liveness;
use crate::received::{Adopter, Received, ReceivedPayload};
use crate::ring::Consumer;
use crate::shared::Shared;

/// The receiving end of a link. There is one, and it must be polled for the link's senders to be
/// woken (see [`Outbound`](crate::Outbound)). Dropping it closes the link and hangs up.
pub struct Inbound {
    shared: Arc<Shared>,
    consumer: Consumer<RingIn>,
    arm: Arm<OwnWord>,
    bell: Bell,
    life: Arc<Liveness>,
    ended: Option<RecvError>,
}

impl Inbound {
    pub(crate) fn new(shared: Arc<Shared>, bell: Bell, life: Arc<Liveness>) -> Self {
        let ring = RingIn {
            own: Arc::clone(&shared.own),
            peer: Arc::clone(&shared.peer),
        };
        let armed = OwnWord::receiver(&shared.own);
        Self {
            consumer: Consumer::new(ring, shared.layout.ring_capacity),
            arm: Arm::new(armed),
            shared,
            bell,
            life,
            ended: None,
        }
    }

    /// Appends up to `max` frames to `batch` and returns how many, at least one; or arranges for the
    /// task to be woken when there are some. Asking for none is answered with none.
    ///
    /// Also collects returned slots, and wakes futures that wait for room or slots.
    ///
    /// # Errors
    /// See [`recv`](Self::recv).
    pub fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Poll<Result<usize, RecvError>> {
        loop {
            if self.shared.space.somebody_waits()
                && let Err(fault) = self.shared.serve_waiters()
            {
                self.fail(fault);
            }
            match self.try_recv(batch, max) {
                Ok(0) if max > 0 => {}
                answer => {
                    self.arm.disarm();
                    return Poll::Ready(answer);
                }
            }
            // From here on the peer rings (N1).
            self.shared.set_receiver(cx.waker());
            let somebody_waits = self.shared.space.arm_for_waiters();
            self.arm.arm();
            let served = if somebody_waits {
                self.shared.serve_waiters()
            } else {
                self.shared.slab.collect()
            };
            match served.and_then(|()| self.consumer.look()) {
                Ok(0) => {}
                Ok(_) => continue,
                Err(fault) => {
                    self.fail(fault);
                    continue;
                }
            }
            match self.bell.poll(cx) {
                Poll::Ready(Ok(Heard::Ring)) => {
                    self.shared.counters.woke();
                    continue;
                }
                Poll::Ready(Ok(Heard::HangUp)) => {
                    let gone = PeerGone::HungUp;
                    return Poll::Ready(self.drain_after_death(gone, batch, max));
                }
                Poll::Ready(Err(_)) => {
                    self.shared.end(Closed::ByUs);
                    self.ended = Some(RecvError::RuntimeGone);
                    continue;
                }
                Poll::Pending => {}
            }
            if self.shared.is_peer_dead() {
                return Poll::Ready(self.drain_after_death(PeerGone::Exited, batch, max));
            }
            match self.life.poll_gone(cx) {
                Poll::Ready(gone) => return Poll::Ready(self.drain_after_death(gone, batch, max)),
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
    /// All are final, and come after everything that the peer had published:
    /// [`RecvError::PeerFault`] if it broke a rule, [`RecvError::PeerGone`] if the kernel says that it
    /// is gone, [`RecvError::RuntimeGone`] if the runtime is shutting down.
    pub async fn recv(
        &mut self,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Result<usize, RecvError> {
        std::future::poll_fn(|cx| self.poll_recv(cx, batch, max)).await
    }

    /// Appends up to `max` frames that are there now, and returns how many. Needs neither the peer
    /// nor a runtime, so it drains what a dead peer left behind.
    ///
    /// # Errors
    /// As [`recv`](Self::recv). `Ok(0)` says that there is nothing now.
    pub fn try_recv(&mut self, batch: &mut Vec<Received>, max: usize) -> Result<usize, RecvError> {
        let before = batch.len();
        let drained = match self.ended {
            // Only what was published before the fault can be relied on, and that was delivered.
            Some(RecvError::PeerFault(_)) => Ok(()),
            _ => self.drain(batch, max),
        };
        let taken = batch.len() - before;
        if taken > 0 {
            self.consumer.commit(); // R6
            self.shared.made_space();
            let payloads = batch.iter().skip(before);
            let bytes = payloads.map(|frame| frame.payload.as_ref().len()).sum();
            self.shared.counters.received(taken, bytes);
        }
        match drained {
            Ok(()) => {}
            Err(fault) => self.fail(fault),
        }
        if taken == 0
            && let Err(Closed::PeerFault(fault)) = self.shared.check_open()
        {
            // Found by a sender, or by an adopter.
            self.fail(fault);
        }
        match self.ended {
            Some(ended) if taken == 0 => Err(ended),
            _ => Ok(taken),
        }
    }

    /// A handle that takes over slots named in payload bytes.
    #[must_use]
    pub fn adopter(&self) -> Adopter {
        Adopter::new(&self.shared)
    }

    fn drain(&mut self, batch: &mut Vec<Received>, max: usize) -> Result<(), PeerFault> {
        for _ in 0..max {
            let Some(entry) = self.consumer.pop()? else {
                break;
            };
            let (header, payload) = parse(&entry, &self.shared.layout)?;
            let payload = ReceivedPayload::of(&self.shared, payload)?;
            batch.push(Received { header, payload });
        }
        Ok(())
    }

    /// N2: the death was seen, so everything published before it can be seen too.
    fn drain_after_death(
        &mut self,
        gone: PeerGone,
        batch: &mut Vec<Received>,
        max: usize,
    ) -> Result<usize, RecvError> {
        self.shared.end(Closed::PeerGone(gone));
        match self.try_recv(batch, max) {
            Ok(0) => {
                let ended = RecvError::PeerGone(gone);
                self.ended = Some(ended);
                Err(ended)
            }
            answer => answer,
        }
    }

    fn fail(&mut self, fault: PeerFault) {
        self.shared.fail(fault);
        self.ended = Some(RecvError::PeerFault(fault));
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.shared.end(Closed::ByUs);
        self.life.hang_up();
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}
