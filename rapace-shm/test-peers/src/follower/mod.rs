//! One end of a link that follows a list of random operations, which both ends generate from a seed.
//!
//! A round: send the frames of the list, and receive those that the other end's list has; drop what is due;
//! announce that the round is over, and receive the same. What is dropped in a round was returned before the round
//! is over, so after it each end knows the state of each of its slots.
//!
//! - FW1: frames arrive in order, once, with every byte (a `VecDeque` of the plan).
//! - FW2: an allocation succeeds exactly if the model has a slot free for that lane, in its class or the next.
//! - FW3: after each round the slots in use are those of the model (a map), and no others.
//! - FW4: at the end everything is free, and every counter is what the model counted.

mod plan;
mod sending;

use std::collections::VecDeque;
use std::task::Poll;

use rapace_shm::{Link, Received, ReceivedPayload, ReceivedSlot, Receiver};

use self::plan::{KEPT_AT_MOST, Planned, ROUNDS, holds, planned, table_len};
use self::sending::{EXHAUSTED, FRAME, Sending};

struct Kept {
    until: u32,
    _payload: ReceivedPayload,
    _attachments: Vec<ReceivedSlot>,
}

/// Follows the list to its end.
///
/// # Panics
/// If anything differs from the model.
pub async fn follow(link: Link, side: u32, seed: u64) {
    let (out, mut inbound, _watch) = link.split();
    let mut sending = Sending::new(out, side);
    let mut kept = Vec::new();
    for round in 0..=ROUNDS + KEPT_AT_MOST {
        let plan = planned(seed, side, round);
        let expected = planned(seed, 1 - side, round).into();
        exchange(
            &mut sending,
            &mut inbound,
            round,
            &plan,
            expected,
            &mut kept,
        )
        .await;
        kept.retain(|frame: &Kept| frame.until > round);
        sending.part(&mut inbound, round).await;
    }
    assert!(kept.is_empty());
    sending.end();
}

/// Sends and receives the frames of a round, concurrently.
async fn exchange(
    sending: &mut Sending,
    inbound: &mut Receiver,
    round: u32,
    plan: &[Planned],
    mut expected: VecDeque<Planned>,
    kept: &mut Vec<Kept>,
) {
    let other = 1 - sending.side;
    let mut received = (0, 0);
    let due = expected.len();
    let sends = sending.send(round, plan);
    at_once(sends, inbound, due, |frame| {
        let planned = expected.pop_front().expect("no more than are due"); // FW1
        received.0 += 1;
        received.1 += frame.payload.as_ref().len() as u64;
        let attached = frame.attachments.iter().map(|slot| slot.len() as u64);
        received.1 += attached.sum::<u64>();
        kept.push(check(frame, &planned, other, round));
    })
    .await;
    sending.expected.descriptors_received += received.0;
    sending.expected.bytes_received += received.1;
}

/// Sends, and receives meanwhile: the receiver wakes a sender that waits for room.
async fn at_once(
    sends: impl Future<Output = ()>,
    inbound: &mut Receiver,
    mut due: usize,
    mut take: impl FnMut(Received),
) {
    let mut sends = Box::pin(sends);
    let mut sent = false;
    let mut batch = Vec::new();
    std::future::poll_fn(|cx| {
        loop {
            sent = sent || sends.as_mut().poll(cx).is_ready();
            if sent && due == 0 {
                return Poll::Ready(());
            }
            match inbound.poll_recv(cx, &mut batch, due.clamp(1, 5)) {
                Poll::Ready(answer) => assert_eq!(answer, Ok(batch.len())),
                Poll::Pending => return Poll::Pending,
            }
            due = due
                .checked_sub(batch.len())
                .expect("a frame that was not sent");
            batch.drain(..).for_each(&mut take);
        }
    })
    .await;
}

/// Checks a frame against the list (FW1).
fn check(frame: Received, planned: &Planned, side: u32, round: u32) -> Kept {
    let Received {
        header,
        payload,
        attachments,
    } = frame;
    let of = (
        header.frame_type,
        header.channel,
        header.generation,
        header.call,
    );
    assert_eq!(of, (FRAME, side, round, planned.nth));
    let exhausted = header.flags & EXHAUSTED != 0;
    match &payload {
        ReceivedPayload::Empty => {
            let empty = planned.inline.is_none() && planned.slot.is_none();
            assert!(exhausted || empty, "{planned:?} came without a payload");
        }
        ReceivedPayload::Inline { len, .. } => assert_eq!(Some(usize::from(*len)), planned.inline),
        ReceivedPayload::Slot(slot) => assert_eq!(Some(slot.len()), planned.slot),
    }
    if !exhausted && (planned.inline.is_some() || planned.slot.is_some()) {
        for (nth, (attachment, len)) in attachments.iter().zip(&planned.attachments).enumerate() {
            assert_eq!(attachment.len(), *len);
            holds(attachment, planned, 1 + nth);
        }
        assert_eq!(attachments.len(), planned.attachments.len());
        let rest = &payload.as_ref()[table_len(attachments.len())..];
        holds(rest, planned, 0);
    }
    Kept {
        until: round + planned.keep,
        _payload: payload,
        _attachments: attachments,
    }
}
