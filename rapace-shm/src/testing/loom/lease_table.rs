//! The leases, between the receiver, the thread that drops a slot, and a peer that sends a slot again.

use loom::thread;
use std::sync::Arc;

use super::{CAPACITY, View, check};
use crate::ring::return_ring::Returner;
use crate::ring::spsc::{Consumer, Producer};
use crate::slab::lease_table::LeaseTable;

const SLOT: u32 = 0;

/// An honest peer's slot is received, dropped by `drop_slot` in another thread, and received again.
fn a_slot_comes_twice(drop_slot: fn(&LeaseTable, &mut Returner<View>)) {
    let (ring, returns) = (View::new(), View::new());
    let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
    assert!(producer.push(0, &u64::from(SLOT)).unwrap());
    let peer = thread::spawn({
        let mut returned = Consumer::new(returns.clone(), CAPACITY as u32);
        move || {
            if returned.pop().unwrap().is_some() {
                assert!(producer.push(0, &u64::from(SLOT)).unwrap());
            }
        }
    });
    let held = Arc::new(LeaseTable::new(1));
    let mut consumer = Consumer::new(ring, CAPACITY as u32);
    assert!(consumer.pop().unwrap().is_some());
    assert!(held.acquire(SLOT));
    assert!(!held.acquire(SLOT), "what is held cannot come");
    let mut returner = Returner::new(returns, CAPACITY as u32);
    let dropping = thread::spawn({
        let held = Arc::clone(&held);
        move || drop_slot(&held, &mut returner)
    });
    if consumer.pop().unwrap().is_some() {
        assert!(held.acquire(SLOT), "an honest peer is accused");
    }
    dropping.join().unwrap();
    peer.join().unwrap();
}

/// J2.
#[test]
fn a_slot_that_comes_again_is_not_held() {
    check(|| {
        a_slot_comes_twice(|held, returner| {
            held.release(SLOT);
            returner.push(u64::from(SLOT));
        });
    });
}

#[test]
#[should_panic(expected = "an honest peer is accused")]
fn without_letting_go_before_the_return_an_honest_peer_is_accused() {
    check(|| {
        a_slot_comes_twice(|held, returner| {
            returner.push(u64::from(SLOT));
            held.release(SLOT);
        });
    });
}
