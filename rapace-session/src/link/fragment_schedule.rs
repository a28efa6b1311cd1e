//! Which payload sends its next fragment, in both lanes of a session: plain logic.
//!
//! - FS1: payloads that are being sent take turns within their lane, a fragment each, so a short one does
//!   not wait for a long one.
//! - FS2: a payload takes its part of the peer's window before its first fragment, in the order in which
//!   payloads came, over both lanes.
//! - FS3: a part comes back when a frame has taken the transfers, or when the peer was told that none
//!   will. So the peer never sees more than its window.
//! - FS4: a complete payload waits for its sender to send the frame. If others wait for the window, it
//!   can be revoked, the oldest one first; its sender encodes it again. So nobody waits for a sender that
//!   is not polled.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::Lane;
use crate::wire::transfer::TransferId;

/// How long a complete payload keeps its part of a window that others wait for (FS4).
pub(super) const REVOKED_AFTER: Duration = Duration::from_secs(1);

/// The name of a payload within its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// The numbers of a payload's transfers, and its part of the window.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) ids: Vec<TransferId>,
    pub(super) cost: u64,
}

/// A payload that is being sent.
#[derive(Debug)]
pub(super) struct Active<P> {
    ticket: Ticket,
    part: Part,
    pub(super) payload: P,
}

/// A payload all of whose fragments are sent.
#[derive(Debug)]
pub(super) struct Complete {
    lane: Lane,
    part: Part,
    since: Instant,
}

/// What a lane does next.
#[derive(Debug)]
pub(super) enum Step<P> {
    /// Tell the peer that no frame will take these transfers.
    Tell(Part),
    /// Send a fragment of this payload. `admitted`: the first payload that waits in the other lane may have its turn now
    /// (FS2).
    Send { active: Active<P>, admitted: bool },
    /// Wait until the window changes, or until a payload may be revoked.
    Wait(Option<Instant>),
    /// Nothing is left to send.
    Idle,
}

/// The payloads of a session that travel in fragments.
#[derive(Debug)]
pub(super) struct Schedule<P> {
    /// The bytes of the window that no payload has.
    free: u64,
    next: u64,
    data: Queue<P>,
    priority: Queue<P>,
    complete: BTreeMap<Ticket, Complete>,
    closed: bool,
}

/// The payloads of a lane.
#[derive(Debug)]
struct Queue<P> {
    /// Of which the peer is to be told.
    dropped: VecDeque<Part>,
    sending: VecDeque<Active<P>>,
    /// That wait for the window.
    waiting: VecDeque<Active<P>>,
    /// Whose fragment is being sent, and whether it was given up meanwhile.
    turn: Option<(Ticket, bool)>,
    /// Whether somebody carries out the steps of this lane.
    runs: bool,
}

impl<P> Default for Queue<P> {
    fn default() -> Self {
        Self {
            dropped: VecDeque::new(),
            sending: VecDeque::new(),
            waiting: VecDeque::new(),
            turn: None,
            runs: false,
        }
    }
}

impl<P> Schedule<P> {
    pub(super) fn new(window: u64) -> Self {
        Self {
            free: window,
            next: 0,
            data: Queue::default(),
            priority: Queue::default(),
            complete: BTreeMap::new(),
            closed: false,
        }
    }

    fn lane(&mut self, lane: Lane) -> &mut Queue<P> {
        match lane {
            Lane::Data => &mut self.data,
            Lane::Priority => &mut self.priority,
        }
    }

    /// Adds a payload. `None` once the schedule is closed.
    pub(super) fn add(&mut self, lane: Lane, part: Part, payload: P) -> Result<Ticket, P> {
        if self.closed {
            return Err(payload);
        }
        let ticket = Ticket(self.next);
        self.next += 1;
        self.lane(lane).waiting.push_back(Active {
            ticket,
            part,
            payload,
        });
        Ok(ticket)
    }

    /// Whether somebody must begin to carry out the steps of a lane. The caller does so then.
    pub(super) fn begins(&mut self, lane: Lane) -> bool {
        let closed = self.closed;
        let queue = self.lane(lane);
        let work = !(queue.dropped.is_empty() && queue.waiting.is_empty());
        !closed && work && !std::mem::replace(&mut queue.runs, true)
    }

    /// The next step of a lane.
    pub(super) fn next(&mut self, lane: Lane) -> Step<P> {
        if let Some(part) = self.lane(lane).dropped.pop_front() {
            return Step::Tell(part);
        }
        let admitted = self.admit(lane);
        let queue = self.lane(lane);
        if let Some(active) = queue.sending.pop_front() {
            queue.turn = Some((active.ticket, false));
            return Step::Send { active, admitted };
        }
        if queue.waiting.is_empty() {
            queue.runs = false;
            return Step::Idle;
        }
        let oldest = self.oldest().map(|(_, complete)| complete.since);
        Step::Wait(oldest.map(|since| since + REVOKED_AFTER))
    }

    /// Gives payloads their part of the window (FS2), and returns whether there were any.
    fn admit(&mut self, lane: Lane) -> bool {
        let mut admitted = false;
        loop {
            let first = |queue: &Queue<P>| queue.waiting.front().map(|active| active.ticket);
            let other = match lane {
                Lane::Data => first(&self.priority),
                Lane::Priority => first(&self.data),
            };
            let free = self.free;
            let queue = self.lane(lane);
            let Some(active) = queue.waiting.pop_front_if(|active| {
                active.part.cost <= free && other.is_none_or(|other| active.ticket < other)
            }) else {
                return admitted;
            };
            let cost = active.part.cost;
            queue.sending.push_back(active);
            self.free -= cost;
            admitted = true;
        }
    }

    /// Puts a payload back that has more fragments. If it was given up meanwhile, it is returned, to be dropped
    /// without a lock.
    pub(super) fn put_back(&mut self, lane: Lane, active: Active<P>) -> Option<P> {
        let queue = self.lane(lane);
        match queue.turn.take() {
            Some((_, true)) => {
                queue.dropped.push_back(active.part);
                Some(active.payload)
            }
            _ => {
                queue.sending.push_back(active);
                None
            }
        }
    }

    /// Records that all fragments of a payload are sent.
    pub(super) fn complete(&mut self, lane: Lane, active: Active<P>) -> P {
        let queue = self.lane(lane);
        match queue.turn.take() {
            Some((_, true)) => queue.dropped.push_back(active.part),
            _ => {
                let complete = Complete {
                    lane,
                    part: active.part,
                    since: Instant::now(),
                };
                self.complete.insert(active.ticket, complete);
            }
        }
        active.payload
    }

    /// Records that a payload cannot be sent.
    pub(super) fn fail(&mut self, lane: Lane, active: Active<P>) -> P {
        let queue = self.lane(lane);
        queue.turn = None;
        queue.dropped.push_back(active.part);
        active.payload
    }

    /// Gives up a payload whose frame is not sent. What is returned must be dropped without a lock.
    pub(super) fn give_up(&mut self, lane: Lane, ticket: Ticket) -> Option<P> {
        if let Some(Complete { part, .. }) = self.complete.remove(&ticket) {
            self.lane(lane).dropped.push_back(part);
            return None;
        }
        let queue = self.lane(lane);
        if let Some((in_turn, given_up)) = &mut queue.turn
            && *in_turn == ticket
        {
            *given_up = true;
            return None;
        }
        if let Some(active) = remove(&mut queue.waiting, ticket) {
            return Some(active.payload); // It has no part yet.
        }
        let active = remove(&mut queue.sending, ticket)?;
        queue.dropped.push_back(active.part);
        Some(active.payload)
    }

    /// Takes a complete payload, to send its frame. `None` if it was revoked.
    pub(super) fn take(&mut self, ticket: Ticket) -> Option<Complete> {
        self.complete.remove(&ticket)
    }

    /// Undoes [`take`](Self::take): the frame was not sent.
    pub(super) fn not_sent(&mut self, ticket: Ticket, complete: Complete) {
        self.complete.insert(ticket, complete);
    }

    /// Frees a part of the window (FS3).
    pub(super) fn free(&mut self, part: Part) {
        self.free += part.cost;
    }

    /// Frees the part of a payload whose frame was sent (FS3).
    pub(super) fn sent(&mut self, complete: Complete) {
        self.free(complete.part);
    }

    fn oldest(&self) -> Option<(Ticket, &Complete)> {
        let all = self
            .complete
            .iter()
            .map(|(ticket, complete)| (*ticket, complete));
        all.min_by_key(|(_, complete)| complete.since)
    }

    /// Revokes the payload that has been complete for longest, if that is long enough (FS4).
    pub(super) fn revoke(&mut self, now: Instant) {
        let oldest = self.oldest();
        let Some((ticket, _)) = oldest.filter(|(_, oldest)| oldest.since + REVOKED_AFTER <= now)
        else {
            return;
        };
        if let Some(Complete { lane, part, .. }) = self.complete.remove(&ticket) {
            self.lane(lane).dropped.push_back(part);
        }
    }

    /// Ends the schedule. What is returned must be dropped without a lock.
    pub(super) fn close(&mut self) -> Vec<P> {
        self.closed = true;
        let mut left = Vec::new();
        for queue in [&mut self.data, &mut self.priority] {
            queue.dropped.clear();
            let payloads = queue.sending.drain(..).chain(queue.waiting.drain(..));
            left.extend(payloads.map(|active| active.payload));
        }
        self.complete.clear();
        left
    }
}

fn remove<P>(queue: &mut VecDeque<Active<P>>, ticket: Ticket) -> Option<Active<P>> {
    let at = queue.iter().position(|active| active.ticket == ticket)?;
    queue.remove(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Named = Schedule<&'static str>;

    fn add(schedule: &mut Named, lane: Lane, cost: u64, name: &'static str) -> Ticket {
        let part = Part {
            ids: vec![TransferId(cost as u32)],
            cost,
        };
        schedule.add(lane, part, name).unwrap()
    }

    fn send(schedule: &mut Named, lane: Lane) -> Active<&'static str> {
        match schedule.next(lane) {
            Step::Send { active, .. } => active,
            other => panic!("{other:?}"),
        }
    }

    fn complete(schedule: &mut Named, lane: Lane) -> &'static str {
        let active = send(schedule, lane);
        schedule.complete(lane, active)
    }

    fn tell(schedule: &mut Named, lane: Lane) -> Part {
        match schedule.next(lane) {
            Step::Tell(part) => part,
            other => panic!("{other:?}"),
        }
    }

    fn waits(schedule: &mut Named, lane: Lane) -> bool {
        matches!(schedule.next(lane), Step::Wait(_))
    }

    fn is_idle(schedule: &mut Named, lane: Lane) -> bool {
        matches!(schedule.next(lane), Step::Idle)
    }

    #[test]
    fn payloads_take_turns() {
        let mut schedule = Named::new(100);
        for name in ["a", "b", "c"] {
            add(&mut schedule, Lane::Data, 10, name);
        }
        let mut order = String::new();
        for _ in 0..6 {
            let active = send(&mut schedule, Lane::Data);
            order += active.payload;
            assert!(schedule.put_back(Lane::Data, active).is_none());
        }
        assert_eq!(order, "abcabc");
    }

    #[test]
    fn the_window_is_given_in_order_over_both_lanes() {
        let mut schedule = Named::new(100);
        let first = add(&mut schedule, Lane::Data, 60, "first");
        add(&mut schedule, Lane::Priority, 50, "second");
        add(&mut schedule, Lane::Data, 10, "third");
        assert_eq!(complete(&mut schedule, Lane::Data), "first");
        assert!(waits(&mut schedule, Lane::Data), "it would overtake");
        assert!(waits(&mut schedule, Lane::Priority), "it does not fit");
        let sent = schedule.take(first).unwrap();
        assert!(
            waits(&mut schedule, Lane::Priority),
            "its frame is not sent yet"
        );
        schedule.sent(sent);
        assert!(waits(&mut schedule, Lane::Data));
        let Step::Send { active, admitted } = schedule.next(Lane::Priority) else {
            panic!("it fits");
        };
        assert!(active.payload == "second" && admitted);
        assert_eq!(complete(&mut schedule, Lane::Data), "third");
    }

    /// FS3
    #[test]
    fn a_part_comes_back_when_the_peer_was_told() {
        let mut schedule = Named::new(100);
        let lane = Lane::Data;
        let told = |schedule: &mut Named| {
            assert_eq!(schedule.free, 70);
            let part = tell(schedule, lane);
            schedule.free(part);
            assert!(is_idle(schedule, lane) && schedule.free == 100);
        };
        let waiting = add(&mut schedule, lane, 30, "waiting");
        assert_eq!(schedule.give_up(lane, waiting), Some("waiting"));
        assert!(is_idle(&mut schedule, lane), "the peer has not heard of it");

        let between = add(&mut schedule, lane, 30, "between two turns");
        let active = send(&mut schedule, lane);
        schedule.put_back(lane, active);
        assert_eq!(schedule.give_up(lane, between), Some("between two turns"));
        told(&mut schedule);

        for name in ["in a turn", "in the last turn"] {
            let turn = add(&mut schedule, lane, 30, name);
            let active = send(&mut schedule, lane);
            assert_eq!(schedule.give_up(lane, turn), None);
            match name {
                "in a turn" => assert_eq!(schedule.put_back(lane, active), Some(name)),
                _ => assert_eq!(schedule.complete(lane, active), name),
            }
            assert!(schedule.take(turn).is_none());
            told(&mut schedule);
        }

        let done = add(&mut schedule, lane, 30, "complete");
        complete(&mut schedule, lane);
        assert_eq!(schedule.give_up(lane, done), None);
        assert!(schedule.take(done).is_none());
        told(&mut schedule);

        let active = {
            add(&mut schedule, lane, 30, "failed");
            send(&mut schedule, lane)
        };
        assert_eq!(schedule.fail(lane, active), "failed");
        told(&mut schedule);
    }

    /// FS4
    #[tokio::test(start_paused = true)]
    async fn who_is_complete_for_long_is_revoked_when_others_wait() {
        let mut schedule = Named::new(100);
        let lane = Lane::Data;
        let old = add(&mut schedule, lane, 50, "old");
        complete(&mut schedule, lane);
        tokio::time::advance(REVOKED_AFTER / 2).await;
        let young = add(&mut schedule, Lane::Priority, 50, "young");
        complete(&mut schedule, Lane::Priority);
        add(&mut schedule, lane, 50, "waits");
        let Step::Wait(Some(at)) = schedule.next(lane) else {
            panic!("it waits");
        };
        assert_eq!(at, Instant::now() + REVOKED_AFTER / 2);
        schedule.revoke(Instant::now());
        assert_eq!(schedule.complete.len(), 2);
        tokio::time::advance(REVOKED_AFTER / 2).await;
        for _ in 0..2 {
            schedule.revoke(Instant::now());
            assert_eq!(schedule.complete.len(), 1, "the other one is younger");
        }
        assert!(schedule.take(old).is_none());
        let part = tell(&mut schedule, lane);
        schedule.free(part);
        assert_eq!(complete(&mut schedule, lane), "waits");
        // A frame that was not sent can be tried again, and revoked again.
        let taken = schedule.take(young).unwrap();
        schedule.not_sent(young, taken);
        assert!(schedule.take(young).is_some());
    }

    #[test]
    fn a_lane_begins_once_and_a_closed_one_not_at_all() {
        let mut schedule = Named::new(100);
        assert!(!schedule.begins(Lane::Data));
        add(&mut schedule, Lane::Data, 10, "a");
        assert!(schedule.begins(Lane::Data) && !schedule.begins(Lane::Data));
        assert!(!schedule.begins(Lane::Priority));
        complete(&mut schedule, Lane::Data);
        assert!(is_idle(&mut schedule, Lane::Data));
        add(&mut schedule, Lane::Data, 10, "b");
        assert!(schedule.begins(Lane::Data));
        assert_eq!(schedule.close(), ["b"]);
        assert!(is_idle(&mut schedule, Lane::Data) && !schedule.begins(Lane::Data));
        let part = Part {
            ids: Vec::new(),
            cost: 1,
        };
        assert_eq!(schedule.add(Lane::Data, part, "c").err(), Some("c"));
    }
}
