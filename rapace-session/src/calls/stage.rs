//! The state machine of a call in its session, from entering the table to the reply.
//!
//! - CS1: a call that is cancelled before it is on the ring is never put there. If another thread
//!   is just putting it there, a cancellation follows the request.
//! - CS2: each request on the ring gets one reply, and its entry is free only after the reply.
//! - CS3: the outcome of a call is decided once: each transition has one effect.

/// The stage of a call in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The call is not in the table.
    Free,
    /// In the table, not on the ring, and no thread is putting it there.
    Waiting,
    /// A thread is putting it on the ring, and does not see whether the caller cancels meanwhile.
    Publishing,
    /// As `Publishing`, and the caller has cancelled: the publishing thread completes the
    /// cancellation (CS1).
    Unwanted,
    /// On the ring; or the caller itself is putting it there, and so cannot cancel meanwhile.
    Sent,
    /// On the ring and cancelled; the cancellation is sent. The reply is still outstanding.
    Cancelled,
}

/// The thread that puts a request on the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The caller itself, which does nothing else until that has succeeded or failed.
    Caller,
    /// Another task on its behalf, while the caller may cancel at any moment.
    Another,
}

/// An event in the life of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The call enters the table, and is put on the ring next.
    Entered(Sender),
    /// The ring may have room now.
    Tries,
    /// The ring took the request.
    Published,
    /// The ring refused the request.
    NotPublished,
    /// The caller cancelled, or its sender gave up.
    Cancelled,
    /// The request is taken back, if it is not on the ring and no thread is putting it there.
    Withdrawn,
    /// The reply arrived.
    Replied,
    /// The session ended.
    Ended,
}

/// The effect of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: another thread acts, or the call is over.
    Nothing,
    /// Put the request on the ring.
    Publish,
    /// Keep the call in the table until the ring has room.
    Keep,
    /// Send a cancellation.
    Cancel,
    /// The peer never saw the request: return entry and credit.
    Refund,
    /// Give the reply to the caller.
    Settle,
    /// No caller waits for the reply: return entry and credit.
    CreditBack,
    /// The peer replied to a request that it never got.
    Fault,
    /// The session's end hands the call out.
    Transfer {
        /// Whether the peer may have the request.
        sent: bool,
    },
}

impl Stage {
    /// Returns the stage after `event`, and the effect (CS3).
    pub(crate) fn after(self, event: Event) -> (Self, Effect) {
        use Effect as Do;
        use Event as On;
        match (self, event) {
            (Self::Free, On::Entered(Sender::Caller)) => (Self::Sent, Do::Publish),
            (Self::Free, On::Entered(Sender::Another)) => (Self::Publishing, Do::Publish),
            (Self::Waiting, On::Tries) => (Self::Publishing, Do::Publish),

            (Self::Publishing, On::Published) => (Self::Sent, Do::Nothing),
            (Self::Unwanted, On::Published) => (Self::Cancelled, Do::Cancel), // CS1
            (Self::Publishing | Self::Sent, On::NotPublished) => (Self::Waiting, Do::Keep),
            (Self::Unwanted, On::NotPublished) => (Self::Free, Do::Refund), // CS1

            (Self::Waiting, On::Cancelled | On::Withdrawn) => (Self::Free, Do::Refund), // CS1
            (Self::Publishing, On::Cancelled) => (Self::Unwanted, Do::Nothing),
            (Self::Sent, On::Cancelled) => (Self::Cancelled, Do::Cancel),

            // The reply may arrive before its sender has recorded that the request was sent.
            (Self::Publishing | Self::Sent, On::Replied) => (Self::Free, Do::Settle), // CS2
            (Self::Unwanted | Self::Cancelled, On::Replied) => (Self::Free, Do::CreditBack), // CS2
            (Self::Free | Self::Waiting, On::Replied) => (self, Do::Fault),

            (Self::Waiting, On::Ended) => (Self::Free, Do::Transfer { sent: false }),
            (Self::Publishing | Self::Sent, On::Ended) => (Self::Free, Do::Transfer { sent: true }),
            (Self::Free | Self::Unwanted | Self::Cancelled, On::Ended) => (Self::Free, Do::Nothing),

            (
                Self::Free | Self::Publishing | Self::Unwanted | Self::Sent | Self::Cancelled,
                On::Withdrawn,
            ) => (self, Do::Nothing),

            // Events after the reply, after the session's end, or for the second time.
            (Self::Free, On::Tries | On::Published | On::NotPublished | On::Cancelled)
            | (Self::Waiting, On::Published | On::NotPublished)
            | (Self::Publishing | Self::Unwanted | Self::Sent | Self::Cancelled, On::Tries)
            | (Self::Sent | Self::Cancelled, On::Published)
            | (Self::Cancelled, On::NotPublished)
            | (Self::Unwanted | Self::Cancelled, On::Cancelled) => (self, Do::Nothing),

            // Only free entries are entered.
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

    const EVENTS: [Event; 9] = [
        Event::Entered(Sender::Caller),
        Event::Entered(Sender::Another),
        Event::Tries,
        Event::Published,
        Event::NotPublished,
        Event::Cancelled,
        Event::Withdrawn,
        Event::Replied,
        Event::Ended,
    ];

    /// Each stage by each event, in the order of the two lists: the next stage, and the effect.
    #[test]
    fn every_event_has_one_effect_in_every_stage() {
        let table = "
            free       | sent publish | publishing publish | - nothing         | - nothing        | - nothing      | - nothing       | - nothing       | - fault          | - nothing
            waiting    | - nothing    | - nothing          | publishing publish | - nothing       | - nothing      | free refund     | free refund     | - fault          | free unsent
            publishing | - nothing    | - nothing          | - nothing         | sent nothing     | waiting keep   | unwanted nothing | - nothing       | free settle     | free transfer
            unwanted   | - nothing    | - nothing          | - nothing         | cancelled cancel  | free refund    | - nothing       | - nothing       | free creditback  | free nothing
            sent       | - nothing    | - nothing          | - nothing         | - nothing        | waiting keep   | cancelled cancel | - nothing       | free settle      | free transfer
            cancelled   | - nothing    | - nothing          | - nothing         | - nothing        | - nothing      | - nothing       | - nothing       | free creditback  | free nothing
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

    /// CS1: in every order of events, a cancelled call is on the ring only if a cancellation is
    /// sent. CS2: credit and entry return once.
    #[test]
    fn no_order_of_events_sends_a_cancelled_call_or_returns_a_credit_twice() {
        walk(Stage::Free, Ledger::default(), 7);
    }

    #[derive(Clone, Copy, Default)]
    struct Ledger {
        on_ring: bool,
        /// Its own caller has not tried to send it yet.
        untried: bool,
        unwanted: bool,
        cancelled: bool,
        /// Credits that the call holds.
        out: i32,
    }

    fn walk(stage: Stage, ledger: Ledger, steps: usize) {
        if steps == 0 {
            return;
        }
        let under_way = matches!(stage, Stage::Publishing | Stage::Unwanted);
        for event in EVENTS {
            // Events that a well-behaved peer and a single sender can cause.
            let can = match event {
                Event::Entered(_) => stage == Stage::Free,
                Event::Tries => stage == Stage::Waiting,
                Event::Published => under_way,
                Event::NotPublished => ledger.untried || under_way && !ledger.on_ring,
                Event::Cancelled | Event::Withdrawn | Event::Ended => true,
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
                Event::Cancelled => after.unwanted = true,
                Event::Tries | Event::Withdrawn | Event::Ended => {}
            }
            match effect {
                Effect::Cancel => {
                    assert!(after.on_ring, "a cancel before its request");
                    assert!(!after.cancelled, "cancelled twice");
                    after.cancelled = true;
                }
                Effect::Refund => assert!(!after.on_ring, "the peer has the request"),
                Effect::Settle => assert!(!after.unwanted),
                Effect::CreditBack => assert!(after.unwanted),
                Effect::Publish => assert!(!after.unwanted, "the call is cancelled"),
                Effect::Fault => panic!("a well-behaved peer is blamed"),
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
