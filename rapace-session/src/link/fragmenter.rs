//! Sending of buffers in fragments.
//!
//! - FM1: each lane has a task that sends its fragments, in the order of the [`Schedule`]. It runs on the
//!   session's runtime, since that of a caller may end before other callers do, and ends when nothing is
//!   left to send.
//! - FM2: sending a fragment waits for a slot that no user can keep, and for room on the ring. Both
//!   come back with the next turn of the peer's reader, so a fragment waits for nothing that a user
//!   holds.
//! - FM3: the task sends whatever a payload's sender does meanwhile. If the sender is gone, the peer is told. If it is not
//!   polled, the payload becomes complete, and can be revoked.
//! - FM4: reading a buffer may run user code. A panic there fails the payload, and no other.
//! - FM5: the peer is woken once for several fragments, and always before the task waits or ends. A wake-up costs as much as
//!   copying a fragment.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::{collections::VecDeque, fmt};

use rapace_codec::{Blob, BlobMut, guarded};
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::link::fragment_schedule::{Active, Part, Schedule, Step, Ticket};
use crate::link::payload_error::{PayloadError, panicked};
use crate::link::reassembly::cost;
use crate::link::waits::{Need, WaitNumber, Waits};
use crate::transport::{AllocateError, Lane, SendError, Transport};
use crate::wire::frame::{ChannelId, Frame, FrameType, Header, OpenTransfers, Payload};
use crate::wire::transfer::TransferId;

/// Sends buffers in fragments, over one transport.
pub(crate) struct Fragmenter {
    transport: Arc<dyn Transport>,
    waits: Arc<Waits>,
    next: AtomicU32,
    peer: OnceLock<Arc<Sending>>,
}

/// What is known from the handshake on.
struct Sending {
    transport: Arc<dyn Transport>,
    waits: Arc<Waits>,
    /// The peer's name, and the window that its hello grants.
    name: Box<str>,
    window: u32,
    /// The session's runtime.
    runtime: Handle,
    schedule: Mutex<Schedule<Outgoing>>,
    /// For each lane, that its next step may be another one.
    data: Notify,
    priority: Notify,
    /// Frames sent since the peer was last woken (FM5).
    unflushed: AtomicU32,
}

/// How many frames the peer is woken for, at most: the fragments of half of the slots, so that it copies these while
/// the others are filled.
const FLUSH_AFTER: u32 = rapace_shm::FRAGMENT_SLOTS / 2;

const LANES: [Lane; 2] = [Lane::Data, Lane::Priority];

/// Buffers of one payload.
struct Outgoing {
    transfers: VecDeque<(TransferId, Blob)>,
    /// The bytes of the first buffer that are sent.
    sent: usize,
    done: oneshot::Sender<Result<(), PayloadError>>,
    /// The wait of its sender.
    wait: WaitNumber,
}

/// The transfers of one payload. Dropping them gives up the payload, unless its frame was sent.
pub(crate) struct Transfers {
    sending: Arc<Sending>,
    lane: Lane,
    ticket: Ticket,
}

/// The numbers of transfers that are not open yet, and what they take of the window.
pub(crate) struct Numbers(Part);

impl Numbers {
    pub(crate) fn ids(&self) -> &[TransferId] {
        &self.0.ids
    }
}

impl Fragmenter {
    pub(crate) fn new(transport: Arc<dyn Transport>, waits: Arc<Waits>) -> Self {
        Self {
            transport,
            waits,
            next: AtomicU32::new(0),
            peer: OnceLock::new(),
        }
    }

    /// Records the peer's name, the window that its hello grants, and the session's runtime, which is the current one.
    pub(crate) fn set_peer(&self, name: &str, window: u32) {
        // The handshake accepts one hello.
        let _ = self.peer.set(Arc::new(Sending {
            transport: Arc::clone(&self.transport),
            waits: Arc::clone(&self.waits),
            name: name.into(),
            window,
            runtime: Handle::current(),
            schedule: Mutex::new(Schedule::new(window.into())),
            data: Notify::new(),
            priority: Notify::new(),
            unflushed: AtomicU32::new(0),
        }));
    }

    /// The peer's name.
    pub(crate) fn peer(&self) -> &str {
        self.peer.get().map_or("", |peer| &peer.name)
    }

    /// Ends all waits: the session is over.
    pub(crate) fn close(&self) {
        if let Some(peer) = self.peer.get() {
            peer.close();
        }
    }

    /// Returns numbers for buffers of these lengths.
    ///
    /// # Errors
    /// If they are longer than the window together.
    pub(crate) fn number(&self, lengths: &[usize]) -> Result<Numbers, PayloadError> {
        let cost = lengths.iter().map(|length| cost(*length)).sum::<u64>();
        let window = self.peer.get().ok_or(PayloadError::Closed)?.window;
        if cost > u64::from(window) {
            return Err(PayloadError::Encode(format!(
                "no slot is free for {cost} bytes of it, and a message may have at most {window} in fragments: split it, or \
                 give the segment more slots (`SegmentConfig::with_classes`)"
            )));
        }
        let next = |_: &usize| TransferId(self.next.fetch_add(1, Ordering::Relaxed));
        let ids = lengths.iter().map(next).collect();
        Ok(Numbers(Part { ids, cost }))
    }

    /// Sends buffers, in the order of their numbers, and waits until all fragments are on the ring: `wait`, whose end is up
    /// to its owner then.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the payload. While it is not polled, the fragments are sent.
    pub(crate) async fn send(
        &self,
        numbers: Numbers,
        buffers: Vec<Blob>,
        lane: Lane,
        wait: WaitNumber,
    ) -> Result<Transfers, PayloadError> {
        let sending = self.peer.get().ok_or(PayloadError::Closed)?;
        let (done, all_sent) = oneshot::channel();
        let outgoing = Outgoing {
            transfers: numbers.ids().iter().copied().zip(buffers).collect(),
            sent: 0,
            done,
            wait,
        };
        let added = sending.change(|schedule| schedule.add(lane, numbers.0, outgoing));
        let transfers = Transfers {
            sending: Arc::clone(sending),
            lane,
            ticket: added.map_err(|_| PayloadError::Closed)?,
        };
        all_sent.await.map_err(|_| PayloadError::Closed)??;
        Ok(transfers)
    }
}

impl OpenTransfers for Transfers {
    fn send_frame(&self, send: &mut dyn FnMut() -> bool) {
        let Some(complete) = self.sending.lock().take(self.ticket) else {
            return;
        };
        // Without the lock: the transport may wake any task.
        let sent = send();
        self.sending.change(|schedule| match sent {
            true => schedule.sent(complete),
            false => schedule.not_sent(self.ticket, complete),
        });
    }
}

impl Drop for Transfers {
    fn drop(&mut self) {
        let (lane, ticket) = (self.lane, self.ticket);
        let payload = self
            .sending
            .change(|schedule| schedule.give_up(lane, ticket));
        drop(payload);
    }
}

impl Sending {
    fn lock(&self) -> MutexGuard<'_, Schedule<Outgoing>> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, lane: Lane) -> &Notify {
        match lane {
            Lane::Data => &self.data,
            Lane::Priority => &self.priority,
        }
    }

    /// Changes the schedule. The tasks of both lanes look for their next steps then, since a change in one lane
    /// may let the other one go on (FS2, FS4); a lane that has something to do and no task gets one (FM1).
    fn change<T>(self: &Arc<Self>, change: impl FnOnce(&mut Schedule<Outgoing>) -> T) -> T {
        let mut schedule = self.lock();
        let changed = change(&mut schedule);
        let begin = LANES.map(|lane| schedule.begins(lane));
        drop(schedule);
        for (lane, begins) in LANES.into_iter().zip(begin) {
            match begins {
                true => {
                    let sending = Arc::clone(self);
                    self.runtime.spawn(async move { sending.run(lane).await });
                }
                false => self.changed(lane).notify_one(),
            }
        }
        changed
    }

    fn close(self: &Arc<Self>) {
        let left = self.change(Schedule::close);
        drop(left);
    }

    /// Carries out the steps of a lane.
    async fn run(self: Arc<Self>, lane: Lane) {
        loop {
            let step = self.lock().next(lane);
            let done = match step {
                Step::Tell(part) => {
                    let told = self.drop_all(&part.ids, lane).await;
                    self.change(|schedule| schedule.free(part));
                    told
                }
                Step::Send { active, admitted } => {
                    if admitted {
                        self.change(|_| ());
                    }
                    self.turn(active, lane).await
                }
                Step::Wait(revocable) => {
                    self.flush();
                    self.wait(lane, revocable).await;
                    ControlFlow::Continue(())
                }
                Step::Idle => return self.flush(),
            };
            if done.is_break() {
                self.close();
            }
            tokio::task::coop::consume_budget().await;
        }
    }

    async fn wait(self: &Arc<Self>, lane: Lane, revocable: Option<Instant>) {
        let changed = self.changed(lane).notified();
        let Some(at) = revocable else {
            return changed.await;
        };
        tokio::select! {
            () = changed => {}
            () = sleep_until(at) => self.change(|schedule| schedule.revoke(Instant::now())),
        }
    }

    /// Sends the next fragment of a payload, and puts the rest back.
    async fn turn(self: &Arc<Self>, mut active: Active<Outgoing>, lane: Lane) -> ControlFlow<()> {
        let payload = &mut active.payload;
        let Some((id, blob)) = payload.transfers.front() else {
            let payload = self.change(|schedule| schedule.complete(lane, active));
            self.waits.now_needs(payload.wait, Need::Poll);
            let _ = payload.done.send(Ok(()));
            return ControlFlow::Continue(());
        };
        let piece = guarded(|| {
            let rest = &blob[payload.sent..];
            &rest[..rest.len().min(self.transport.max_fragment())]
        });
        let piece = match piece {
            Ok(piece) => piece,
            Err(panic) => {
                // FM4
                let payload = self.change(|schedule| schedule.fail(lane, active));
                let _ = payload.done.send(Err(panicked(&panic)));
                return ControlFlow::Continue(());
            }
        };
        self.send_fragment(*id, blob.len(), piece, lane).await?;
        payload.sent += piece.len();
        if payload.sent == blob.len() {
            payload.transfers.pop_front();
            payload.sent = 0;
        }
        let given_up = self.lock().put_back(lane, active);
        drop(given_up);
        ControlFlow::Continue(())
    }

    async fn send_fragment(
        &self,
        id: TransferId,
        length: usize,
        piece: &[u8],
        lane: Lane,
    ) -> ControlFlow<()> {
        let mut header = Header::new(FrameType::Fragment, ChannelId::SESSION);
        header.method = id.0;
        header.credits = length as u32;
        let mut frame = Frame::bare(header);
        match Payload::inline(piece) {
            Some(payload) => frame.payload = payload,
            None => match self.allocate_fragment(piece.len(), lane).await {
                Ok(mut buffer) => {
                    buffer.copy_from_slice(piece);
                    frame.payload = Payload::Buffer(buffer.freeze());
                }
                Err(
                    AllocateError::Closed
                    | AllocateError::Exhausted
                    | AllocateError::TooLarge { .. },
                ) => return ControlFlow::Break(()),
            },
        }
        self.publish(&frame, lane).await
    }

    /// Wakes the peer, if it sleeps (FM5).
    fn flush(&self) {
        self.unflushed.store(0, Ordering::Relaxed);
        self.transport.flush();
    }

    async fn allocate_fragment(&self, len: usize, lane: Lane) -> Result<BlobMut, AllocateError> {
        match self.transport.try_allocate_fragment(len, lane) {
            Err(AllocateError::Exhausted) => {
                self.flush();
                self.transport.allocate_fragment(len, lane).await
            }
            now => now,
        }
    }

    async fn drop_all(&self, ids: &[TransferId], lane: Lane) -> ControlFlow<()> {
        for id in ids {
            let mut header = Header::new(FrameType::DropFragments, ChannelId::SESSION);
            header.method = id.0;
            self.publish(&Frame::bare(header), lane).await?;
        }
        ControlFlow::Continue(())
    }

    async fn publish(&self, frame: &Frame, lane: Lane) -> ControlFlow<()> {
        loop {
            match self.transport.send_unflushed(frame, lane) {
                Ok(()) => {
                    if self.unflushed.fetch_add(1, Ordering::Relaxed) + 1 >= FLUSH_AFTER {
                        self.flush();
                    }
                    return ControlFlow::Continue(());
                }
                Err(SendError::Full) => {
                    self.flush();
                    if self.transport.ready(lane).await.is_err() {
                        return ControlFlow::Break(());
                    }
                }
                Err(SendError::Closed | SendError::InFlight) => return ControlFlow::Break(()),
            }
        }
    }
}

impl fmt::Debug for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfers")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::time::timeout;

    use super::*;
    use crate::link::fragment_schedule::REVOKED_AFTER;
    use crate::link::waits::Flow;
    use crate::transport::Endpoint;
    use crate::transport::memory::{self, MemoryConfig};

    /// A fragmenter with a window of 100,000 bytes, whose peer reads nothing, and the peer's end.
    fn fragmenter(capacity: usize) -> (Fragmenter, Endpoint) {
        let config = MemoryConfig {
            capacity,
            ..MemoryConfig::default()
        };
        let (ours, theirs) = memory::pair(config);
        let fragmenter = Fragmenter::new(ours.transport, Arc::default());
        fragmenter.set_peer("peer", 100_000);
        (fragmenter, theirs)
    }

    async fn send(
        fragmenter: &Fragmenter,
        len: usize,
        lane: Lane,
    ) -> Result<Transfers, PayloadError> {
        let numbers = fragmenter.number(&[len])?;
        let wait = fragmenter
            .waits
            .register(Flow::Allocations, Need::Fragments);
        let blobs = vec![Blob::from(vec![7; len])];
        fragmenter.send(numbers, blobs, lane, wait.number).await
    }

    /// Lets the tasks of the lanes do all that they can.
    async fn settle() {
        let before = Instant::now();
        // The clock stands until every task waits.
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(before.elapsed(), Duration::from_millis(1));
    }

    /// FS2: payloads of both lanes are admitted in one order, so the end of one's wait may be another lane's turn.
    #[tokio::test(start_paused = true)]
    async fn who_gives_up_its_wait_for_the_window_lets_the_other_lane_go_on() {
        for (first, second) in [(Lane::Data, Lane::Priority), (Lane::Priority, Lane::Data)] {
            let (fragmenter, _peer) = fragmenter(64);
            let unsent = send(&fragmenter, 60_000, first).await.unwrap();
            let mut too_long = Box::pin(send(&fragmenter, 50_000, second));
            assert!(too_long.as_mut().now_or_never().is_none());
            let mut fits = Box::pin(send(&fragmenter, 30_000, first));
            assert!(fits.as_mut().now_or_never().is_none());
            settle().await;
            assert!(fits.as_mut().now_or_never().is_none(), "it would overtake");
            drop(too_long);
            settle().await;
            assert!(matches!(fits.now_or_never(), Some(Ok(_))), "{first:?}");
            drop(unsent);
        }
    }

    /// FS2: who is next learns of it when the one before is admitted, not when that one is sent.
    #[tokio::test(start_paused = true)]
    async fn a_payload_does_not_wait_for_fragments_of_the_one_before_it() {
        let (fragmenter, _peer) = fragmenter(64);
        let unsent = send(&fragmenter, 60_000, Lane::Priority).await.unwrap();
        while fragmenter.transport.send(&bare(), Lane::Data).is_ok() {}
        let mut before = Box::pin(send(&fragmenter, 50_000, Lane::Data));
        assert!(before.as_mut().now_or_never().is_none());
        let mut after = Box::pin(send(&fragmenter, 30_000, Lane::Priority));
        settle().await;
        assert!(after.as_mut().now_or_never().is_none(), "it would overtake");
        drop(unsent);
        settle().await;
        assert!(
            before.now_or_never().is_none(),
            "its part of the ring is full"
        );
        assert!(matches!(after.now_or_never(), Some(Ok(_))));
    }

    /// FS4: a lane that waits learns of a payload that the other lane has completed.
    #[tokio::test(start_paused = true)]
    async fn a_payload_completed_in_one_lane_can_be_revoked_for_the_other() {
        for (first, second) in [(Lane::Data, Lane::Priority), (Lane::Priority, Lane::Data)] {
            let (fragmenter, mut peer) = fragmenter(8);
            // Two fragments for a ring that another one has filled.
            let mut others = Vec::new();
            while fragmenter.transport.send(&bare(), first).is_ok() {}
            let mut unsent = Box::pin(send(&fragmenter, 70_000, first));
            assert!(unsent.as_mut().now_or_never().is_none());
            settle().await;
            let mut waits = Box::pin(send(&fragmenter, 50_000, second));
            assert!(waits.as_mut().now_or_never().is_none());
            settle().await;
            let mut read = |others: &mut Vec<Frame>| {
                let recv = std::future::poll_fn(|cx| peer.incoming.poll_recv(cx, others, 64));
                recv.now_or_never()
            };
            assert!(read(&mut others).is_some());
            settle().await;
            let unsent = unsent.now_or_never().unwrap().unwrap();
            let taken = timeout(REVOKED_AFTER, waits).await.unwrap().unwrap();
            let mut sent = 0;
            unsent.send_frame(&mut || {
                sent += 1;
                true
            });
            assert_eq!(sent, 0, "it was revoked");
            drop((taken, unsent));
        }
    }

    fn bare() -> Frame {
        Frame::bare(Header::new(FrameType::Drain, ChannelId::SESSION))
    }
}
