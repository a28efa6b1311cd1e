//! What a call is in its session, from the moment it enters the table to its reply.
//!
//! - A1: a call whose caller left before it was on the ring is never put there; or, if that is just
//!   happening, the peer is told behind it that it is cancelled.
//! - A2: each call that is on the ring has one reply, and only then is its entry free.
//! - A3: what becomes of a call is decided once: each way out of a stage has one effect.

/// What a call is in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In no table, or not any more.
    Free,
    /// In the table; not on the ring, and nobody is putting it there at this moment.
    Waiting,
    /// Somebody puts it on the ring at this moment, and cannot see whether its caller leaves meanwhile.
    Publishing,
    /// The same, and its caller has left: whoever puts it on the ring sees to the rest (A1).
    Unwanted,
    /// On the ring. Or its own caller puts it there at this moment, and so cannot leave before.
    Sent,
    /// On the ring; its caller left, and the peer is told. Its reply is still to come.
    Cancelled,
}

/// Who puts a request on the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The call's own caller, who does nothing else until that has succeeded or failed.
    Caller,
    /// Somebody on its behalf, while the caller may leave at any moment.
    Another,
}

/// What can happen to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It enters the table, and is put on the ring next.
    Entered(Sender),
    /// There may be room on the ring now.
    Tries,
    /// The ring took it.
    Published,
    /// The ring did not take it.
    NotPublished,
    /// Its caller left, or whoever was to send it gave up.
    Left,
    /// The peer has answered.
    Replied,
    /// The session is over.
    Ended,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: it is somebody else's, or over.
    Nothing,
    /// It is put on the ring.
    Publish,
    /// It stays in the table, and waits for room.
    Keep,
    /// The peer is told that it is cancelled.
    Cancel,
    /// The peer never had it: entry and credit go back.
    Refund,
    /// The answer is its caller's.
    Settle,
    /// The answer is nobody's: entry and credit go back.
    CreditBack,
    /// The peer answered what it was not asked.
    Fault,
    /// The session's end hands it on.
    Transfer {
        /// Whether the peer may have it.
        sent: bool,
    },
}

impl Stage {
    /// What a call is after `event`, and what follows (A3).
    pub(crate) fn after(self, event: Event) -> (Self, Effect) {
        use Effect as Do;
        use Event as On;
        match (self, event) {
            (Self::Free, On::Entered(Sender::Caller)) => (Self::Sent, Do::Publish),
            (Self::Free, On::Entered(Sender::Another)) => (Self::Publishing, Do::Publish),
            (Self::Waiting, On::Tries) => (Self::Publishing, Do::Publish),

            (Self::Publishing, On::Published) => (Self::Sent, Do::Nothing),
            (Self::Unwanted, On::Published) => (Self::Cancelled, Do::Cancel), // A1
            (Self::Publishing | Self::Sent, On::NotPublished) => (Self::Waiting, Do::Keep),
            (Self::Unwanted, On::NotPublished) => (Self::Free, Do::Refund), // A1

            (Self::Waiting, On::Left) => (Self::Free, Do::Refund), // A1
            (Self::Publishing, On::Left) => (Self::Unwanted, Do::Nothing),
            (Self::Sent, On::Left) => (Self::Cancelled, Do::Cancel),

            // The reply may be there before its sender has noted that it was sent.
            (Self::Publishing | Self::Sent, On::Replied) => (Self::Free, Do::Settle), // A2
            (Self::Unwanted | Self::Cancelled, On::Replied) => (Self::Free, Do::CreditBack), // A2
            (Self::Free | Self::Waiting, On::Replied) => (self, Do::Fault),

            (Self::Waiting, On::Ended) => (Self::Free, Do::Transfer { sent: false }),
            (Self::Publishing | Self::Sent, On::Ended) => (Self::Free, Do::Transfer { sent: true }),
            (Self::Free | Self::Unwanted | Self::Cancelled, On::Ended) => (Self::Free, Do::Nothing),

            // What comes after the reply, after the session's end, or for the second time.
            (Self::Free, On::Tries | On::Published | On::NotPublished | On::Left)
            | (Self::Waiting, On::Published | On::NotPublished)
            | (Self::Publishing | Self::Unwanted | Self::Sent | Self::Cancelled, On::Tries)
            | (Self::Sent | Self::Cancelled, On::Published)
            | (Self::Cancelled, On::NotPublished)
            | (Self::Unwanted | Self::Cancelled, On::Left) => (self, Do::Nothing),

            // An entry is taken from those that are free.
            (
                Self::Waiting | Self::Publishing | Self::Unwanted | Self::Sent | Self::Cancelled,
                On::Entered(_),
            ) => (self, Do::Nothing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: [Stage; 6] = [
        Stage::Free,
        Stage::Waiting,
        Stage::Publishing,
        Stage::Unwanted,
        Stage::Sent,
        Stage::Cancelled,
    ];

    const EVENTS: [Event; 8] = [
        Event::Entered(Sender::Caller),
        Event::Entered(Sender::Another),
        Event::Tries,
        Event::Published,
        Event::NotPublished,
        Event::Left,
        Event::Replied,
        Event::Ended,
    ];

    /// Each stage by each event, in the order of the two lists: the stage that follows, and what is
    /// to be done.
    #[test]
    fn every_event_has_one_effect_in_every_stage() {
        let table = "
            free       | sent publish | publishing publish | - nothing         | - nothing        | - nothing      | - nothing       | - fault          | - nothing
            waiting    | - nothing    | - nothing          | publishing publish | - nothing       | - nothing      | free refund     | - fault          | free unsent
            publishing | - nothing    | - nothing          | - nothing         | sent nothing     | waiting keep   | unwanted nothing | free settle     | free transfer
            unwanted   | - nothing    | - nothing          | - nothing         | cancelled cancel  | free refund    | - nothing       | free creditback  | free nothing
            sent       | - nothing    | - nothing          | - nothing         | - nothing        | waiting keep   | cancelled cancel | free settle      | free transfer
            cancelled   | - nothing    | - nothing          | - nothing         | - nothing        | - nothing      | - nothing       | free creditback  | free nothing
        ";
        let rows = table.lines().map(str::trim).filter(|row| !row.is_empty());
        let mut seen = 0;
        for (stage, row) in STAGES.into_iter().zip(rows) {
            let mut cells = row.split('|').map(str::trim);
            assert_eq!(cells.next(), Some(&*name(stage)));
            for (event, cell) in EVENTS.into_iter().zip(cells) {
                let (next, effect) = stage.after(event);
                let next = match next == stage {
                    true => "-".into(),
                    false => name(next),
                };
                let effect = match effect {
                    Effect::Transfer { sent: false } => "unsent".into(),
                    Effect::Transfer { sent: true } => "transfer".into(),
                    other => format!("{other:?}").to_lowercase(),
                };
                assert_eq!(format!("{next} {effect}"), cell, "{stage:?} on {event:?}");
                seen += 1;
            }
        }
        assert_eq!(seen, STAGES.len() * EVENTS.len());
    }

    fn name(stage: Stage) -> String {
        format!("{stage:?}").to_lowercase()
    }

    /// A1: whatever happens in whatever order, a call whose caller left is on the ring only if the peer
    /// is told; A2: what comes back comes back once.
    #[test]
    fn no_order_of_events_sends_what_nobody_wants_or_gives_a_credit_back_twice() {
        walk(Stage::Free, Ledger::default(), 7);
    }

    #[derive(Clone, Copy, Default)]
    struct Ledger {
        on_ring: bool,
        /// Its own caller has not tried yet.
        untried: bool,
        left: bool,
        cancelled: bool,
        /// Credits that are out for it.
        out: i32,
    }

    fn walk(stage: Stage, ledger: Ledger, steps: usize) {
        if steps == 0 {
            return;
        }
        let under_way = matches!(stage, Stage::Publishing | Stage::Unwanted);
        for event in EVENTS {
            // What an honest peer and the one sender can do.
            let can = match event {
                Event::Entered(_) => stage == Stage::Free,
                Event::Tries => stage == Stage::Waiting,
                Event::Published => under_way,
                Event::NotPublished => ledger.untried || under_way && !ledger.on_ring,
                Event::Left | Event::Ended => true,
                Event::Replied => ledger.on_ring || under_way,
            };
            if !can {
                continue;
            }
            let (next, effect) = stage.after(event);
            let mut after = Ledger {
                untried: false,
                ..ledger
            };
            match event {
                Event::Entered(sender) => {
                    let untried = sender == Sender::Caller;
                    after = Ledger {
                        on_ring: untried,
                        untried,
                        out: 1,
                        ..Ledger::default()
                    };
                }
                Event::Published => after.on_ring = true,
                Event::NotPublished | Event::Replied => after.on_ring = false,
                Event::Left => after.left = true,
                Event::Tries | Event::Ended => {}
            }
            match effect {
                Effect::Cancel => {
                    assert!(after.on_ring, "a cancel before its request");
                    assert!(!after.cancelled, "cancelled twice");
                    after.cancelled = true;
                }
                Effect::Refund => assert!(!after.on_ring, "the peer has it"),
                Effect::Settle => assert!(!after.left),
                Effect::CreditBack => assert!(after.left),
                Effect::Publish => assert!(!after.left, "nobody wants it"),
                Effect::Fault => panic!("an honest peer is blamed"),
                Effect::Transfer { sent } => assert!(sent || !after.on_ring),
                Effect::Nothing | Effect::Keep => {}
            }
            if next == Stage::Free && stage != Stage::Free {
                after.out -= 1;
            }
            assert_eq!(after.out, i32::from(next != Stage::Free));
            assert!(next != Stage::Cancelled || after.cancelled && after.on_ring);
            if next != Stage::Free {
                walk(next, after, steps - 1);
            }
        }
    }
}
