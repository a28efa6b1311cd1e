//! The return ring, and a slot that is sent and returned.

use loom::thread;
use std::sync::Arc;

use super::{Bytes, CAPACITY, View, check};
use crate::ring::return_ring::Returner;
use crate::ring::spsc::{Consumer, Producer};
use crate::slab::slot_state::SlotState;

/// E4.
#[test]
fn a_slot_is_not_written_before_its_reader_returned_it() {
    check(|| {
        let (ring, slot) = (View::new(), Bytes::new(1));
        let reading = thread::spawn({
            let mut returner = Returner::new(ring.clone(), CAPACITY as u32);
            let slot = slot.clone();
            move || {
                assert_eq!(slot.read(), 1);
                returner.push(0);
            }
        });
        let mut returns = Consumer::new(ring, CAPACITY as u32);
        if returns.pop().unwrap().is_some() {
            slot.write(2);
        }
        reading.join().unwrap();
    });
}

/// S4, S5 and P1, with three parties: the task that sends and then drops its handle, the peer, and
/// the thread that collects returns.
#[test]
fn a_slot_that_comes_back_was_in_flight_and_is_freed_once() {
    check(|| {
        let (ring, returns) = (View::new(), View::new());
        let slot = Bytes::new(0);
        let state = Arc::new(SlotState::free());
        let sending = thread::spawn({
            let mut producer = Producer::new(ring.clone(), CAPACITY as u32);
            let (slot, state) = (slot.clone(), Arc::clone(&state));
            move || {
                state.begin_writing();
                slot.write(1);
                state.freeze();
                state.send().unwrap();
                assert!(producer.push(0, &0).unwrap());
                let freed = state.release();
                if freed {
                    slot.write(2);
                }
                freed
            }
        });
        let receiving = thread::spawn({
            let mut consumer = Consumer::new(ring, CAPACITY as u32);
            let mut returner = Returner::new(returns.clone(), CAPACITY as u32);
            let slot = slot.clone();
            move || {
                let received = consumer.pop().unwrap();
                if received.is_some() {
                    assert_eq!(slot.read(), 1);
                    returner.push(0);
                }
                received.is_some()
            }
        });
        let mut collecting = Consumer::new(returns, CAPACITY as u32);
        let came_back = collecting.pop().unwrap().is_some();
        let mut freed = 0;
        if came_back {
            assert!(state.is_in_flight());
            if state.returned().unwrap() {
                slot.write(2);
                freed += 1;
            }
        }
        freed += u32::from(sending.join().unwrap());
        let received = receiving.join().unwrap();
        assert!(received || !came_back);
        assert_eq!(freed, u32::from(came_back));
    });
}
