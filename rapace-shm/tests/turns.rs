//! How much a receiver leaves to other tasks: counted in turns, on one thread.

use std::cell::Cell;
use std::rc::Rc;

use rapace_shm::{
    Header, Lane, Link, Payload, Received, Receiver, SegmentConfig, Sender, SizeClass, Slot, Trust,
    attachment_table,
};
use tokio::task::LocalSet;

const MIB: usize = 1 << 20;

fn config(trust: Trust) -> SegmentConfig {
    let class = |slot_size, slots| SizeClass { slot_size, slots };
    SegmentConfig::default()
        .with_classes([class(1 << 10, 64), class(4 << 20, 24)])
        .with_trust(trust)
}

/// Runs `work` beside a task that only counts its turns. Returns how many it had.
async fn turns_beside(work: impl Future<Output = ()>) -> usize {
    let turns = Rc::new(Cell::new(0));
    let counting = Rc::clone(&turns);
    let local = LocalSet::new();
    let other = local.spawn_local(async move {
        loop {
            tokio::task::yield_now().await;
            counting.set(counting.get() + 1);
        }
    });
    local.run_until(work).await;
    other.abort();
    turns.get()
}

fn send(out: &Sender, payload: Payload<'_>, attachments: &[Slot]) {
    let sent = out.try_publish(&Header::default(), payload, attachments, Lane::Data);
    assert_eq!(sent, Ok(()));
}

/// Sends `count` slots of 4 MiB, of which most pages are never written, as attachments of one message; and a
/// small message after it.
fn send_large(out: &Sender, count: usize) {
    let attachments: Vec<Slot> = (0..count)
        .map(|nth| {
            let mut slot = out.try_allocate(4 * MIB, Lane::Data).unwrap();
            slot[7] = nth as u8;
            slot[4 * MIB - 1] = 100 + nth as u8;
            slot.freeze()
        })
        .collect();
    let names: Vec<_> = attachments.iter().map(Slot::slot_ref).collect();
    let table = attachment_table(&names);
    let mut payload = out.try_allocate(table.len(), Lane::Data).unwrap();
    payload.copy_from_slice(&table);
    send(out, Payload::Slot(&payload.freeze()), &attachments);
    send(out, Payload::Inline(b"behind"), &[]);
}

fn is_as_sent(batch: &[Received], count: usize) {
    let [large, small] = batch else {
        panic!("{} frames", batch.len());
    };
    assert_eq!(large.attachments.len(), count);
    for (nth, slot) in large.attachments.iter().enumerate() {
        assert_eq!((slot.len(), slot[7]), (4 * MIB, nth as u8));
        assert_eq!(slot[4 * MIB - 1], 100 + nth as u8);
    }
    assert_eq!(small.payload.as_ref(), b"behind");
}

async fn receive_two(inbound: &mut Receiver) -> Vec<Received> {
    let mut batch = Vec::new();
    while batch.len() < 2 {
        inbound.recv(&mut batch, 8).await.unwrap();
    }
    batch
}

#[tokio::test]
async fn a_message_of_many_megabytes_is_copied_a_little_in_each_turn() {
    const COUNT: usize = 16;
    let (host, plugin) = Link::pair(&config(Trust::Untrusted)).unwrap();
    let (_out, mut inbound, _) = host.split();
    let (out, _in, _) = plugin.split();
    send_large(&out, COUNT);
    let turns = turns_beside(async {
        let batch = receive_two(&mut inbound).await;
        assert!(batch[0].attachments.iter().all(|slot| slot.is_copy()));
        is_as_sent(&batch, COUNT);
    })
    .await;
    // No more than 256 KiB in one turn, and other tasks between two of them.
    let least = COUNT * 4 * MIB / (256 << 10) - 1;
    assert!(turns >= least, "{turns} turns, and {least} are due");
}

#[tokio::test]
async fn borrowed_payloads_take_no_turns() {
    const COUNT: usize = 16;
    let (host, plugin) = Link::pair(&config(Trust::Trusted)).unwrap();
    let (_out, mut inbound, _) = host.split();
    let (out, _in, _) = plugin.split();
    send_large(&out, COUNT);
    let turns = turns_beside(async {
        let batch = receive_two(&mut inbound).await;
        is_as_sent(&batch, COUNT);
    })
    .await;
    assert!(turns < 10, "{turns} turns");
}

#[tokio::test]
async fn try_recv_completes_a_large_message_at_once() {
    let (host, plugin) = Link::pair(&config(Trust::Untrusted)).unwrap();
    let (_out, mut inbound, _) = host.split();
    let (out, _in, _) = plugin.split();
    send_large(&out, 3);
    let mut batch = Vec::new();
    while batch.len() < 2 {
        assert_ne!(inbound.try_recv(&mut batch, 8), Ok(0));
    }
    is_as_sent(&batch, 3);
}

#[tokio::test]
async fn a_large_message_of_a_peer_that_has_left_is_delivered_before_the_terminal_error() {
    let (host, plugin) = Link::pair(&config(Trust::Untrusted)).unwrap();
    let (_out, mut inbound, _) = host.split();
    let (out, in_, _) = plugin.split();
    send_large(&out, 3);
    drop(in_); // This end hangs up.
    let batch = receive_two(&mut inbound).await;
    is_as_sent(&batch, 3);
    assert!(inbound.recv(&mut Vec::new(), 8).await.is_err());
}

#[tokio::test]
async fn futures_that_are_ready_again_and_again_let_others_run() {
    const TIMES: usize = 2000;
    let (host, plugin) = Link::pair(&config(Trust::Trusted)).unwrap();
    let (out, mut inbound, _) = host.split();
    let (theirs, _in, _) = plugin.split();
    let receiving = turns_beside(async {
        let mut batch = Vec::new();
        send(&theirs, Payload::Empty, &[]);
        for _ in 0..TIMES {
            // There is always one frame more.
            send(&theirs, Payload::Empty, &[]);
            assert_eq!(inbound.recv(&mut batch, 1).await, Ok(1));
        }
    })
    .await;
    let allocating = turns_beside(async {
        for _ in 0..TIMES {
            out.allocate(100, Lane::Data).await.unwrap();
        }
    })
    .await;
    let writable = turns_beside(async {
        for _ in 0..TIMES {
            out.writable(Lane::Data).await.unwrap();
        }
    })
    .await;
    // tokio's budget is 128 for each turn.
    let least = TIMES / 256;
    let all = [receiving, allocating, writable];
    assert!(all.iter().all(|turns| *turns >= least), "{all:?}");
}

#[tokio::test]
async fn frames_without_end_let_others_run() {
    let (host, plugin) = Link::pair(&config(Trust::Trusted)).unwrap();
    let (_out, mut inbound, _) = host.split();
    let (theirs, _in, _) = plugin.split();
    let turns = turns_beside(async {
        let mut batch = Vec::new();
        for _ in 0..100 {
            for _ in 0..64 {
                send(&theirs, Payload::Empty, &[]);
            }
            batch.clear();
            while batch.len() < 64 {
                inbound.recv(&mut batch, 64).await.unwrap();
            }
        }
    })
    .await;
    // After 512 of them.
    assert!(turns >= 6400 / 1024, "{turns} turns");
}
